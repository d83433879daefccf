"""What an application takes from around it: the clock, chance, sleep, the network.

The functions are replaced once, in their own modules and in those of the application that
have taken them by name. Of no session, each does what it did.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import sys
import time
import types
from collections.abc import Callable, Mapping
from typing import Any

from playhead import arrays, chance, clocks, places
from playhead.replaying import Replaying

# They have taken ``sleep``, or what draws, by name.
HOLDERS = ("asyncio", "anyio._backends._asyncio", "secrets", "os")
_replaced: dict[int, Any] = {}
_seen: set[str] = set()


def take_over() -> None:
    """Put our functions in the place of those that an application draws and reads with.

    Called at the start of every session: modules that were loaded since then are new.
    """
    if not _replaced:
        _replace_functions()
    _replaced.update(arrays.take_over())
    for name in [name for name in sys.modules if name not in _seen]:
        _seen.add(name)
        module = sys.modules.get(name)
        if isinstance(module, types.ModuleType) and clocks.is_own(name):
            _rebind(vars(module), _replaced)


def _replace_functions() -> None:
    everywhere = chance.replacements() | clocks.replacements() | _waiting()
    for original, ours in everywhere.items():
        home, name = sys.modules[_home(original)], original.__name__
        if vars(home).get(name) is original:
            setattr(home, name, ours)
    for name in HOLDERS:
        if name in sys.modules:
            _rebind(vars(sys.modules[name]), _by_id(everywhere))
    _replaced.update(_by_id(everywhere))
    clocks.take_over_datetime()
    _refuse_connections()


def _by_id(replaced: Mapping[Any, Any]) -> dict[int, Any]:
    return {id(original): ours for original, ours in replaced.items()}


def _home(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    return str(function.__module__ or type(owner).__module__)


def _rebind(names: dict[str, Any], replaced: Mapping[int, Any]) -> None:
    for name, value in list(names.items()):
        ours = replaced.get(id(value))
        if ours is not None:
            names[name] = ours


def _waiting() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return what stands in for waiting: while a session is replayed nothing is waited for."""
    sleep, sleep_async = time.sleep, asyncio.sleep

    @functools.wraps(sleep)
    def slept(seconds: float) -> None:
        sleep(0 if _is_replayed() else seconds)

    @functools.wraps(sleep_async)
    async def slept_async(delay: float, result: Any = None) -> Any:
        return await sleep_async(0 if _is_replayed() else delay, result)

    return {sleep: slept, sleep_async: slept_async}


def _is_replayed() -> bool:
    run = places.current_run()
    return run is not None and run.is_replay


def _refuse_connections() -> None:
    """Let no replay reach the network, but from inside of a call that may be made for real."""
    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)
        setattr(socket.socket, name, _guarded(original))


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def connect(self: socket.socket, address: Any) -> Any:
        run = places.sealed_run() or places.current_run()
        if isinstance(run, Replaying):
            # Whoever made it handles errors of the system only, and would leave it open.
            self.close()
            raise run.refuse(str(address))
        return original(self, address)

    return connect
