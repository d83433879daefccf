"""Telling whoever watches how something goes on: Server-Sent Events (WHATWG HTML, section 9.2).

One look a second serves all who watch the same thing, however many they are. Between two looks
neither a thread nor a connection to the database is held, and nothing is looked at when nobody
watches. Whether each watcher may still see it is asked again and again: a stream lasts longer
than a sign-in may.

Frames are named. ``progress`` holds JSON, with an ``id`` that changes when what is told does; it
is sent when something changed, and every five seconds, so that a reader can tell what is the
same from what is stale. ``end`` says why there is nothing more (``over``, ``gone``, ``barred``).
A stream that just stops after ten minutes is to be opened again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import orjson
import structlog
from django.db import Error, close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from apps.core.errors import UnavailableError
from apps.core.patience import patience

log = structlog.get_logger(__name__)

Json = Any

EVERY_SECONDS = 1.0
# Between two looks passes at least so many times what the first of them took.
LOOKING_SHARE = 10
# The same is told again after so long: silence means that nobody looks any more.
SAID_AGAIN_SECONDS = 5.0
# A comment after so long of silence, so that nobody in between takes the line for dead.
BEAT_SECONDS = 10.0
LONGEST_SECONDS = 600.0
RETRY_MILLISECONDS = 2_000
PATIENCE_SECONDS = 4.0
# In one process. A stream takes one of the places that the web server has for requests.
MOST_WATCHERS = 128
# How many are asked for their rights at one look; the others have their turn at the next.
MOST_ASKED = 25
# Looks at different things side by side; a look takes milliseconds.
THREADS = 4

TOO_MANY = "Too many watch at the moment. Ask again from time to time instead."
SEATS = threading.BoundedSemaphore(MOST_WATCHERS)


@dataclass(frozen=True, slots=True)
class Look:
    """What is told of a thing, and whether there will be nothing more to tell."""

    told: Mapping[str, Json]
    is_over: bool


# None: there is no such thing any more.
Looking = Callable[[], Look | None]


class Pass(Protocol):
    """Who watches, equal for all who show the same credential."""

    @property
    def credential(self) -> Hashable: ...

    def is_good(self) -> bool:
        """Whether they may still see it."""


def watch(request: HttpRequest, key: Hashable, look: Looking, shown: Pass) -> HttpResponseBase:
    """Answer with a stream of what ``look`` finds, shared by all who watch ``key``.

    A reader who has seen the last word and comes again is sent away for good (204). Raises
    UnavailableError where more watch already than a process takes: ask from time to time instead.
    """
    seen = request.headers.get("Last-Event-ID")
    if seen is not None and _is_last_word(look(), seen):
        return HttpResponse(status=204)
    return EventStream(key, look, shown)


def _is_last_word(found: Look | None, seen: str) -> bool:
    return found is None or (found.is_over and _digest(orjson.dumps(found.told)) == seen)


class EventStream(StreamingHttpResponse):
    """A stream of events to one watcher; it takes a seat until it is closed."""

    def __init__(self, key: Hashable, look: Looking, shown: Pass) -> None:
        if not SEATS.acquire(blocking=False):
            raise UnavailableError(TOO_MANY)
        self._is_seated = True
        watcher = Watcher(shown)
        super().__init__(watcher.frames(key, look), content_type="text/event-stream")
        self["Cache-Control"] = "private, no-store, no-transform"
        # A proxy that collects would let the reader wait.
        self["X-Accel-Buffering"] = "no"

    def close(self) -> None:
        super().close()
        if self._is_seated:
            self._is_seated = False
            SEATS.release()


class Watcher:
    """One reader: what is to be sent next, where only the newest counts."""

    def __init__(self, shown: Pass) -> None:
        self.shown = shown
        self._next: bytes | None = None
        self._is_ended = False
        self._given = asyncio.Event()

    def give(self, frame: bytes, *, is_last: bool = False) -> None:
        """Send a frame; a last one comes after what still waits."""
        waiting = self._next if is_last else None
        self._next = (waiting or b"") + frame
        self._is_ended = is_last
        self._given.set()

    async def frames(self, key: Hashable, look: Looking) -> AsyncIterator[bytes]:
        """Yield what is told until it is over, or the reader goes."""
        loop = asyncio.get_running_loop()
        feed, end = feed_of(key, look), loop.time() + LONGEST_SECONDS
        feed.join(self)
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
            while (left := end - loop.time()) > 0:
                yield await self._wait(min(BEAT_SECONDS, left))
                if self._is_ended and self._next is None:
                    return
        finally:
            feed.leave(self)

    async def _wait(self, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                await self._given.wait()
        except TimeoutError:
            return b": still here\n\n"
        self._given.clear()
        frame, self._next = self._next, None
        return frame or b""


@dataclass(eq=False)
class Feed:
    """One thing that is watched: looked at once a second while anybody does."""

    look: Looking
    forget: Callable[[], object]
    watchers: set[Watcher] = field(default_factory=set)
    # When each credential was last asked for its rights.
    asked: dict[Hashable, float] = field(default_factory=dict)
    frame: bytes = b""
    digest: str = ""
    told_at: float = 0.0
    task: asyncio.Task[None] | None = None

    def join(self, watcher: Watcher) -> None:
        self.watchers.add(watcher)
        if self.frame:
            watcher.give(self.frame)
        if self.task is None:
            self.task = asyncio.create_task(self._run())

    def leave(self, watcher: Watcher) -> None:
        self.watchers.discard(watcher)

    async def _run(self) -> None:
        try:
            while self.watchers:
                started = time.monotonic()
                if await self._is_over():
                    return
                # What is costly to look at is looked at less often.
                took = time.monotonic() - started
                await asyncio.sleep(max(EVERY_SECONDS, took * LOOKING_SHARE))
        finally:
            self.forget()
            for watcher in self.watchers:
                watcher.give(b"", is_last=True)

    async def _is_over(self) -> bool:
        """Look once, and tell; a look that fails is no news, and the next may succeed."""
        run = asyncio.get_running_loop().run_in_executor
        try:
            found, barred = await run(POOL, _see, self.look, self._due())
        except Error as error:
            log.warning("nobody could be told how it goes on", error=str(error))
            return False
        self._send_away(barred)
        return self._tell(found)

    def _due(self) -> list[Pass]:
        """Return one pass of each credential, those asked longest ago first."""
        held = {watcher.shown.credential: watcher.shown for watcher in self.watchers}
        self.asked = {credential: self.asked.get(credential, 0.0) for credential in held}
        due = sorted(held, key=lambda credential: self.asked[credential])[:MOST_ASKED]
        self.asked |= dict.fromkeys(due, time.monotonic())
        return [held[credential] for credential in due]

    def _send_away(self, barred: set[Hashable]) -> None:
        for watcher in [one for one in self.watchers if one.shown.credential in barred]:
            self.leave(watcher)
            watcher.give(_end("barred"), is_last=True)

    def _tell(self, found: Look | None) -> bool:
        if found is None:
            self._give(_end("gone"), is_last=True)
            return True
        told, now = orjson.dumps(found.told), time.monotonic()
        digest = _digest(told)
        if digest != self.digest or now - self.told_at >= SAID_AGAIN_SECONDS:
            self.frame, self.digest, self.told_at = _progress(digest, told), digest, now
            self._give(self.frame)
        if found.is_over:
            self._give(_end("over"), is_last=True)
        return found.is_over

    def _give(self, frame: bytes, *, is_last: bool = False) -> None:
        for watcher in self.watchers:
            watcher.give(frame, is_last=is_last)


Feeds = dict[Hashable, Feed]
# A process has one event loop; tests have many.
FEEDS: WeakKeyDictionary[asyncio.AbstractEventLoop, Feeds] = WeakKeyDictionary()
POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="watching")


def feed_of(key: Hashable, look: Looking) -> Feed:
    """Return the feed of a thing in this process; called in its event loop."""
    feeds = FEEDS.setdefault(asyncio.get_running_loop(), {})
    if key not in feeds:
        feeds[key] = Feed(look, forget=lambda: feeds.pop(key, None))
    return feeds[key]


def _see(look: Looking, passes: list[Pass]) -> tuple[Look | None, set[Hashable]]:
    try:
        with patience(PATIENCE_SECONDS):
            barred = {one.credential for one in passes if not one.is_good()}
            return look(), barred
    finally:
        close_old_connections()


def _digest(told: bytes) -> str:
    return blake2b(told, digest_size=8).hexdigest()


def _progress(digest: str, told: bytes) -> bytes:
    return b"id: " + digest.encode() + b"\nevent: progress\ndata: " + told + b"\n\n"


def _end(why: str) -> bytes:
    return b'event: end\ndata: {"why":"' + why.encode() + b'"}\n\n'
