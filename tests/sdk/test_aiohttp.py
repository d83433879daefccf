"""What aiohttp sends is recorded and replayed, whole and streamed, with its errors."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import playhead
import pytest

from tests.ingest.fake_provider import running_provider
from tests.sdk.sample import record, replayed
from tests.sdk.test_replaying import Slowly, calls_in


@pytest.fixture(scope="module")
def provider():
    with running_provider() as url:
        yield f"{url}/v1/chat/completions"


async def pieces(content):
    return [piece async for piece in content.iter_any()]


async def lines(content):
    return [line async for line in content]


async def chunks(content):
    return [chunk async for chunk in content.iter_chunked(50)]


def asking(url, read, *, stream=True, text="rain?"):
    async def ask():
        said = [{"role": "user", "content": text}]
        body = {"model": "gpt-4o", "messages": said, "stream": stream}
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
            return answer.status, await read(answer)

    return lambda: asyncio.run(ask())


@pytest.mark.parametrize("read", [pieces, lines, chunks])
def test_a_stream_comes_again_in_the_same_pieces(tmp_path, provider, read):
    path = tmp_path / "stream.playhead"
    ask = asking(provider, lambda answer: read(answer.content))

    first = record(path, ask)
    [event] = calls_in(path)

    assert replayed(path, ask)[0] == first
    assert event["output"]["content"] == "It rains in Oslo, 4 degrees. "
    assert event["replay"]["finish"] == "complete"


def test_whole_answers_and_errors_come_again(tmp_path, provider):
    path = tmp_path / "whole.playhead"
    ask = asking(provider, lambda answer: answer.json(), stream=False)
    refused = asking(provider, lambda answer: answer.json(), stream=False, text="[429] later")

    first = record(path, lambda: (ask(), refused()))
    again, replay = replayed(path, lambda: (ask(), refused()))

    assert again == first
    assert (first[1][0], calls_in(path)[1]["error"]["code"]) == (429, "429")
    replay.report.assert_faithful()


def test_a_server_that_is_away_is_away_again(tmp_path):
    async def ask():
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientConnectorError) as failed:
                await http.post("http://127.0.0.1:9/v1/chat/completions", json={})
            return type(failed.value), str(failed.value).partition("[")[0]

    path = tmp_path / "away.playhead"
    assert record(path, lambda: asyncio.run(ask())) == replayed(path, lambda: asyncio.run(ask()))[0]


@contextlib.contextmanager
def serving(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    server.shutdown()
    server.server_close()


def test_a_stream_that_is_left_early_is_known_as_such(tmp_path):
    async def first_of(answer):
        return [await answer.content.readline() for _ in range(3)]

    path = tmp_path / "left.playhead"
    with serving(Slowly) as url:
        ask = asking(url, first_of)
        first = record(path, ask)
    [event] = calls_in(path)

    assert event["replay"]["finish"] == "closed_by_consumer"
    assert len(event["replay"]["stream"]) < 50
    assert replayed(path, ask)[0] == first


class Broken(BaseHTTPRequestHandler):
    """Promises more than it sends."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b"half of it")

    def log_message(self, *_: object) -> None:
        return None


def test_a_response_that_breaks_off_breaks_off_again(tmp_path):
    path = tmp_path / "broken.playhead"
    with serving(Broken) as url:
        ask = asking(url, lambda answer: answer.read())
        with pytest.raises(aiohttp.ClientPayloadError):
            record(path, ask)

    with pytest.raises(aiohttp.ClientPayloadError):
        replayed(path, ask)
    assert calls_in(path)[0]["replay"]["finish"] == "error"


def test_a_fork_asks_another_model_through_aiohttp(tmp_path, provider):
    path, forked = tmp_path / "first.playhead", tmp_path / "fork.playhead"
    ask = asking(provider, lambda answer: answer.json(), stream=False)
    record(path, ask)

    with playhead.fork(path, 3, file=forked, overrides={"model": "gpt-4o-mini"}):
        ask()

    assert [call["model"] for call in calls_in(forked)] == ["gpt-4o-mini"]
