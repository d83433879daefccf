"""An agent is run again: from the record alone, the same each time, or stopped and told why."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import playhead
import pytest
from playhead.files import BrokenFileError, read_file

from tests.ingest.fake_provider import running_provider
from tests.sdk.sample import forecast, look_up, record, replayed


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A file, what the agent returned, and a client whose provider is gone."""
    path = tmp_path_factory.mktemp("records") / "forecast.playhead"
    with running_provider() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        answer = record(path, lambda: forecast(client))
    return path, answer, client


def calls_in(path):
    return [event for event in read_file(path)[1] if event["kind"] in ("llm", "tool")]


def test_without_the_provider_an_agent_does_the_same_every_time(recorded):
    path, answer, client = recorded
    digests = set()
    for _ in range(20):
        again, replay = replayed(path, lambda: forecast(client))
        assert again == answer
        replay.report.assert_faithful()
        digests.add(replay.report.digest)

    report = replay.report
    assert (report.coverage, report.consumption, report.fidelity) == (1.0, 1.0, 1.0)
    assert report.first is None
    assert report.band == "identical"
    assert len(digests) == 1


def test_one_changed_word_stops_the_replay_and_is_named(recorded):
    path, _, client = recorded

    with pytest.raises(playhead.Divergence) as stopped, playhead.replay(path) as replay:
        forecast(client, "Rome")

    first = replay.report.first
    assert (first.kind, first.step, first.name) == ("drifted-request", 4, "openai.chat")
    assert first.differences[0].path == "/input/0/content"
    assert "expected 'What is the weather in Oslo?', got 'What is the weather in Rome?'" in str(
        stopped.value
    )


def test_in_order_a_changed_request_is_answered_and_reported(recorded):
    path, answer, client = recorded

    again, replay = replayed(path, lambda: forecast(client, "Rome"), match="ordered")

    assert again == answer
    assert [one.kind for one in replay.report.divergences] == ["drifted-request"] * 2
    assert replay.report.fidelity < 1
    with pytest.raises(AssertionError, match="first divergence: step 4"):
        replay.report.assert_faithful()


def test_an_answer_is_given_once(tmp_path):
    path = tmp_path / "one.playhead"
    record(path, lambda: look_up("Oslo"))

    with playhead.replay(path) as replay:
        look_up("Oslo")
        with pytest.raises(playhead.Divergence, match="not in the record"):
            look_up("Oslo")

    assert replay.report.first.kind == "extra"


def test_polling_gets_its_changing_answers_in_their_order(tmp_path):
    path = tmp_path / "polling.playhead"
    answers = record(path, lambda: [look_up("Oslo") for _ in range(5)])

    again, _ = replayed(path, lambda: [look_up("Oslo") for _ in range(5)])

    assert again == answers


def test_what_was_not_asked_for_is_missing(tmp_path):
    path = tmp_path / "two.playhead"
    record(path, lambda: [look_up("Oslo"), look_up("Bergen")])

    _, replay = replayed(path, lambda: look_up("Oslo"))

    report = replay.report
    assert (report.first.kind, report.first.step, report.consumption) == ("missing", 4, 0.5)
    with pytest.raises(AssertionError, match="was not asked for"):
        report.assert_faithful()


def test_a_tool_that_writes_never_runs_unless_it_is_named(tmp_path):
    done = []

    @playhead.tool(effects="write")
    def pay(amount: int) -> int:
        done.append(amount)
        return amount

    path = tmp_path / "paid.playhead"
    record(path, lambda: pay(5))
    with pytest.raises(playhead.Divergence), playhead.replay(path, on_divergence="live"):
        pay(6)
    replayed(path, lambda: pay(7), on_divergence="live", allow_live=["tool:pay"])

    assert done == [5, 7]


def test_errors_come_again_as_what_they_were(tmp_path):
    @playhead.tool
    def fail(code: int) -> None:
        raise KeyError("no such order", code)

    path = tmp_path / "failed.playhead"
    with pytest.raises(KeyError):
        record(path, lambda: fail(404))

    with pytest.raises(KeyError) as again:
        replayed(path, lambda: fail(404))
    assert again.value.args == ("no such order", 404)


