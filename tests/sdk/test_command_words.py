"""What the command says to people: of what cannot be tried, of sessions as they come."""

from __future__ import annotations

import json
import os
import pty
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playhead import client
from playhead.cli import main, parser
from playhead.commands import following
from playhead.commands.terminal import GREEN, Progress, coloured
from playhead.fetching import Server
from playhead.files import write_file

EVENT = {"id": "1", "kind": "tool", "name": "look_up", "started_at": "2026-11-21T03:12:04.5Z"}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """A process that knows no server, in a folder of its own."""
    for name in ("_sender", "_server"):
        monkeypatch.setattr(client, name, None)
    for name in (client.URL, client.KEY, "PLAYHEAD_PASSPHRASE"):
        # Restored after the test, whatever the command puts there.
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    write_file("a.playhead", "a", [EVENT])


class Answering(BaseHTTPRequestHandler):
    """Answers paths with what the server holds for them, or all with one status."""

    def do_GET(self) -> None:
        status, told = self.server.told.get(self.path.partition("?")[0], (404, {}))
        self.send_response(self.server.status or status)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def answering(told=None, status=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.told, server.status = told or {}, status
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


def said(capsys, *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    return code, shown.err


AWAY = ("--url", "http://127.0.0.1:9", "--key", "k")
RUN = ("--", sys.executable, "-c", "1")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("diff", "no.playhead", "a.playhead"), "there is no file no.playhead"),
        (("diff", "chat-1", "a.playhead"), "no server is known"),
        (("diff", ".playhead", "a.playhead"), "no file .playhead"),
        (("export", *AWAY, "chat-1", "b.playhead"), "No Playhead answers at http://127.0.0.1:9"),
        (("export", "a.playhead", "no/b.playhead"), "There is no folder"),
        (("import", *AWAY, "a.playhead"), "No Playhead answers at"),
        (("import", "a.json"), "a.json is no .playhead file"),
        (("import", "--url", "nowhere", "--key", "k", "a.playhead"), "no address of a Playhead"),
        (("tail", "--url", "http://127.0.0.1:9"), "key is missing"),
        (("tail", *AWAY), "No Playhead answers at"),
        (("diff", "--passphrase-file", "no", "a.playhead", "a.playhead"), "there is no file no"),
        (("replay", "a.playhead", "--", "no-such-program"), "there is no program"),
        (("replay", "no.playhead", *RUN), "no.playhead"),
        (("fork", "a.playhead", "--at", "9", *RUN), "at must be a step from 1 to 1, not 9"),
        (("replay", "a.playhead", "--", sys.executable, "-I", "-c", "1"), "reads PYTHONPATH"),
    ],
)
def test_what_cannot_be_tried_is_said_in_one_line(capsys, arguments, says):
    code, line = said(capsys, *arguments)

    assert (code, says in line) == (2, True), line


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "does not know the key"),
        (403, "The key may not do this"),
        (404, "There is no session 'chat-1'"),
        (503, "The server answered 503"),
        (200, "is no Playhead"),
    ],
)
def test_what_the_server_answers_is_told_with_what_helps(capsys, status, says):
    with answering({"/api/v1/sessions/chat-1": (200, "")}, status) as server:
        server.told = {} if status != 200 else server.told
        code, line = said(capsys, "diff", "--url", server.url, "--key", "k", "chat-1", "a.playhead")

    assert (code, says in line) == (2, True), line


