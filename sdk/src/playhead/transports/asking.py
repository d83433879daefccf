"""What every transport does with a request, and with the response that it brings."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from playhead.calls import Call, make_call
from playhead.responses import Taken
from playhead.runs import Run
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


def taken_of(call: Call, asked: Asked, status: int, headers: Mapping[str, str], run: Run) -> Taken:
    """Return what takes down the response to a call."""
    return Taken(call, asked, status, headers, functools.partial(run.finish, call))
