"""httpx2, which the clients of OpenAI and Anthropic use, and httpx: one shape, two packages."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from playhead import places
from playhead.calls import Answer, Call
from playhead.failures import error_of, exception_of
from playhead.responses import COMPLETE, Taken
from playhead.runs import Run
from playhead.transports.asking import answer_to, call_of, taken_of
from playhead.transports.httpx_streams import Streams
from playhead.wire import Asked, read_request

Original = Callable[..., Any]
PACKAGES = ("httpx2", "httpx")


def listen(package: str) -> None:
    """Wrap the sync and async transport of ``package``, ``httpx`` or ``httpx2``."""
    module = importlib.import_module(package)
    if getattr(module.HTTPTransport.handle_request, "_is_playhead", False):
        return
    made = Streams.of(module)
    _wrap(module.HTTPTransport, "handle_request", functools.partial(_handle, module, made))
    _wrap(
        module.AsyncHTTPTransport,
        "handle_async_request",
        functools.partial(_handle_async, module, made),
    )


def _wrap(owner: type, name: str, around: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(self: Any, request: Any) -> Any:
        run = places.current_run()
        return original(self, request) if run is None else around(original, self, request, run)

    wrapped._is_playhead = True  # type: ignore[attr-defined]
    setattr(owner, name, wrapped)


def _handle(
    module: Any, made: Streams, original: Original, transport: Any, request: Any, run: Run
) -> Any:
    asked, call = call_of(request.method, str(request.url), request.read())
    answer = answer_to(run, asked, call)
    if answer is not None:
        return _served(module, made.played(answer, run), request, answer)
    try:
        with places.inside(call.id, covers=True):
            response = original(transport, _as_sent(module, request, call, run))
    except module.TransportError as error:
        run.finish(call, Answer(error=error_of(error)))
        raise
    return _listened_to(response, _taken(call, asked, response, run), made.taken)


async def _handle_async(
    module: Any, made: Streams, original: Original, transport: Any, request: Any, run: Run
) -> Any:
    asked, call = call_of(request.method, str(request.url), await request.aread())
    answer = answer_to(run, asked, call)
    if answer is not None:
        return _served(module, made.played_async(answer, run), request, answer)
    try:
        with places.inside(call.id, covers=True):
            response = await original(transport, _as_sent(module, request, call, run))
    except module.TransportError as error:
        run.finish(call, Answer(error=error_of(error)))
        raise
    return _listened_to(response, _taken(call, asked, response, run), made.taken_async)


def _as_sent(module: Any, request: Any, call: Call, run: Run) -> Any:
    """Return the request as it goes out: with what the run changes, and asking for plain bytes."""
    if call.kind == "llm" and (body := run.changed_body(request.content)) != request.content:
        asked = read_request(request.method, str(request.url), body)
        call.asked, call.model, call.params = asked.asked, asked.model, asked.params or {}
        kept = [pair for pair in request.headers.raw if pair[0].lower() != b"content-length"]
        request = module.Request(
            request.method, request.url, headers=kept, content=body, extensions=request.extensions
        )
    # Compressed bytes would have to be opened to be read, and closed again to be passed on.
    request.headers["accept-encoding"] = "identity"
    return request


def _taken(call: Call, asked: Asked, response: Any, run: Run) -> Taken:
    return taken_of(call, asked, response.status_code, response.headers, run)


def _listened_to(response: Any, taken: Taken, stream: type) -> Any:
    if response.is_closed:
        # A transport of the application's own may bring what is read already.
        taken.chunk(response.content)
        taken.end(COMPLETE)
    else:
        response.stream = stream(response.stream, taken)
    return response


def _served(module: Any, stream: Any, request: Any, answer: Answer) -> Any:
    response = answer.response
    if response is None or "status" not in response:
        raised = exception_of(answer.error or {})
        if isinstance(raised, module.RequestError):
            raised.request = request
        raise raised
    return module.Response(
        response["status"], headers=response.get("headers"), stream=stream, request=request
    )


def listen_to_transport(transport: Any) -> None:
    """Wrap the class of a transport that is not the package's own."""
    for name, around in (("handle_request", _handle), ("handle_async_request", _handle_async)):
        found = getattr(type(transport), name, None)
        if found is not None and not getattr(found, "_is_playhead", False):
            module = importlib.import_module(_package_of(type(transport)))
            _wrap(type(transport), name, functools.partial(around, module, Streams.of(module)))


def _package_of(kind: type) -> str:
    names = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((name for name in names if name in PACKAGES), PACKAGES[0])
