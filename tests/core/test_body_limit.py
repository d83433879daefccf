"""A body that is too large or too slow is refused while it arrives."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apps.core import body_limit
from apps.core.body_limit import MIB, limit_bodies

PIECE = b"x" * MIB
# Where the sender hangs up.
GONE = b"gone"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, as Django's handler does, and answer with its size."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(*pieces: bytes, path: str = "/v1/traces", length: str = "", pause: float = 0) -> Any:
    """Send a body in pieces; return the status, the answer, and how many pieces were read."""
    sent: list[Any] = []
    left = list(pieces)

    async def receive() -> Any:
        await asyncio.sleep(pause)
        if left[0] is GONE:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-length", length.encode())] if length else []
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    guarded = limit_bodies(echo, silence=0.2)
    # A thread of its own: browser tests leave a running event loop in the main one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(guarded(scope, receive, send))).result()
    return sent[0]["status"], sent[1]["body"], len(pieces) - len(left)


def test_a_body_within_the_limit_is_passed_on():
    assert ask(PIECE, PIECE, b"") == (200, str(2 * MIB).encode(), 3)


def test_a_stream_without_end_is_refused_at_the_limit():
    status, answer, read = ask(*[PIECE] * 100)

    assert (status, read) == (413, 21)
    assert json.loads(answer)["detail"] == "The body is larger than the limit of 20 MiB."


def test_a_declared_length_beyond_the_limit_is_refused_unread():
    status, _, read = ask(b"{}", length=str(30 * MIB))

    assert (status, read) == (413, 0)


@pytest.mark.parametrize("length", ["-1", "1e9", "0x10", "many", "9" * 5000])
def test_a_length_that_lies_changes_nothing_or_is_refused(length):
    assert ask(b"{}", length=length)[0] in {200, 413}


def test_a_sender_that_falls_silent_is_told_so():
    status, answer, _ = ask(b"{", b"}", pause=0.5)

    assert status == 408
    assert "Nothing came for 0.2 seconds" in json.loads(answer)["detail"]


def test_a_sender_that_trickles_is_told_so(monkeypatch):
    monkeypatch.setattr(body_limit, "WHOLE_SECONDS", 0.05)

    status, answer, _ = ask(*[b"x"] * 20, pause=0.02)

    assert status == 408
    assert "Less than 16 KiB a second" in json.loads(answer)["detail"]


def test_a_body_that_breaks_off_is_a_bad_request():
    status, answer, _ = ask(b"{", GONE)

    assert status == 400
    assert "broke off" in json.loads(answer)["detail"]


def test_a_file_to_import_has_a_limit_of_its_own():
    assert ask(*[PIECE] * 30, path="/api/v1/imports")[0] == 200
