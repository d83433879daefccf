"""Lanes for what runs at the same time: asyncio tasks, threads and thread pools.

Each is wrapped once, where it is started. The child gets its lane in the order of starting,
and threads get the context, which Python leaves empty in them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import functools
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from playhead import places

# Threads that a pool keeps for whatever comes; when they start says nothing of the session.
POOLS = ("concurrent.futures.thread", "anyio._backends._asyncio")


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
        if places.any_run() is None:
            return original(self, *args, **kwargs)
        return around(original, self, *args, **kwargs)

    wrapped._is_playhead = True  # type: ignore[attr-defined]
    setattr(owner, name, wrapped)


def _create_task(original: Callable[..., Any], loop: Any, *args: Any, **kwargs: Any) -> Any:
    lane = places.current_lane().spawn()
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


def _start(original: Callable[..., Any], thread: threading.Thread) -> None:
    target = getattr(thread, "_target", None)
    if getattr(target or thread, "__module__", "") not in POOLS:
        thread.run = functools.partial(_in_new_lane().run, thread.run)  # type: ignore[method-assign]
    original(thread)


def _submit(
    original: Callable[..., Any],
    pool: concurrent.futures.ThreadPoolExecutor,
    function: Callable[..., Any],
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    context = _context_of(function)
    if context is None:
        return original(pool, _in_new_lane().run, function, *args, **kwargs)
    # asyncio.to_thread brings a copy of the context along: the lane goes in there.
    context.run(places.enter_lane, places.current_lane().spawn())
    return original(pool, function, *args, **kwargs)


def _context_of(function: Callable[..., Any]) -> Context | None:
    if not isinstance(function, functools.partial):
        return None
    owner = getattr(function.func, "__self__", None)
    return owner if isinstance(owner, Context) else None


def _in_new_lane() -> Context:
    context = copy_context()
    context.run(places.enter_lane, places.current_lane().spawn())
    return context
