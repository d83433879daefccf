"""Stubs: what answers a call in a replay where the record does not.

A stub is a value, or a function that is called as the tool itself would be. It is never the
record's answer, and reports say so.
"""

from __future__ import annotations

import fnmatch
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from playhead import places
from playhead.calls import UNSET, Call

if TYPE_CHECKING:
    from playhead.replaying import Replaying


def stub_for(call: Call, stubs: Mapping[str, Any], *, declared: bool) -> Any:
    """Return the stub that stands for a call, the one of its own name first.

    With ``declared`` the one that the tool's decorator names counts too.
    """
    name = f"{call.kind}:{call.name}"
    if name in stubs:
        return stubs[name]
    for pattern, stub in stubs.items():
        if fnmatch.fnmatchcase(name, pattern):
            return stub
    return call.stub if declared else UNSET


def sealed(stub: Callable[..., Any], run: Replaying) -> Callable[..., Any]:
    """Return the stub so that connections are refused while it runs, as in all of the replay."""
    if inspect.iscoroutinefunction(stub):

        @functools.wraps(stub)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            with places.sealed_by(run):
                return await stub(*args, **kwargs)

        return asynchronous

    def sync(*args: Any, **kwargs: Any) -> Any:
        with places.sealed_by(run):
            return stub(*args, **kwargs)

    return sync