@pytest.mark.parametrize(
    "arguments",
    [
        ("fork", "a.playhead", *RUN),
        ("fork", "a.playhead", "--at", "1", "--tool", "search", *RUN),
        ("replay", "a.playhead", "--stub", "search=1", *RUN),
        ("replay", "a.playhead", "--match", "loosely", *RUN),
    ],
)
def test_options_that_say_nothing_are_refused(arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_every_act_tells_its_exit_codes_and_where_the_server_is(capsys):
    for act in ("record", "replay", "fork", "diff", "export", "import", "tail"):
        with pytest.raises(SystemExit):
            main([act, "--help"])
        shown = capsys.readouterr().out
        assert "130  broken off by Ctrl-C" in shown
        assert all(f"--{name}" in shown for name in ("json", "url", "key", "passphrase-file"))


def session_of(count: int) -> dict:
    found = {"id": "s1", "external_id": "chat-1", "events": count}
    steps = [EVENT | {"id": str(seq), "seq": seq, "status": None} for seq in range(1, count + 1)]
    return {
        "/api/v1/sessions": (200, {"results": [found], "next": None}),
        "/api/v1/sessions/s1": (200, found),
        "/api/v1/sessions/s1/events": (200, {"results": steps, "next": None}),
    }


def test_the_last_steps_of_a_session_are_printed(capsys):
    with answering(session_of(5)) as server:
        code = main(["tail", "--url", server.url, "--key", "k", "s1", "--once", "-n", "2"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [line.split() for line in lines] == [
        ["03:12:04.5Z", "chat-1", seq, "tool", "look_up"] for seq in ("4", "5")
    ]


def test_each_new_step_is_printed_once(capsys):
    options = parser().parse_args(["tail", "--json"])
    with answering(session_of(2)) as server:
        watching = following._Watching(Server(server.url, "k"), options)
        assert watching.look() == 0
        server.told = session_of(4)
        assert (watching.look(), watching.look()) == (2, 0)

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["external_id"], one["seq"]) for one in told] == [("chat-1", 3), ("chat-1", 4)]


def test_what_was_recorded_commands_no_terminal(capsys):
    told = session_of(1)
    told["/api/v1/sessions/s1/events"][1]["results"][0]["name"] = "\x1b[2J\x07gone"
    with answering(told) as server:
        main(["tail", "--url", server.url, "--key", "k", "s1", "--once"])

    shown = capsys.readouterr().out
    assert "gone" in shown
    assert "\x1b" not in shown


def test_a_comparison_tells_the_first_difference_before_all_others(capsys):
    long = "the weather in {} today, and should I take an umbrella with me?"
    for name, city in (("b", "Oslo"), ("c", "Rome")):
        event = EVENT | {"input": {"text": long.format(city)}, "id": name}
        write_file(f"{name}.playhead", name, [EVENT | {"started_at": "2026"}, event])

    assert main(["diff", "b.playhead", "c.playhead"]) == 1
    shown = capsys.readouterr().out
    assert "steps: 1 changed, 1 the same" in shown
    assert "first difference: step 2 of a, step 2 of b: tool look_up: input" in shown
    assert "[-Oslo-] {+Rome+}" in shown
    assert main(["diff", "--json", "b.playhead", "c.playhead"]) == 1
    assert json.loads(capsys.readouterr().out)["first"]["parts"] == ["input"]


def test_progress_and_colours_are_for_terminals(monkeypatch):
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        Progress("exported")(3, 9)
        assert os.read(ours, 100) == b"\x1b[2Kexported 3/9\r"
        assert coloured("same", GREEN, stream) == "\x1b[32msame\x1b[0m"
        monkeypatch.setenv("NO_COLOR", "1")
        assert coloured("same", GREEN, stream) == "same"
    os.close(ours)


def test_a_file_is_sealed_by_exporting_it(capsys, tmp_path):
    (tmp_path / "word").write_text("open sesame\n")

    assert main(["export", "--passphrase-file", "word", "a.playhead", "b.playhead"]) == 0
    assert "1 events of a in b.playhead, encrypted" in capsys.readouterr().out
    assert b"look_up" not in (tmp_path / "b.playhead").read_bytes()
    main(["export", "--plain", "--passphrase-file", "word", "b.playhead", "c.playhead"])
    assert (tmp_path / "c.playhead").read_bytes() == (tmp_path / "a.playhead").read_bytes()
