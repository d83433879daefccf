"""What every transport does with a request, and with the response that it brings."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from playhead import places
from playhead.calls import Answer, Call, make_call
from playhead.failures import error_of
from playhead.responses import Taken
from playhead.runs import Run
from playhead.transports.synthesis import EVENTS, response_of
from playhead.values import as_json
from playhead.wire import Asked, read_request


def call_of(method: str, url: str, body: bytes) -> tuple[Asked, Call]:
    """Return a request as it was read, and the call that it makes."""
    asked = read_request(method, url, body)
    call = make_call(
        asked.kind,
        asked.name,
        asked.asked,
        model=asked.model,
        params=asked.params or {},
        tools=asked.tools or (),
        extra={"provider": asked.provider} if asked.provider else {},
    )
    return asked, call


def answer_to(run: Run, asked: Asked, call: Call) -> Answer | None:
    """Return what a request is answered with a response; None to send it."""
    answer = run.begin(call)
    if answer is None:
        stub = run.replaced(call)
        if stub is None:
            return None
        answer = _stubbed(run, call, stub)
    return _readable(asked, answer)


def _stubbed(run: Run, call: Call, stub: Callable[..., Any]) -> Answer:
    """Let a stub answer, which is given what was asked: input, model, params, tools."""
    told = {"input": call.asked, "model": call.model, "params": dict(call.params)}
    try:
        with places.inside(call.id, covers=True):
            answer = Answer(as_json(_plain(stub(told | {"tools": list(call.tools)}))))
    except BaseException as error:
        run.finish(call, Answer(error=error_of(error)))
        raise
    run.finish(call, answer)
    return answer


def _plain(made: Any) -> Any:
    if inspect.iscoroutine(made):
        made.close()
        raise TypeError("A stub that answers requests must not be async.")
    return made


def _readable(asked: Asked, answer: Answer) -> Answer:
    """Return an answer whose response has the form that the request wants."""
    response = answer.response or {}
    if "status" in response and (
        asked.protocol is None
        or answer.error is not None
        or asked.is_streamed == _is_stream(response)
    ):
        return answer
    return replace(answer, response=response_of(asked, answer))


def _is_stream(response: Mapping[str, Any]) -> bool:
    return EVENTS in str((response.get("headers") or {}).get("content-type"))


def taken_of(call: Call, asked: Asked, status: int, headers: Mapping[str, str], run: Run) -> Taken:
    """Return what takes down the response to a call."""
    return Taken(call, asked, status, headers, functools.partial(run.finish, call))
