"""Prompts of the library in an application: fetched, kept, filled, stamped, replayed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import playhead
import pytest
from playhead import prompts, stamping
from playhead.fetching import Server
from playhead.files import read_file

from apps.prompts.moving import move_label
from apps.prompts.resolving import Resolved, fill
from tests.ingest.fake_provider import running_provider
from tests.prompts.factories import MESSAGES, SYSTEM, make_prompt

HOSTILE = "{{customer}} {% now %} \\{{x}}"


class Handler(BaseHTTPRequestHandler):
    """Answers as the server did, with its tag; counts what it is asked."""

    def do_GET(self):
        self.server.asked.append(self.headers.get("If-None-Match"))
        answer = self.server.answers.get(self.path)
        status = self.server.status or (200 if answer else 404)
        if answer and self.headers.get("If-None-Match") == answer[1]:
            status = 304
        body = answer[0] if answer and status == 200 else b""
        self.send_response(status)
        self.send_header("ETag", answer[1] if answer else "")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.seen.set()

    def log_message(self, *_):
        pass


@contextmanager
def serving(answers):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.asked, server.status, server.seen = answers, [], None, threading.Event()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server(project, key_client):
    """The server's own answers about two prompts, over a socket."""
    make_prompt(project, "support/triage", "Help {{customer}} to {{n}}. \\{{kept}}", variables=[
        {"name": "n", "type": "integer", "default": 3}])  # fmt: skip
    prompt = make_prompt(project, "chat", MESSAGES, parameters={"temperature": 0})
    move_label(prompt, label="production", number=1, actor=SYSTEM)
    client, answers = key_client(project, "prompts:read"), {}
    for path in ("support/triage?version=1", "chat?label=production"):
        answer = client.get(f"/api/v1/prompts/{path}")
        answers[f"/api/v1/prompts/{path}"] = (answer.content, answer.headers["ETag"])
    with serving(answers) as found:
        yield found


@pytest.fixture(autouse=True)
def apart(monkeypatch, tmp_path, request):
    """Keep what is kept in a folder of the test's own, and forget it afterwards."""
    monkeypatch.setenv(prompts.FOLDER, str(tmp_path / "kept"))
    monkeypatch.setattr(prompts, "_library", prompts.Library())
    url = "http://127.0.0.1:1"
    if "server" in request.fixturenames:
        url = f"http://127.0.0.1:{request.getfixturevalue('server').server_port}"
    # Known without a sender: what is recorded here goes nowhere.
    monkeypatch.setattr("playhead.client._server", Server(url, "phk_live_none"))
    stamping._uses.clear()


def triage():
    return playhead.prompt("support/triage", version=1)


def test_a_text_is_filled_and_values_stay_text(server):
    assert triage().format(customer=HOSTILE) == f"Help {HOSTILE} to 3. {{{{kept}}}}"


def test_a_chat_takes_messages_at_its_places(server):
    history = [{"role": "user", "content": "Hi"}]

    messages = playhead.prompt("chat").format(customer="Ann", question="Why?", history=history)

    assert messages == [
        {"role": "system", "content": "You help Ann."},
        *history,
        {"role": "user", "content": "Why?"},
    ]


def test_values_that_are_amiss_are_told_by_name(server):
    with pytest.raises(ValueError, match=r"no variable z; .* n takes .* customer needs a value"):
        triage().format(z=1, n="3")


def test_a_prompt_is_asked_for_once_while_it_is_fresh(server):
    assert [triage(), triage()] == [triage(), triage()]
    assert len(server.asked) == 1


def test_a_stale_prompt_is_served_at_once_and_asked_for_again_by_its_tag(server, monkeypatch):
    monkeypatch.setattr(prompts, "_library", prompts.Library(fresh=-1))
    triage()
    server.seen.clear()

    again = triage()
    server.seen.wait(5)

    assert (again.version, server.asked[0]) == (1, None)
    assert server.asked[1] == server.answers["/api/v1/prompts/support/triage?version=1"][1]


def test_the_last_good_one_is_used_while_the_server_is_away(server, monkeypatch):
    before = triage()
    server.status = 503
    monkeypatch.setattr(prompts, "_library", prompts.Library())

    assert triage() == before
    with pytest.raises(playhead.PromptUnavailableError, match="none was kept"):
        playhead.prompt("chat")


def test_what_is_kept_is_for_the_user_alone(server, tmp_path):
    triage()

    [file] = (tmp_path / "kept").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_a_prompt_that_is_not_there_is_said_so(server):
    with pytest.raises(playhead.NoSuchPromptError):
        playhead.prompt("nothing")


def test_calls_say_their_prompt_and_a_replay_takes_it_from_the_record(server, tmp_path):
    path = tmp_path / "run.playhead"

    def ask(client):
        text = triage().format(customer="Ann")
        asked = [{"role": "user", "content": text}]
        return client.chat.completions.create(model="gpt-4o", messages=asked)

    with running_provider() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        with playhead.session(file=path):
            ask(client)
            other = [{"role": "user", "content": "Something else"}]
            client.chat.completions.create(model="gpt-4o", messages=other)
    server.status = 503
    prompts._library.clear()
    with playhead.replay(path, report=False) as replaying:
        ask(client)

    calls = [event for event in read_file(path)[1] if event["kind"] == "llm"]
    stamp = {"name": "support/triage", "version": 1, "variables": {"customer": "Ann"}}
    assert [call.get("prompt") for call in calls] == [stamp, None]
    assert len(server.asked) == 1
    assert not [one for one in replaying.report.divergences if one.kind != "missing"]


def test_the_client_and_the_server_fill_alike(server):
    variables = [
        {"name": "a", "type": "json", "required": True},
        {"name": "b", "type": "number", "required": False, "default": 0.5},
    ]
    text, values = "{{ a }}{{b}} \\{{a}} }} {x}", {"a": {"z": 1, "ä": [None, "{{b}}"]}}

    assert prompts.substitute(text, prompts.write_values(variables, values)) == fill(
        Resolved(text, variables, []), values
    )


@pytest.fixture
def forked(server, tmp_path):
    """Record a prompt that is fetched and used, and fork before both with overrides."""
    path = tmp_path / "run.playhead"
    answer = server.answers["/api/v1/prompts/support/triage?version=1"]
    other = answer[0].replace(b"Help ", b"Kindly help ").replace(b'"version":1', b'"version":2')
    server.answers["/api/v1/prompts/support/triage?version=2"] = (other, '"two"')
    server.answers["/api/v1/prompts/support/triage?label=staging"] = (other, '"two"')

    def fork(overrides, at=1):
        with playhead.session(file=path):
            triage()
        with playhead.fork(path, at=at, overrides=overrides):
            return triage().format(customer="Ann")

    return fork


@pytest.mark.parametrize("wanted", [2, "2", "v2", "staging"])
def test_a_fork_fetches_another_version_of_a_prompt(forked, wanted):
    assert forked({"prompt:support/triage": wanted}).startswith("Kindly help Ann")


def test_a_fork_takes_other_prompts_from_the_record(forked, server):
    assert forked({"prompt:chat": 2}).startswith("Help Ann")
    assert len(server.asked) == 1


@pytest.mark.parametrize("wanted", [0, "", None, True, 1.5])
def test_what_is_no_version_of_a_prompt_is_refused_before_anything_runs(forked, wanted):
    with pytest.raises(ValueError, match="takes a version such as 8 or v8"):
        forked({"prompt:support/triage": wanted})
