"""Responses on their way: taken down while they pass, and played again as they came.

Nothing is held back: what arrives goes on at once, so that the time to the first token is the
provider's. A chunk is kept as text where it is UTF-8, otherwise in base64.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from playhead.calls import Answer, Call
from playhead.failures import error_of, exception_of
from playhead.wire import Asked, is_at_its_end, read_response

Json = Any

COMPLETE, CLOSED, BROKEN = "complete", "closed_by_consumer", "error"
# Beyond it the bytes of a response are not kept, and it cannot be served at a replay.
LARGEST_RESPONSE = 20 * 1024 * 1024
LONGEST_ERROR = 64 * 1024
# Headers that a client may read; nothing of how the bytes travelled, and no cookies.
KEPT_HEADERS = frozenset(
    "content-type location retry-after retry-after-ms request-id x-request-id".split()
)
KEPT_PREFIXES = ("x-should-retry", "openai-", "anthropic-", "x-ratelimit-", "ratelimit-")

_clock, _sleep = time.perf_counter_ns, time.sleep


class Taken:
    """Takes down one response while it passes, and says what it was once it has ended."""

    def __init__(
        self,
        call: Call,
        asked: Asked,
        status: int,
        headers: Mapping[str, str],
        finished: Callable[[Answer], None],
    ) -> None:
        self._call, self._asked, self._status = call, asked, status
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._finished: Callable[[Answer], None] | None = finished
        self._chunks: list[tuple[float, bytes]] = []
        self._size = 0

    def chunk(self, received: bytes) -> None:
        self._size += len(received)
        if self._size <= LARGEST_RESPONSE:
            self._chunks.append((self._call.elapsed_ms(), received))

    @property
    def is_unread_error(self) -> bool:
        """Tell whether this is an error of a few bytes that nobody has read."""
        length = self._headers.get("content-length", "")
        is_short = length.isdecimal() and 0 < int(length) <= LONGEST_ERROR
        return self._finished is not None and self._status >= 400 and is_short and not self._chunks

    def end(self, finish: str, error: BaseException | None = None) -> None:
        """Say once how the response ended; later calls change nothing."""
        finished, self._finished = self._finished, None
        if finished is None:
            return
        answer = self._answer(finish)
        if error is not None:
            answer.error = error_of(error)
        finished(answer)

    def _answer(self, finish: str) -> Answer:
        body = b"".join(chunk for _, chunk in self._chunks)
        if finish == CLOSED and is_at_its_end(self._asked, body):
            finish = COMPLETE
        kind = self._headers.get("content-type", "")
        told = read_response(self._asked, self._status, body, kind)
        is_stream = "event-stream" in kind
        return Answer(
            output=told.pop("output", None),
            error=told.pop("error", None),
            extra=told,
            response=self._response(finish),
            first_ms=self._chunks[0][0] if is_stream and self._chunks else None,
        )

    def _response(self, finish: str) -> dict[str, Json]:
        response: dict[str, Json] = {
            "status": self._status,
            "headers": {name: value for name, value in self._headers.items() if _is_kept(name)},
            "finish": finish,
        }
        if self._size <= LARGEST_RESPONSE:
            response["stream"] = [[round(at, 3), as_text(chunk)] for at, chunk in self._chunks]
        return response


def _is_kept(name: str) -> bool:
    return name in KEPT_HEADERS or name.startswith(KEPT_PREFIXES)


def as_text(chunk: bytes) -> Json:
    try:
        return chunk.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(chunk).decode()}


def as_bytes(chunk: Json) -> bytes:
    return base64.b64decode(chunk["base64"]) if isinstance(chunk, dict) else str(chunk).encode()


def pauses(answer: Answer, speed: float) -> Iterator[tuple[float, bytes]]:
    """Yield each chunk with the seconds to wait before it; none at speed 0."""
    before = 0.0
    for at, chunk in (answer.response or {}).get("stream") or ():
        yield (max(0.0, at - before) / 1000 / speed if speed else 0.0), as_bytes(chunk)
        before = at


def broken(answer: Answer) -> BaseException | None:
    """Return what is raised at the end of what is recorded, where that is not the whole."""
    finish = (answer.response or {}).get("finish")
    if finish == CLOSED and answer.beyond is not None:
        return answer.beyond()
    return exception_of(answer.error or {}) if finish == BROKEN else None


def wait(seconds: float) -> None:
    if seconds > 0:
        _sleep(seconds)
