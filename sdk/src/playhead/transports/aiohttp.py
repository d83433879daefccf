"""aiohttp: where its connector gives a request a connection, and where the response begins.

Live responses are taken down as they arrive. Recorded ones are read by aiohttp's own response, out
of a stream that hands out the next recorded piece when one is wanted.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from playhead import places
from playhead.calls import Answer, Call
from playhead.failures import error_of, exception_of
from playhead.responses import BROKEN, CLOSED, COMPLETE, Taken, broken, pauses
from playhead.runs import Run
from playhead.transports.asking import answer_to, call_of, taken_of
from playhead.wire import Asked, read_request

Original = Callable[..., Any]
# Of a live connection, the call that it is for.
CALL = "_playhead_call"
# Read what has come in pieces as small as it came.
NEVER_FULL = 2**40


@dataclass(frozen=True, slots=True)
class Classes:
    """What is made of aiohttp's own classes, which it checks its objects against."""

    module: Any
    connection: type
    taking: type
    playing: type
    protocol: type
    errors: tuple[type[BaseException], ...]
    # With it aiohttp breaks off what the application has closed.
    closing: BaseException | None


def listen() -> None:
    """Wrap aiohttp's connector and response. Safe to call again."""
    module = importlib.import_module("aiohttp")
    if getattr(module.BaseConnector.connect, "_is_playhead", False):
        return
    classes = _classes(module)
    _wrap(module.BaseConnector, "connect", functools.partial(_connect, classes))
    _wrap(module.ClientResponse, "start", functools.partial(_start, classes))


def _classes(module: Any) -> Classes:
    streams = importlib.import_module("aiohttp.streams")
    connector = importlib.import_module("aiohttp.connector")
    protocol = importlib.import_module("aiohttp.client_proto")
    responses = importlib.import_module("aiohttp.client_reqrep")
    reader = streams.StreamReader
    return Classes(
        module,
        type("PlayedConnection", (_PlayedConnection, connector.Connection), {}),
        _taking(reader),
        type("PlayedReader", (_PlayedReader, reader), {}),
        protocol.ResponseHandler,
        (module.ClientError, OSError, asyncio.TimeoutError),
        getattr(responses, "_CONNECTION_CLOSED_EXCEPTION", None),
    )


