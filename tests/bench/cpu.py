"""CPU time of a whole Playhead, as the kernel counts it: other programs disturb it little."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from tests.playhead_process import PlayheadProcess

# Which of the supervisor's children does what, by a word of its command line.
PARTS = {"granian": "web", "postgres": "database", "celery": "worker", "valkey": "broker"}
REPETITIONS = 5
# A repetition asks until about so much CPU is used, so that dear requests do not take minutes.
ENOUGH_MS = 200
# Which of the kernel's clocks of a process: the time that all its threads ran.
RUNNING = 2


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one request, or of one event."""

    web: float
    database: float

    @property
    def served(self) -> float:
        return self.web + self.database

    def __str__(self) -> str:
        return f"{self.served:.1f} (web {self.web:.1f}, database {self.database:.1f})"


def cpu_by_part(root: psutil.Process) -> Counter[str]:
    """Return CPU seconds used so far by each part, reaped children included."""
    used: Counter[str] = Counter()
    for process in root.children(recursive=True):
        try:
            times, command = process.cpu_times(), " ".join(process.cmdline())
            running = cpu_seconds(process.pid)
        except (psutil.Error, OSError):
            continue
        part = next((part for word, part in PARTS.items() if word in command), "other")
        used[part] += running + times.children_user + times.children_system
    return used


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and all its threads, to the nanosecond."""
    return time.clock_gettime_ns((~pid << 3) | RUNNING) / 1e9


def cost_of(playhead: PlayheadProcess, ask: Callable[[], object], times: int) -> Cost:
    """Return what a request costs: the median of repetitions of ``times`` requests at most."""
    ask()
    first = _once(playhead, ask, 1)
    times = max(1, min(times, int(ENOUGH_MS / max(first.served, 1))))
    costs = [_once(playhead, ask, times) for _ in range(REPETITIONS)]
    return sorted(costs, key=lambda cost: cost.served)[len(costs) // 2]


def _once(playhead: PlayheadProcess, ask: Callable[[], object], times: int) -> Cost:
    before = cpu_by_part(playhead.process)
    for _ in range(times):
        ask()
    used = cpu_by_part(playhead.process) - before
    return Cost(used["web"] * 1000 / times, used["database"] * 1000 / times)
