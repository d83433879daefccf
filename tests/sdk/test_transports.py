"""Other ways out of an application: requests, transports of its own, web middleware."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx2
import openai
import playhead
import pytest
import requests
from playhead import places
from playhead.middleware import AsgiSessions, WsgiSessions

from tests.ingest.fake_provider import running_provider
from tests.sdk.sample import record, replayed
from tests.sdk.test_replaying import calls_in

SAID = [{"role": "user", "content": "rain?"}]


@pytest.fixture(scope="module")
def provider():
    with running_provider() as url:
        yield f"{url}/v1"


@pytest.mark.parametrize("stream", [False, True])
def test_what_requests_sends_is_recorded_and_replayed(tmp_path, provider, stream):
    def ask():
        body = {"model": "gpt-4o", "messages": SAID, "stream": stream}
        url = f"{provider}/chat/completions"
        with requests.post(url, json=body, stream=stream, timeout=5) as answer:
            return answer.status_code, list(answer.iter_lines()) if stream else answer.json()

    path = tmp_path / "requests.playhead"
    first = record(path, ask)
    [event] = calls_in(path)

    assert replayed(path, ask)[0] == first
    assert (event["name"], event["output"]["role"]) == ("openai.chat", "assistant")


def test_an_error_of_requests_comes_again(tmp_path):
    def ask():
        with pytest.raises(requests.ConnectionError) as failed:
            requests.post("http://127.0.0.1:9/v1/chat/completions", json={}, timeout=5)
        return type(failed.value)

    path = tmp_path / "away.playhead"
    assert record(path, ask) is replayed(path, ask)[0]


def test_a_client_with_a_transport_of_its_own_is_wrapped(tmp_path):
    def answer(request: httpx2.Request) -> httpx2.Response:
        message = {"role": "assistant", "content": "sun"}
        return httpx2.Response(200, json={"choices": [{"index": 0, "message": message}]})

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    client = playhead.wrap(openai.OpenAI(base_url="http://p/v1", api_key="none", http_client=http))
    path = tmp_path / "own.playhead"

    def ask():
        made = client.chat.completions.create(model="m", messages=SAID)
        return made.choices[0].message.content

    assert record(path, ask) == replayed(path, ask)[0] == "sun"
    assert calls_in(path)[0]["output"]["content"] == "sun"


def test_retries_after_a_429_are_recorded_each_and_nobody_waits_again(tmp_path, provider):
    client = openai.OpenAI(base_url=provider, api_key="none", max_retries=1)
    busy = [{"role": "user", "content": "[429] later"}]

    def ask():
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="m", messages=busy)

    path = tmp_path / "busy.playhead"
    record(path, ask)

    # The client tries again without reading the first; what it said is recorded all the same.
    assert {call["error"]["message"] for call in calls_in(path)} == {"The provider says 429."}
    assert [call["replay"]["ordinal"] for call in calls_in(path)] == [0, 1]
    _, replay = replayed(path, ask)
    replay.report.assert_faithful()


def test_each_request_of_a_web_application_is_a_session():
    seen = []

    def wsgi(environ, start_response):
        seen.append(places.current_run().session)
        return [b"a", b"b"]

    async def asgi(scope, receive, send):
        seen.append(places.current_run().session)

    whole = b"".join(WsgiSessions(wsgi, lambda environ: environ["chat"])({"chat": "w"}, None))
    asyncio.run(
        AsgiSessions(asgi, lambda scope: scope["chat"])({"type": "http", "chat": "a"}, 0, 0)
    )

    assert (whole, seen) == (b"ab", ["w", "a"])
    assert places.current_run() is None


def test_a_wsgi_application_says_its_head_at_once_and_its_parts_are_of_its_session():
    said, runs = [], []

    def parts():
        runs.append(places.current_run())
        yield b"late"

    def wsgi(environ, start_response):
        runs.append(places.current_run())
        start_response("500 Broken", [])
        return parts()

    answer = WsgiSessions(wsgi, lambda environ: "w")({}, lambda status, _: said.append(status))
    assert said == ["500 Broken"]

    # As servers do that answer by several threads.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: b"".join(answer)).result() == b"late"
    answer.close()
    assert [run.session for run in runs] == ["w", "w"]
    assert places.current_run() is None
