"""The time that an application reads: taken down while it is recorded, the same again later.

Only reads of the application's own modules count. Libraries read the clock for their logs and
timeouts, which says nothing about the session, and get the real time.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import functools
import gc
import itertools
import sys
import sysconfig
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Protocol

from playhead import places

Json = Any

# Reads of one lane and module that are kept; a session that reads more is no longer exact.
MOST_READS = 10_000
STEP_NS = 1_000_000
_real_time_ns, _real_time = time.time_ns, time.time
_INSTALLED = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


class Clock(Protocol):
    """Where a session's time comes from."""

    # What was read, by lane and module.
    reads: dict[str, dict[str, list[int]]]

    def read(self, lane: str, module: str) -> int:
        """Return nanoseconds since 1970, for a module that reads the clock in a lane."""


class RecordingClock:
    """The real time, taken down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reads: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))

    def read(self, lane: str, module: str) -> int:
        now = _real_time_ns()
        with self._lock:
            return _kept(self.reads[lane][module], now)


class RecordedClock:
    """The times that were read when the session was recorded, in the same order."""

    def __init__(self, reads: Mapping[str, Mapping[str, list[int]]], start_ns: int) -> None:
        self._lock = threading.Lock()
        self._reads, self._start = reads, start_ns
        self._at: dict[tuple[str, str], int] = defaultdict(int)
        self._last: dict[tuple[str, str], int] = {}
        # Reads that the record does not have: they get a time that moves on by a millisecond.
        self.unknown = 0
        # What was told, for the record of the replay itself.
        self.reads: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))

    def read(self, lane: str, module: str) -> int:
        with self._lock:
            place = lane, module
            known, at = self._reads.get(lane, {}).get(module, ()), self._at[place]
            self._at[place] += 1
            if at < len(known):
                self._last[place] = known[at]
            else:
                self.unknown += 1
                self._last[place] = self._last.get(place, self._start) + STEP_NS
            return _kept(self.reads[lane][module], self._last[place])

    def pass_over(self, until_ns: int) -> None:
        """Go on with the times that were read from a moment on."""
        with self._lock:
            for lane, modules in self._reads.items():
                for module, kept in modules.items():
                    self._at[lane, module] = sum(one < until_ns for one in kept)


class ShiftedClock(RecordingClock):
    """The real time, moved to when the session was recorded: it goes on as it does here."""

    def __init__(self, start_ns: int) -> None:
        super().__init__()
        self._behind = _real_time_ns() - start_ns

    def read(self, lane: str, module: str) -> int:
        now = _real_time_ns() - self._behind
        with self._lock:
            return _kept(self.reads[lane][module], now)


def _kept(kept: list[int], now: int) -> int:
    if len(kept) < MOST_READS:
        kept.append(now)
    return now


def packed(reads: Mapping[str, Mapping[str, list[int]]]) -> Json:
    """Return reads as JSON: of each lane and module the first, as text, then what was added."""
    return {
        lane: {module: [str(kept[0]), *_steps(kept)] for module, kept in modules.items()}
        for lane, modules in reads.items()
    }


def _steps(kept: list[int]) -> list[int]:
    return [after - before for before, after in itertools.pairwise(kept)]


def opened(told: Json) -> dict[str, dict[str, list[int]]]:
    """Return the reads that ``packed`` wrote."""
    return {
        lane: {
            module: list(itertools.accumulate(map(int, kept))) for module, kept in modules.items()
        }
        for lane, modules in told.items()
    }


@functools.lru_cache(4096)
def is_own(module: str) -> bool:
    """Tell whether a module is the application's, and neither Python's nor installed."""
    found = sys.modules.get(module)
    file = getattr(found, "__file__", None)
    if module.partition(".")[0] == "playhead" or file is None:
        return module == "__main__"
    return "site-packages" not in file and not file.startswith(_INSTALLED)


def _read(module: str) -> int | None:
    """Return the session's time for a module; None where the real one is meant."""
    run = places.current_run()
    if run is None or not is_own(module):
        return None
    return run.clock.read(places.current_lane().path, module)


def _caller() -> str:
    return str(sys._getframe(2).f_globals.get("__name__", ""))


@functools.wraps(time.time_ns)
def _time_ns() -> int:
    found = _read(_caller())
    return _real_time_ns() if found is None else found


@functools.wraps(time.time)
def _time() -> float:
    found = _read(_caller())
    return _real_time() if found is None else found / 1e9


_now: Any = vars(dt.datetime)["now"]
_utcnow: Any = vars(dt.datetime)["utcnow"]


def _session_now(cls: type[dt.datetime], tz: dt.tzinfo | None = None) -> dt.datetime:
    found = _read(_caller())
    return _now.__get__(None, cls)(tz) if found is None else _at(cls, found, tz)


def _session_utcnow(cls: type[dt.datetime]) -> dt.datetime:
    found = _read(_caller())
    if found is None:
        real: dt.datetime = _utcnow.__get__(None, cls)()
        return real
    return _at(cls, found, dt.timezone.utc).replace(tzinfo=None)


def take_over_datetime() -> None:
    """Let ``datetime.now`` and ``utcnow`` ask the session; ``today`` reads ``time.time``.

    The class stays what it is, as others compare with it and make others of it. That a class
    of the interpreter takes no new attributes is got around by its dictionary; where an
    interpreter does not let one, its ``now`` stays the real one.
    """
    if sys.implementation.name != "cpython" or vars(dt.datetime)["now"] is not _now:
        return
    [names] = gc.get_referents(vars(dt.datetime))
    names["now"], names["utcnow"] = classmethod(_session_now), classmethod(_session_utcnow)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(dt.datetime))


def _at(cls: type[dt.datetime], ns: int, tz: dt.tzinfo | None) -> dt.datetime:
    seconds, rest = divmod(ns, 1_000_000_000)
    return cls.fromtimestamp(seconds, tz).replace(microsecond=rest // 1000)


def replacements() -> dict[Any, Any]:
    """Return what stands in for the functions that tell the time."""
    return {time.time: _time, time.time_ns: _time_ns}
