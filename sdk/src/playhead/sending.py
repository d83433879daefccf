"""Sending events in the background: in batches, compressed, again until they are taken.

The application never waits for it. Memory is bounded: what does not fit goes to a folder on
disk while the server is away, and what finds no room there either is counted as lost. Reports of
replays take the same way, each in a request of its own, in the order in which they were made.
"""

from __future__ import annotations

import atexit
import contextvars
import http.client
import json
import logging
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playhead.batches import EVENTS, REPORTS, Batch
from playhead.spool import Spool

Json = Any
log = logging.getLogger("playhead")

BATCH_EVENTS, BATCH_BYTES = 500, 4 * 1024 * 1024
# How long an event waits for others, in seconds.
PATIENCE = 0.5
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
TIMEOUT = 20.0
SOON = 0.05
LARGEST_EVENT, LARGEST_REPORT = 6 * 1024 * 1024, 20 * 1024 * 1024
# Modules whose processes end without Python's own way out, where they are in use.
ENDERS = ("multiprocessing.util", "billiard.util")


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the events so far."""

    sent: int
    refused: int
    lost: int
    waiting: int
    # Reports of replays that the server has, and those that it refused or that were lost.
    reports: int = 0
    reports_lost: int = 0


class Sender:
    """Sends to the Playhead at ``url``. Made once per process; survives a fork."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        spool: Path | None = None,
        most_bytes: int = 64 * 1024 * 1024,
        most_spooled: int = 512 * 1024 * 1024,
    ) -> None:
        self._url, self._key = url.rstrip("/") + "/api/v1/", key
        self._spool = Spool(spool, most_spooled) if spool else None
        self._most = most_bytes
        self._sent = self._refused = self._lost = 0
        self._reports = self._reports_lost = 0
        # What the server said of replays, by their ids.
        self.reported: dict[str, Json] = {}
        self._begin()
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """Start with nothing waiting: what waited before a fork is the parent's to send."""
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_closing = self._is_hurried = False
        self._is_idle = True
        self._thread: threading.Thread | None = None
        # While the server is away: when it is asked again, and how long after that.
        self._again_at, self._wait = 0.0, FIRST_WAIT
        self._may_have_spooled = self._spool is not None

    def put(self, event: Json) -> None:
        """Take an event to send it later. Never raises and never waits for the network."""
        self._take(EVENTS, event, LARGEST_EVENT)

    def put_report(self, report: Json) -> None:
        """Take the report of a replay to send it later, after all that was put before."""
        self._take(REPORTS, report, LARGEST_REPORT)

    def _take(self, place: str, told: Json, largest: int) -> None:
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=repr)
        line = text.encode(errors="surrogatepass")
        with self._changed:
            if len(line) > largest or self._bytes + len(line) > self._most:
                self._add_lost(Batch(place, [line]))
                return
            self._waiting.append((place, line))
            self._bytes += len(line)
            self._is_idle = False
            self._start()
            # In between the sending thread has nothing to do, and would only be in the way.
            if len(self._waiting) == 1 or len(self._waiting) >= BATCH_EVENTS:
                self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        self._thread = threading.Thread(target=self._work, name="playhead", daemon=True)
        try:
            # Of no session: a replay refuses connections, and threads are lanes.
            contextvars.Context().run(self._thread.start)
        except RuntimeError:
            # The interpreter is ending. What waits is counted as waiting.
            self._thread = None
            return
        for module in (sys.modules[name] for name in ENDERS if name in sys.modules):
            module.Finalize(None, self.close, exitpriority=-100)

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            if batch.lines:
                self._deliver(batch)
            if self._is_due():
                self._send_spooled()

    def _next(self) -> Batch | None:
        """Return the next batch once it is worth a request; None at the end.

        It is empty where only what lies on disk is to be sent.
        """
        with self._changed:
            while not self._waiting and not self._is_due():
                self._is_idle, self._is_hurried = True, False
                self._changed.notify_all()
                if self._is_closing:
                    return None
                left = self._again_at - time.monotonic()
                self._changed.wait(max(left, 0.01) if self._may_have_spooled else None)
            self._is_idle = False
            if self._waiting:
                self._changed.wait_for(self._is_worth_it, PATIENCE)
            return self._taken() if self._waiting else Batch()

    def _is_worth_it(self) -> bool:
        return len(self._waiting) >= BATCH_EVENTS or self._is_closing or self._is_hurried

    def _deliver(self, batch: Batch) -> None:
        """Send a batch or put it aside; wait for the server where there is no place to."""
        while not (self._may_try() and self._try(batch)):
            if self._put_aside(batch):
                return
            if self._pause(self._again_at - time.monotonic()):
                self._add_lost(batch)
                log.warning("Playhead is away. Lost so far: %s", self._all_lost())
                return

    def _may_try(self) -> bool:
        """Tell whether the server is there as far as is known, or is to be asked again."""
        is_last_chance = self._is_closing and self._spool is None
        return is_last_chance or time.monotonic() >= self._again_at

    def _is_due(self) -> bool:
        """Tell whether what lies on disk is to be sent now."""
        return self._may_have_spooled and self._may_try()

    def _try(self, batch: Batch) -> bool:
        """Send a batch; True once nothing more can be done for it, False while it is no use."""
        is_done = self._send(batch)
        if is_done:
            self._again_at, self._wait = 0.0, FIRST_WAIT
        else:
            self._again_at = time.monotonic() + self._wait
            self._wait = min(self._wait * 2, LONGEST_WAIT)
        return is_done

    def _taken(self) -> Batch:
        batch, size = Batch(self._waiting[0][0]), 0
        most = BATCH_EVENTS if batch.place == EVENTS else 1
        while self._waiting and len(batch.lines) < most:
            place, line = self._waiting[0]
            if place != batch.place or (batch.lines and size + len(line) > BATCH_BYTES):
                break
            size += len(line)
            batch.lines.append(line)
            self._waiting.popleft()
        self._bytes -= size
        return batch

    def _send(self, batch: Batch) -> bool:
        headers = self._headers() | batch.headers()
        request = urllib.request.Request(
            self._url + batch.place, batch.body(), headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                self._count(_opened(answer.read()), batch)
        except urllib.error.HTTPError as error:
            with error:
                return self._was_refused(error, batch)
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return True

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "User-Agent": "playhead-python",
        }

    def _count(self, answer: Json, batch: Batch) -> None:
        if batch.place == REPORTS:
            self._reports += 1
            self.reported[json.loads(batch.lines[0])["id"]] = answer
            return
        refused = len(answer.get("rejected") or ())
        self._refused += refused
        self._sent += len(batch.lines) - refused
        for one in (answer.get("rejected") or ())[:3]:
            log.warning("Playhead refused an event: %s %s", one.get("path"), one.get("message"))

    def _was_refused(self, error: urllib.error.HTTPError, batch: Batch) -> bool:
        """Tell whether it is no use to send the batch again."""
        if error.code in (408, 425, 429) or error.code >= 500:
            return False
        says = error.read(1000).decode("utf-8", "replace")
        log.warning("Playhead refused %s with status %s: %s", batch.place, error.code, says)
        if batch.place == REPORTS:
            self._reports_lost += 1
        else:
            self._refused += len(batch.lines)
        return True

    def _put_aside(self, batch: Batch) -> bool:
        """Write a batch to disk where there is room; tell whether it is there."""
        is_there = self._spool is not None and self._spool.put(batch)
        self._may_have_spooled = self._may_have_spooled or is_there
        return is_there

    def _send_spooled(self) -> None:
        """Send one batch that lies on disk, of this process or of one before it."""
        claimed = self._spool.claim() if self._spool else None
        if claimed is None:
            self._may_have_spooled = False
        elif self._try(claimed.batch):
            claimed.was_sent()
        else:
            claimed.give_back()

    def _pause(self, seconds: float) -> bool:
        """Wait before the next try; True when there is to be none."""
        with self._changed:
            if not self._is_closing:
                self._changed.wait_for(lambda: self._is_closing, seconds)
            return self._is_closing

    def _add_lost(self, batch: Batch) -> None:
        if batch.place == REPORTS:
            self._reports_lost += 1
        else:
            self._lost += len(batch.lines)

    def _all_lost(self) -> str:
        return f"{self._lost} events, {self._reports_lost} reports of replays."

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything is sent or put aside; tell whether it is."""
        with self._changed:
            self._is_hurried = not self._is_idle
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._is_idle, timeout)

    def settle(self, timeout: float) -> None:
        """Wait until everything is sent, or until the server turns out to be away."""
        until = time.monotonic() + timeout
        with self._changed:
            self._is_hurried = not self._is_idle
            self._changed.notify_all()
            while not self._is_idle and not self._again_at and time.monotonic() < until:
                self._changed.wait(SOON)

    def close(self, timeout: float = 10.0) -> None:
        """Send what waits and what lies on disk, as far as the time allows, and stop."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)

    @property
    def counts(self) -> Counts:
        with self._changed:
            waiting = sum(place == EVENTS for place, _ in self._waiting)
            kept = (self._reports, self._reports_lost)
            return Counts(self._sent, self._refused, self._lost, waiting, *kept)


def _opened(answer: bytes) -> dict[str, Json]:
    found = json.loads(answer)
    if not isinstance(found, dict):
        raise ValueError("The answer is none of Playhead's.")
    return found
