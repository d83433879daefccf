"""Sending events in the background: in batches, compressed, again until they are taken.

The application never waits for it. Memory is bounded: what does not fit goes to a folder on
disk while the server is away, and what finds no room there either is counted as lost. Reports of
replays take the same way, each in a request of its own, in the order in which they were made.
"""

from __future__ import annotations

import atexit
import contextvars
import gzip
import json
import logging
import os
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = Any
log = logging.getLogger("playhead")

BATCH_EVENTS, BATCH_BYTES = 500, 4 * 1024 * 1024
# How long an event waits for others, in seconds.
PATIENCE = 0.5
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
TIMEOUT = 20.0
LARGEST_EVENT, LARGEST_REPORT = 6 * 1024 * 1024, 20 * 1024 * 1024
# Where things go on the server, and by what they are known on disk.
EVENTS, REPORTS = "events", "replays/reports"
REPORT_FILE = "report"


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


@dataclass(slots=True)
class Batch:
    """Lines of JSON that go out in one request: some events, or one report."""

    place: str = EVENTS
    lines: list[bytes] = field(default_factory=list)

    def body(self) -> bytes:
        if self.place == REPORTS:
            return self.lines[0]
        return gzip.compress(b'{"events":[' + b",".join(self.lines) + b"]}", 1)

    def headers(self) -> dict[str, str]:
        return {} if self.place == REPORTS else {"Content-Encoding": "gzip"}


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
        self._spool, self._most, self._most_spooled = spool, most_bytes, most_spooled
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
        self._is_closing = False
        self._is_idle = True
        self._thread: threading.Thread | None = None

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
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="playhead", daemon=True)
                # Of no session: a replay refuses connections, and threads are lanes.
                contextvars.Context().run(self._thread.start)
            self._changed.notify_all()

    def _work(self) -> None:
        wait = FIRST_WAIT
        while (batch := self._next()) is not None:
            while batch.lines and not self._try(batch):
                if self._put_aside(batch):
                    break
                if self._pause(wait):
                    self._add_lost(batch)
                    log.warning("Playhead is away: lost are %s", self._all_lost())
                    break
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                wait = FIRST_WAIT
                self._send_spooled()

    def _next(self) -> Batch | None:
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

    def _try(self, batch: Batch) -> bool:
        """Send a batch; True once nothing more can be done for it."""
        headers = self._headers() | batch.headers()
        request = urllib.request.Request(
            self._url + batch.place, batch.body(), headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                self._count(json.loads(answer.read()), batch)
        except urllib.error.HTTPError as error:
            with error:
                return self._was_refused(error, batch)
        except (OSError, ValueError):
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
            self.reported[str(answer.get("id"))] = answer
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
        if self._spool is None:
            return False
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
            used = sum(file.stat().st_size for file in self._spool.glob("*.gz"))
            packed = gzip.compress(b"\n".join(batch.lines), 1)
            if used + len(packed) > self._most_spooled:
                return False
            name = self._spool / _file_name(batch.place)
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
            if not self._try(_batch_in(claimed)):
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

    def _add_lost(self, batch: Batch) -> None:
        if batch.place == REPORTS:
            self._reports_lost += 1
        else:
            self._lost += len(batch.lines)

    def _all_lost(self) -> str:
        return f"{self._lost} events and {self._reports_lost} reports of replays in all."

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
            waiting = sum(place == EVENTS for place, _ in self._waiting)
            kept = (self._reports, self._reports_lost)
            return Counts(self._sent, self._refused, self._lost, waiting, *kept)


def _file_name(place: str) -> str:
    # Names sort by time, so that what was put aside first goes out first.
    mark = f".{REPORT_FILE}" if place == REPORTS else ""
    return f"{time.time_ns():020}-{uuid.uuid4().hex}{mark}.gz"


def _batch_in(file: Path) -> Batch:
    place = REPORTS if f".{REPORT_FILE}" in file.suffixes else EVENTS
    return Batch(place, gzip.decompress(file.read_bytes()).split(b"\n"))
