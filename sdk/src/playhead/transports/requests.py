"""requests: its adapters, and the urllib3 responses below them."""

from __future__ import annotations

import functools
import importlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from playhead import places
from playhead.calls import Answer
from playhead.failures import error_of, exception_of
from playhead.responses import BROKEN, CLOSED, COMPLETE, Taken, broken, pauses, wait
from playhead.runs import Run
from playhead.transports.asking import answer_to, call_of, taken_of

Original = Callable[..., Any]


def listen() -> None:
    """Wrap the adapter through which requests sends everything."""
    adapters = importlib.import_module("requests.adapters")
    original = adapters.HTTPAdapter.send
    if getattr(original, "_is_playhead", False):
        return

    @functools.wraps(original)
    def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        run = places.current_run()
        if run is None:
            return original(self, request, *args, **kwargs)
        return _sent(run, functools.partial(original, self), self, request, args, kwargs)

    send._is_playhead = True  # type: ignore[attr-defined]
    adapters.HTTPAdapter.send = send


def _sent(run: Run, send: Original, adapter: Any, request: Any, args: Any, kwargs: Any) -> Any:
    body = request.body or b""
    octets = body.encode() if isinstance(body, str) else body
    if not isinstance(octets, bytes):
        # A file or generator: it can be read once only, by whoever sends it.
        octets = b""
    asked, call = call_of(request.method, request.url, octets)
    answer = answer_to(run, asked, call)
    if answer is not None:
        return _served(adapter, request, answer, run)
    request.headers["Accept-Encoding"] = "identity"
    errors = importlib.import_module("requests").RequestException
    try:
        with places.inside(call.id, covers=True):
            response = send(request, *args, **kwargs)
    except errors as error:
        run.finish(call, Answer(error=error_of(error)))
        raise
    response.raw = _TakingRaw(
        response.raw, taken_of(call, asked, response.status_code, response.headers, run)
    )
    return response


class _TakingRaw:
    """A urllib3 response that takes down what is read of it."""

    def __init__(self, raw: Any, taken: Taken) -> None:
        self._raw, self._taken = raw, taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        errors = importlib.import_module("urllib3.exceptions").HTTPError
        try:
            for chunk in self._raw.stream(*args, **kwargs):
                self._taken.chunk(chunk)
                yield chunk
        except errors as error:
            self._taken.end(BROKEN, error)
            raise
        self._taken.end(COMPLETE)

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        chunk: bytes = self._raw.read(*args, **kwargs)
        if chunk:
            self._taken.chunk(chunk)
        if not chunk or not args:
            self._taken.end(COMPLETE)
        return chunk

    def close(self) -> None:
        self._raw.close()
        self._taken.end(CLOSED)

    def release_conn(self) -> None:
        self._raw.release_conn()
        self._taken.end(CLOSED)


class _Played(io.RawIOBase):
    """The recorded chunks as a file, each read at the time at which it came."""

    def __init__(self, answer: Answer, speed: float) -> None:
        self._chunks, self._answer = pauses(answer, speed), answer
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            seconds, self._left = next(self._chunks, (0.0, b""))
            wait(seconds)
        if not self._left and (error := broken(self._answer)):
            raise error
        part, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _served(adapter: Any, request: Any, answer: Answer, run: Run) -> Any:
    response = answer.response
    if response is None or "status" not in response:
        raise exception_of(answer.error or {})
    urllib3 = importlib.import_module("urllib3")
    raw = urllib3.HTTPResponse(
        body=_Played(answer, run.stream_speed),
        headers=response.get("headers"),
        status=response["status"],
        preload_content=False,
    )
    return adapter.build_response(request, raw)
