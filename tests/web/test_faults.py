"""A Playhead whose stores hang: senders get an answer all the same."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.playhead_process import PlayheadProcess

# A limit of patience, and the wait for a connection, and some for a busy machine.
BOUND_SECONDS = 20
FILE = (
    b'--b\r\nContent-Disposition: form-data; name="format"\r\n\r\nplayhead-jsonl\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.jsonl"\r\n\r\n'
    b'{"id": "1", "session": "file", "kind": "tool"}\r\n--b--\r\n'
)


@pytest.fixture(scope="module")
def playhead():
    with PlayheadProcess() as running:
        yield running


@contextmanager
def hanging(playhead: PlayheadProcess, pattern: str) -> Iterator[None]:
    processes = playhead.children(pattern)
    assert processes
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def ask(playhead: PlayheadProcess, path: str, body: bytes | None, kind: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {playhead.key}", "Content-Type": kind}
    request = urllib.request.Request(playhead.url + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=BOUND_SECONDS) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def send(playhead: PlayheadProcess, event_id: str) -> tuple[int, Any]:
    event = {
        "id": event_id,
        "session": "chat-1",
        "kind": "tool",
        "started_at": "2026-03-04T05:06:07Z",
    }
    body = json.dumps({"events": [event]}).encode()
    return ask(playhead, "/api/v1/events", body, "application/json")


def test_senders_are_told_to_come_again_while_the_database_hangs(playhead):
    assert send(playhead, "before")[0] == 200

    with hanging(playhead, "postgres"):
        status, headers = send(playhead, "during")
        is_ready, _ = ask(playhead, "/health/ready", None, "")

    assert (status, headers["Retry-After"]) == (503, "5")
    assert is_ready == 503
    end = time.monotonic() + BOUND_SECONDS
    while send(playhead, "during")[0] != 200 and time.monotonic() < end:
        time.sleep(0.2)
    (found,) = playhead.request("/api/v1/sessions?external_id=chat-1")["results"]
    events = playhead.request(f"/api/v1/sessions/{found['id']}/events?fields=meta")["results"]
    assert {event["client_id"] for event in events} == {"before", "during"}
    assert len(events) == 2


def test_nobody_waits_for_a_broker_that_hangs(playhead):
    with hanging(playhead, "valkey"):
        taken, _ = send(playhead, "without valkey")
        kind = "multipart/form-data; boundary=b"
        imported, _ = ask(playhead, "/api/v1/imports", FILE, kind)
        is_ready, _ = ask(playhead, "/health/ready", None, "")

    assert (taken, imported, is_ready) == (200, 202, 200)
