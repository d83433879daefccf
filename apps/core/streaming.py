"""Answers that are made while they are sent, and may be larger than memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import cast

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse

# Bytes that are collected before they are sent.
PIECE = 64 * 1024


class PiecewiseResponse(StreamingHttpResponse):
    """Sends what a plain iterator yields, without reading ahead of whoever receives it.

    Django would put all of it into a list first where the server is asynchronous. Between
    two pieces no connection to the database is held: a slow reader costs nobody else one.
    """

    def __init__(self, content: Iterator[bytes], *, content_type: str, filename: str) -> None:
        super().__init__(pieces(content), content_type=content_type)
        self["Content-Disposition"] = f'attachment; filename="{filename}"'
        self["Cache-Control"] = "private, no-store"
        # A proxy that collects the whole answer first would let the reader wait.
        self["X-Accel-Buffering"] = "no"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = cast(Iterator[bytes], self.streaming_content)
        step = sync_to_async(_step, thread_sensitive=False)
        while piece := await step(content):
            yield piece


def _step(content: Iterator[bytes]) -> bytes:
    try:
        return next(content, b"")
    finally:
        close_old_connections()


def pieces(content: Iterator[bytes]) -> Iterator[bytes]:
    """Join small parts, none of which is empty in the end."""
    held: list[bytes] = []
    size = 0
    for part in content:
        held.append(part)
        size += len(part)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
