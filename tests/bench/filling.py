"""Filling a record with the workload: over HTTP by several senders, or by ``store.append``.

Over HTTP each sender is an application of its own, with requests of 50 events. A million events
are written faster past the web server, by two processes of ``tests.bench.filler``.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.bench.cpu import cpu_by_part
from tests.bench.ingest_cpu import EVENTS_A_SESSION, requests, send
from tests.bench.workload import many_words
from tests.playhead_process import ROOT, PlayheadProcess, clean_environment

SENDERS = 4
BATCH = 50
# Events that are made ready before they are sent, so that making them is not measured.
SLICE = 10_000
# More than this is written past the web server.
MOST_OVER_HTTP = 100_000
FILLERS = 2
FIRST_SEED = 1000


@dataclass
class Filled:
    """How many events were written, in how much time and CPU."""

    events: int = 0
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.events / self.seconds


def fill(playhead: PlayheadProcess, events: int, seed: int = FIRST_SEED) -> Filled:
    """Record about ``events`` events of the workload."""
    if events > MOST_OVER_HTTP:
        return fill_past_web(playhead, events)
    filled, speech = Filled(), many_words()
    while events - filled.events > SENDERS * EVENTS_A_SESSION:
        sizes = min(SLICE, events - filled.events) // SENDERS
        ready = [
            requests(BATCH, sizes, seed + n, speech, has_rare=seed + n == FIRST_SEED)
            for n in range(SENDERS)
        ]
        seed += SENDERS
        add_slice(playhead, ready, filled)
    return filled


def add_slice(
    playhead: PlayheadProcess, ready: list[list[tuple[bytes, int]]], filled: Filled
) -> None:
    """Let each sender send its requests, all senders at once, and add what it took."""
    before, started = cpu_by_part(playhead.process), time.perf_counter()
    threads = [threading.Thread(target=send_all, args=(playhead, bodies)) for bodies in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    filled.seconds += time.perf_counter() - started
    used = cpu_by_part(playhead.process) - before
    filled.cpu = {part: filled.cpu.get(part, 0) + used[part] for part in used | filled.cpu}
    filled.events += sum(size for bodies in ready for _, size in bodies)


def send_all(playhead: PlayheadProcess, bodies: Iterable[tuple[bytes, int]]) -> None:
    for body, _ in bodies:
        send(playhead.url, playhead.key, body)


def fill_past_web(playhead: PlayheadProcess, events: int) -> Filled:
    """Record events by ``store.append`` in processes of their own."""
    started = time.perf_counter()
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.filler", str(events // FILLERS), str(number)],
            cwd=ROOT,
            env=clean_environment() | {"PLAYHEAD_DATA": str(playhead.data)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(FILLERS)
    ]
    told = [child.communicate()[0] for child in children]
    if any(child.returncode for child in children):
        raise SystemExit("the record could not be filled")
    return Filled(sum(map(int, told)), time.perf_counter() - started)
