"""Streams of responses: passed on and taken down, or played from the record."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from playhead.calls import Answer
from playhead.responses import BROKEN, CLOSED, COMPLETE, Taken, broken, pauses, wait
from playhead.runs import Run


class _Taking:
    """The stream of a live response. ``errors`` is what the package raises on the way."""

    errors: type[Exception]

    def __init__(self, stream: Any, taken: Taken) -> None:
        self._stream, self._taken = stream, taken

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._taken.chunk(chunk)
                yield chunk
        except self.errors as error:
            self._taken.end(BROKEN, error)
            raise
        self._taken.end(COMPLETE)

    def close(self) -> None:
        if self._taken.is_unread_error:
            # Clients that try again throw errors away unread. People want to know what was said.
            with contextlib.suppress(self.errors):
                for chunk in self._stream:
                    self._taken.chunk(chunk)
        self._stream.close()
        self._taken.end(CLOSED)


class _TakingAsync:
    errors: type[Exception]

    def __init__(self, stream: Any, taken: Taken) -> None:
        self._stream, self._taken = stream, taken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._taken.chunk(chunk)
                yield chunk
        except self.errors as error:
            self._taken.end(BROKEN, error)
            raise
        self._taken.end(COMPLETE)

    async def aclose(self) -> None:
        if self._taken.is_unread_error:
            with contextlib.suppress(self.errors):
                async for chunk in self._stream:
                    self._taken.chunk(chunk)
        await self._stream.aclose()
        self._taken.end(CLOSED)


class _Playing:
    """The stream of a recorded response: the chunks that came, and how it ended."""

    def __init__(self, answer: Answer, run: Run) -> None:
        self._answer, self._speed = answer, run.stream_speed

    def __iter__(self) -> Iterator[bytes]:
        for seconds, chunk in pauses(self._answer, self._speed):
            wait(seconds)
            yield chunk
        if error := broken(self._answer):
            raise error


class _PlayingAsync:
    def __init__(self, answer: Answer, run: Run) -> None:
        self._answer, self._speed = answer, run.stream_speed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for seconds, chunk in pauses(self._answer, self._speed):
            if seconds > 0:
                await asyncio.sleep(seconds)
            yield chunk
        if error := broken(self._answer):
            raise error


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams as classes of one package, which checks that they are its own."""

    taken: type
    taken_async: type
    played: type
    played_async: type

    @classmethod
    def of(cls, module: Any) -> Streams:
        sync, asynchronous = module.SyncByteStream, module.AsyncByteStream
        errors = {"errors": module.TransportError}
        return cls(
            type("TakenStream", (_Taking, sync), errors),
            type("AsyncTakenStream", (_TakingAsync, asynchronous), errors),
            type("PlayedStream", (_Playing, sync), {}),
            type("AsyncPlayedStream", (_PlayingAsync, asynchronous), {}),
        )