def _wrap(owner: type, name: str, around: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await around(original, self, *args, **kwargs)

    wrapped._is_playhead = True  # type: ignore[attr-defined]
    setattr(owner, name, wrapped)


async def _connect(
    classes: Classes, original: Original, connector: Any, request: Any, *args: Any, **kwargs: Any
) -> Any:
    run = places.current_run()
    # What is upgraded to a websocket is no exchange of one answer.
    if run is None or "Upgrade" in request.headers:
        return await original(connector, request, *args, **kwargs)
    asked, call = call_of(request.method, str(request.url), _octets(request))
    answer = answer_to(run, asked, call)
    if answer is not None:
        return _played(classes, connector, request, answer, run)
    await _change(request, call, run)
    try:
        with places.inside(call.id, covers=True):
            connection = await original(connector, request, *args, **kwargs)
    except classes.errors as error:
        run.finish(call, Answer(error=error_of(error)))
        raise
    setattr(connection, CALL, (asked, call, run))
    return connection


def _octets(request: Any) -> bytes:
    """Return the bytes of a request; none of a file or stream, which can be read once only."""
    value = getattr(request.body, "_value", request.body)
    return value if isinstance(value, bytes) else b""


async def _change(request: Any, call: Call, run: Run) -> None:
    """Let the run change what is asked of a model; and ask for plain bytes."""
    request.headers["Accept-Encoding"] = "identity"
    before = _octets(request)
    if call.kind != "llm" or (body := run.changed_body(before)) == before:
        return
    asked = read_request(request.method, str(request.url), body)
    call.asked, call.model, call.params = asked.asked, asked.model, asked.params or {}
    if hasattr(request, "update_body"):
        await request.update_body(body)
    else:
        # Before aiohttp 3.13.
        request.body = body
        request.headers["Content-Length"] = str(len(body))


def _played(classes: Classes, connector: Any, request: Any, answer: Answer, run: Run) -> Any:
    if answer.response is None or "status" not in answer.response:
        raised: Any = exception_of(answer.error or {})
        if isinstance(raised, classes.module.ClientConnectorError):
            raised._conn_key = request.connection_key
            raised._os_error = OSError(str((answer.error or {}).get("message")))
        raise raised
    loop = asyncio.get_running_loop()
    protocol = classes.protocol(loop)
    protocol.connection_made(_Nowhere())
    connection = classes.connection(connector, request.connection_key, protocol, loop)
    connection.answer, connection.speed = answer, run.stream_speed
    return connection


class _Nowhere(asyncio.Transport):
    """Where a request goes that is answered from the record."""

    def write(self, data: Any) -> None:
        return None

    def writelines(self, list_of_data: Any) -> None:
        return None

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        return None

    def abort(self) -> None:
        return None


class _PlayedConnection:
    """A connection that leads nowhere, and is of no use to another request."""

    answer: Answer
    speed: float
    _protocol: Any

    def close(self) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.close()

    release = close


async def _start(classes: Classes, original: Original, response: Any, connection: Any) -> Any:
    if isinstance(connection, _PlayedConnection):
        writer = getattr(response, "_writer", None)
        if writer is not None:
            # It is cancelled where an answer is there before the request went out.
            await asyncio.wait([writer])
        return _answered(classes, response, connection)
    asked_of: tuple[Asked, Call, Run] | None = getattr(connection, CALL, None)
    if asked_of is None:
        return await original(response, connection)
    # The connection may serve another request later.
    delattr(connection, CALL)
    asked, call, run = asked_of
    try:
        await original(response, connection)
    except classes.errors as error:
        run.finish(call, Answer(error=error_of(error)))
        raise
    taken = taken_of(call, asked, response.status, response.headers, run)
    _take(classes, response.content, taken)
    return response


def _take(classes: Classes, reader: Any, taken: Taken) -> None:
    for chunk in getattr(reader, "_buffer", ()):
        taken.chunk(bytes(chunk))
    if reader.is_eof():
        taken.end(COMPLETE)
        return
    _TAKEN[id(reader)] = (taken, classes)
    reader.__class__ = classes.taking


# Readers have no room for what takes them down. Each is taken out once it has ended.
_TAKEN: dict[int, tuple[Taken, Classes]] = {}


def _taking(reader: Any) -> type:
    """Return the class of the stream of a live response."""

    class TakingReader(reader):  # type: ignore[misc]
        # It takes the place of a reader that is there: it may have nothing of its own.
        __slots__ = ()

        def feed_data(self, data: bytes, *args: Any) -> Any:
            found = _TAKEN.get(id(self))
            if found is not None and data:
                found[0].chunk(bytes(data))
            return reader.feed_data(self, data, *args)

        def feed_eof(self) -> None:
            found = _TAKEN.pop(id(self), None)
            if found is not None:
                found[0].end(COMPLETE)
            reader.feed_eof(self)

        def set_exception(self, exc: BaseException, *args: Any) -> None:
            found = _TAKEN.pop(id(self), None)
            if found is not None:
                taken, classes = found
                is_closed = exc is classes.closing or str(exc) == "Connection closed"
                taken.end(CLOSED if is_closed else BROKEN, None if is_closed else exc)
            reader.set_exception(self, exc, *args)

    return TakingReader


class _Unhurried:
    """Stands where a reader expects the protocol that fills it."""

    connected = True
    _reading_paused = False

    def pause_reading(self) -> None:
        return None

    def resume_reading(self, resume_parser: bool = True) -> None:
        return None


class _PlayedReader:
    """The recorded pieces of a response: the next one comes when it is waited for."""

    def __init__(self, answer: Answer, speed: float, loop: Any) -> None:
        super().__init__(_Unhurried(), NEVER_FULL, loop=loop)  # type: ignore[call-arg]
        self._answer, self._pieces = answer, pauses(answer, speed)

    async def _wait(self, func_name: str) -> None:
        reader: Any = self
        seconds, piece = next(self._pieces, (0.0, b""))
        if seconds > 0:
            await asyncio.sleep(seconds)
        if piece:
            reader.feed_data(piece)
        elif error := broken(self._answer):
            reader.set_exception(error)
            raise error
        else:
            reader.feed_eof()


def _answered(classes: Classes, response: Any, connection: Any) -> Any:
    """Fill a response with what was recorded, as its own ``start`` does from the network."""
    told: Mapping[str, Any] = connection.answer.response or {}
    multidict = importlib.import_module("multidict")
    headers = multidict.CIMultiDict(told.get("headers") or {})
    reader = classes.playing(connection.answer, connection.speed, asyncio.get_running_loop())
    reader.on_eof(response._response_eof)
    response._closed, response._connection = False, connection
    response._protocol = connection.protocol
    response.version, response.reason = classes.module.HttpVersion11, ""
    response.status = told["status"]
    response._headers = multidict.CIMultiDictProxy(headers)
    response._raw_headers = tuple((k.encode(), v.encode()) for k, v in headers.items())
    response.content = reader
    return response
