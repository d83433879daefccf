"""Sending events in the background: in batches, compressed, again until they are taken.

The application never waits for it. Memory is bounded: what does not fit goes to a folder on
disk while the server is away, and what finds no room there either is counted as lost.
"""

from __future__ import annotations

import atexit
import gzip
import json
import logging
import os
import threading
import urllib.error
import urllib.request
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Any
log = logging.getLogger("playhead")

BATCH_EVENTS, BATCH_BYTES = 500, 4 * 1024 * 1024
# How long an event waits for others, in seconds.
PATIENCE = 0.5
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
TIMEOUT = 20.0
LARGEST_EVENT = 6 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the events so far."""

    sent: int
    refused: int
    lost: int
    waiting: int


class Sender:
    """Sends events to ``POST {url}/api/v1/events``. Made once per process; survives a fork."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        spool: Path | None = None,
        most_bytes: int = 64 * 1024 * 1024,
        most_spooled: int = 512 * 1024 * 1024,
    ) -> None:
        self._url, self._key = url.rstrip("/") + "/api/v1/events", key
        self._spool, self._most, self._most_spooled = spool, most_bytes, most_spooled
        self._sent = self._refused = self._lost = 0
        self._begin()
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """Start with nothing waiting: what waited before a fork is the parent's to send."""
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_closing = False
        self._is_idle = True
        self._thread: threading.Thread | None = None

    def put(self, event: Json) -> None:
        """Take an event to send it later. Never raises and never waits for the network."""
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(
            errors="surrogatepass"
        )
        with self._changed:
            if len(line) > LARGEST_EVENT or self._bytes + len(line) > self._most:
                self._lost += 1
                return
            self._waiting.append(line)
            self._bytes += len(line)
            self._is_idle = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="playhead", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _work(self) -> None:
        wait = FIRST_WAIT
        while (batch := self._next()) is not None:
            while batch and not self._try(batch):
                if self._put_aside(batch):
                    break
                if self._pause(wait):
                    self._count_lost(len(batch))
                    break
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                wait = FIRST_WAIT
                self._send_spooled()

    def _next(self) -> list[bytes] | None:
        """Return the next batch once it is worth a request; None at the end."""
        with self._changed:
            while not self._waiting:
                self._is_idle = True
                self._changed.notify_all()
                if self._is_closing:
                    return None
                self._changed.wait()
            if len(self._waiting) < BATCH_EVENTS and not self._is_closing:
                self._changed.wait(PATIENCE)
            return self._taken()

    def _taken(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._waiting and len(batch) < BATCH_EVENTS:
            if batch and size + len(self._waiting[0]) > BATCH_BYTES:
                break
            size += len(self._waiting[0])
            batch.append(self._waiting.popleft())
        self._bytes -= size
        return batch

    def _try(self, batch: Sequence[bytes]) -> bool:
        """Send a batch; True once nothing more can be done for it."""
        body = gzip.compress(b'{"events":[' + b",".join(batch) + b"]}", 1)
        request = urllib.request.Request(self._url, body, self._headers(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                self._count(json.loads(answer.read()), len(batch))
        except urllib.error.HTTPError as error:
            with error:
                return self._was_refused(error.code, len(batch))
        except (OSError, ValueError):
            return False
        return True

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": "playhead-python",
        }

    def _count(self, answer: Json, count: int) -> None:
        refused = len(answer.get("rejected") or ())
        self._refused += refused
        self._sent += count - refused
        for one in (answer.get("rejected") or ())[:3]:
            log.warning("Playhead refused an event: %s %s", one.get("path"), one.get("message"))

    def _was_refused(self, status: int, count: int) -> bool:
        """Tell whether it is no use to send the batch again."""
        if status in (408, 425, 429) or status >= 500:
            return False
        self._refused += count
        log.warning("Playhead refused %s events with status %s.", count, status)
        return True

    def _put_aside(self, batch: Sequence[bytes]) -> bool:
        """Write a batch to disk where there is room; tell whether it is there."""
        if self._spool is None:
            return False
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
            used = sum(file.stat().st_size for file in self._spool.glob("*.gz"))
            packed = gzip.compress(b"\n".join(batch), 1)
            if used + len(packed) > self._most_spooled:
                return False
            name = self._spool / f"{uuid.uuid4().hex}.gz"
            unfinished = name.with_suffix(".part")
            unfinished.write_bytes(packed)
            unfinished.rename(name)
        except OSError as error:
            log.warning("Playhead cannot keep events on disk: %s", error)
            return False
        return True

    def _send_spooled(self) -> None:
        """Send what lies on disk, of this process and of ones before it."""
        self._free_abandoned()
        for file in sorted(self._spool.glob("*.gz")) if self._spool else ():
            claimed = file.with_suffix(f".{os.getpid()}")
            try:
                file.rename(claimed)
            except FileNotFoundError:
                # Another process sends it.
                continue
            if not self._try(gzip.decompress(claimed.read_bytes()).split(b"\n")):
                claimed.rename(file)
                return
            claimed.unlink()

    def _free_abandoned(self) -> None:
        """Give back what processes had claimed that are gone."""
        for file in self._spool.glob("*.[0-9]*") if self._spool else ():
            try:
                os.kill(int(file.suffix[1:]), 0)
            except ProcessLookupError:
                file.rename(file.with_suffix(".gz"))
            except (OSError, ValueError):
                continue

    def _pause(self, seconds: float) -> bool:
        """Wait before the next try; True when there is to be none."""
        with self._changed:
            if not self._is_closing:
                self._changed.wait_for(lambda: self._is_closing, seconds)
            return self._is_closing

    def _count_lost(self, count: int) -> None:
        self._lost += count
        log.warning("Playhead is away: %s events are lost (%s in all).", count, self._lost)

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything is sent or put aside; tell whether it is."""
        with self._changed:
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._is_idle, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Send what waits and stop."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)

    @property
    def counts(self) -> Counts:
        with self._changed:
            return Counts(self._sent, self._refused, self._lost, len(self._waiting))
