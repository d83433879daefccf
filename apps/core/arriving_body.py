"""The body of a request as a file that is still arriving."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ArrivingBody(io.RawIOBase):
    """Reads a body from its connection as the view asks for it.

    Django's handler keeps a whole body, in memory or on disk, before any view runs; a file of
    a gigabyte must not lie on the web server at all. The view reads in its own thread and
    waits there, while the event loop, which never reads here, stays free.

    It stands for the connection as well: called, it waits until the body is whole, and then
    for whatever comes next, which is the end of the connection.
    """

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        self._waiting = memoryview(b"")
        self._is_whole = asyncio.Event()

    async def __call__(self) -> Message:
        await self._is_whole.wait()
        return await self._receive()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._waiting and not self._is_whole.is_set():
            coming = asyncio.run_coroutine_threadsafe(self._more(), self._loop)
            self._waiting = memoryview(coming.result())
        size = min(len(buffer), len(self._waiting))
        buffer[:size] = self._waiting[:size]
        self._waiting = self._waiting[size:]
        return size

    async def _more(self) -> bytes:
        message = await self._receive()
        if not message.get("more_body", False):
            self._is_whole.set()
        body: bytes = message.get("body", b"")
        return body