@pytest.mark.parametrize("asked", ["[400] no", "[429] later"])
def test_errors_of_the_provider_come_again_through_its_client(tmp_path, asked):
    path = tmp_path / "error.playhead"
    with running_provider() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        said = [{"role": "user", "content": asked}]

        def ask():
            return client.chat.completions.create(model="gpt-4o", messages=said)

        with pytest.raises(openai.APIStatusError) as first:
            record(path, ask)
    with pytest.raises(type(first.value)) as again:
        replayed(path, ask)

    assert again.value.status_code == first.value.status_code
    assert again.value.body == first.value.body


def test_a_stream_comes_in_the_same_pieces_at_any_speed(tmp_path):
    path = tmp_path / "stream.playhead"
    with running_provider() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")

        def ask():
            said = [{"role": "user", "content": "rain?"}]
            stream = client.chat.completions.create(model="m", messages=said, stream=True)
            return [part.model_dump() for part in stream]

        parts = record(path, ask)
    [event] = calls_in(path)

    assert replayed(path, ask)[0] == parts
    assert replayed(path, ask, stream_speed=100)[0] == parts
    assert event["replay"]["finish"] == "complete"
    assert event["output"]["content"] == "It rains in Oslo, 4 degrees. "


class Slowly(BaseHTTPRequestHandler):
    """Streams parts of an answer with pauses between them, until nobody listens."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        with contextlib.suppress(OSError):
            for number in range(100):
                part = {"choices": [{"index": 0, "delta": {"content": f"{number} "}}]}
                self.wfile.write(f"data: {json.dumps(part)}\n\n".encode())
                time.sleep(0.005)

    def log_message(self, *_: object) -> None:
        return None


def test_a_stream_that_was_left_early_is_known_as_such(tmp_path):
    path = tmp_path / "left.playhead"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slowly)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}", api_key="none")

    def ask():
        said = [{"role": "user", "content": "rain?"}]
        with client.chat.completions.create(model="m", messages=said, stream=True) as stream:
            return [part.choices[0].delta.content for part, _ in zip(stream, "abc", strict=False)]

    first = record(path, ask)
    server.shutdown()
    server.server_close()
    [event] = calls_in(path)

    assert first == ["0 ", "1 ", "2 "]
    assert event["replay"]["finish"] == "closed_by_consumer"
    assert len(event["replay"]["stream"]) < 20
    assert replayed(path, ask)[0] == first


def test_calls_inside_of_a_tool_are_the_tools(tmp_path):
    path = tmp_path / "nested.playhead"
    with running_provider() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")

        @playhead.tool
        def summarise(text: str) -> str:
            said = [{"role": "user", "content": text}]
            made = client.chat.completions.create(model="m", messages=said)
            return made.choices[0].message.content

        answer = record(path, lambda: summarise("a"))
    assert [event["kind"] for event in calls_in(path)] == ["tool"]
    assert replayed(path, lambda: summarise("a"))[0] == answer


def test_whoever_awaits_gets_the_record_too(tmp_path):
    path = tmp_path / "async.playhead"
    with running_provider() as url:
        url = f"{url}/v1"

        async def ask():
            async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
                said = [{"role": "user", "content": "rain?"}]
                made = await client.chat.completions.create(model="m", messages=said)
                stream = await client.chat.completions.create(model="m", messages=said, stream=True)
                return made.model_dump(), [part.model_dump() async for part in stream]

        answers = record(path, lambda: asyncio.run(ask()))

    assert replayed(path, lambda: asyncio.run(ask()))[0] == answers


def test_a_file_that_was_changed_or_cut_is_refused(tmp_path):
    path = tmp_path / "whole.playhead"
    record(path, lambda: look_up("Oslo"))
    lines = path.read_bytes().splitlines(keepends=True)

    path.write_bytes(b"".join(lines).replace(b'"Oslo"', b'"Rome"'))
    with pytest.raises(BrokenFileError, match="was changed"):
        read_file(path)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(BrokenFileError, match="is cut off"):
        read_file(path)
