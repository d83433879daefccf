"""Lanes for what runs at the same time: asyncio tasks, threads and thread pools.

Each is wrapped once, where it is started. The child gets its lane in the order of starting,
and threads get the context, which Python leaves empty in them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import functools
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from types import FrameType
from typing import Any

from playhead import places
from playhead.clocks import is_own

# Threads that a pool keeps for whatever comes; when they start says nothing of the session.
POOLS = ("concurrent.futures.thread", "anyio._backends._asyncio")
# They start what others ask them to start.
BETWEEN = sys.stdlib_module_names | {"anyio", "playhead"}


def follow_tasks_and_threads() -> None:
    """Wrap what starts tasks and threads; what is not in a session runs as before."""
    _wrap(asyncio.BaseEventLoop, "create_task", _create_task)
    _wrap(threading.Thread, "start", _start)
    _wrap(concurrent.futures.ThreadPoolExecutor, "submit", _submit)


def _wrap(owner: type, name: str, around: Callable[..., Any]) -> None:
    original = getattr(owner, name)
    if getattr(original, "_is_playhead", False):
        return

    @functools.wraps(original)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        # What a recorded call starts inside of itself is not started when it is replayed, and
        # must not shift the lanes of others.
        if places.current_run() is None:
            return original(self, *args, **kwargs)
        return around(original, self, *args, **kwargs)

    wrapped._is_playhead = True  # type: ignore[attr-defined]
    setattr(owner, name, wrapped)


def _create_task(original: Callable[..., Any], loop: Any, *args: Any, **kwargs: Any) -> Any:
    lane = places.current_lane().spawn(_starter())
    context = kwargs.get("context")
    if context is not None:
        context.run(places.enter_lane, lane)
        return original(loop, *args, **kwargs)
    # A task copies the context in which it is made.
    token = places.enter_lane(lane)
    try:
        return original(loop, *args, **kwargs)
    finally:
        places.leave_lane(token)


def _starter() -> str:
    """Return the library that starts something; nothing where the application itself does."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.partition(".")[0]
        if package not in BETWEEN:
            return "" if is_own(module) else package
        frame = frame.f_back
    return ""


def _start(original: Callable[..., Any], thread: threading.Thread) -> None:
    target = getattr(thread, "_target", None)
    if getattr(target or thread, "__module__", "") not in POOLS:
        thread.run = functools.partial(_as_job(), thread.run)  # type: ignore[method-assign]
    original(thread)


def _submit(
    original: Callable[..., Any],
    pool: concurrent.futures.ThreadPoolExecutor,
    function: Callable[..., Any],
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    return original(pool, _as_job(), function, *args, **kwargs)


def _as_job() -> Callable[..., Any]:
    """Return what runs a function in a thread: in the context of here, in a lane of its own."""
    job, context = places.new_job(_starter()), copy_context()
    context.run(places.enter_lane, job.lane)

    def run(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        with places.working_on(job):
            return context.run(function, *args, **kwargs)

    return run
