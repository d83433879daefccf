"""Stubs: what answers a call in a replay where the record does not.

A stub is a value, or a function that is called as the tool itself would be. It is never the
record's answer, and reports say so.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playhead import places
from playhead.calls import UNSET, Call

if TYPE_CHECKING:
    from playhead.replaying import Replaying


class NoSuchFunctionError(BaseException):
    """What was to stand in for a tool is not there. No agent is to handle it and go on."""


class Named:
    """A function by its name, ``module:function``, looked for when it is first called.

    Earlier the program's own folder is not where modules are looked for.
    """

    def __init__(self, told: str) -> None:
        self.__qualname__ = told
        self._found: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._found = self._found or _named(self.__qualname__)
        return self._found(*args, **kwargs)


def _named(told: str) -> Callable[..., Any]:
    module, _, name = told.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise NoSuchFunctionError(f"{told} is not there: {error}") from error
    if not callable(found):
        raise NoSuchFunctionError(f"{told} is no function.")
    return found  # type: ignore[no-any-return]


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
