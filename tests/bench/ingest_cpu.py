"""CPU per event of ingest, server and PostgreSQL apart, at batch 1, 50 and 512.

Run by hand: ``.venv/bin/python -m tests.bench.ingest_cpu``. Starts a Playhead of its own in a
temporary folder, sends the workload over HTTP as a collector does, and reads CPU time from
the kernel, so that another program on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass

import psutil

from tests.bench.workload import batches, sessions
from tests.playhead_process import PlayheadProcess

# Which of the supervisor's children does what, by a word of its command line.
PARTS = {"granian": "web", "postgres": "database", "celery": "worker", "valkey": "broker"}


@dataclass
class Figure:
    """CPU milliseconds per event by part, and events per second of wall clock."""

    batch: int
    events: int
    cpu_ms: dict[str, float]
    events_per_second: float

    def line(self) -> str:
        parts = "  ".join(f"{name} {value:.3f}" for name, value in sorted(self.cpu_ms.items()))
        served = self.cpu_ms.get("web", 0) + self.cpu_ms.get("database", 0)
        return (
            f"batch {self.batch:>3}: {served:.3f} CPU ms an event (web + database) over "
            f"{self.events} events, {self.events_per_second:.0f} events/s | {parts}"
        )


def cpu_by_part(root: psutil.Process) -> Counter[str]:
    """Return CPU seconds used so far by each part, reaped children included."""
    used: Counter[str] = Counter()
    for process in root.children(recursive=True):
        try:
            times, command = process.cpu_times(), " ".join(process.cmdline())
        except psutil.Error:
            continue
        part = next((part for word, part in PARTS.items() if word in command), "other")
        used[part] += times.user + times.system + times.children_user + times.children_system
    return used


def send(url: str, key: str, body: bytes) -> None:
    """Post one export request, compressed as exporters do."""
    request = urllib.request.Request(
        f"{url}/v1/traces",
        data=gzip.compress(body, 1),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
        },
    )
    with urllib.request.urlopen(request) as response:
        answer = response.read()
    if answer:
        raise SystemExit(f"some spans were refused: {answer[:500]!r}")


def measure(playhead: PlayheadProcess, batch: int, events: int, seed: int) -> Figure:
    """Send about ``events`` events in requests of ``batch`` and return what they cost."""
    bodies = requests(batch, events, seed)
    count = sum(size for _, size in bodies)
    before, started = cpu_by_part(playhead.process), time.perf_counter()
    for body, _ in bodies:
        send(playhead.url, playhead.key, body)
    seconds = time.perf_counter() - started
    used = cpu_by_part(playhead.process) - before
    cpu_ms = {part: value * 1000 / count for part, value in used.items()}
    return Figure(batch, count, cpu_ms, count / seconds)


def requests(batch: int, events: int, seed: int) -> list[tuple[bytes, int]]:
    """Return export requests with their span counts; large ones hold several sessions."""
    spans = list(itertools.chain.from_iterable(sessions(events // 37, seed=seed)))
    sizes = (min(batch, len(spans) - start) for start in range(0, len(spans), batch))
    return list(zip(batches(spans, batch), sizes, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--batch", type=int, action="append")
    options = parser.parse_args()
    with PlayheadProcess() as playhead:
        measure(playhead, 50, 500, seed=99)  # warm connections and caches
        for batch in options.batch or [1, 50, 512]:
            events = min(options.events, 1500) if batch == 1 else options.events
            sys.stdout.write(measure(playhead, batch, events, seed=batch).line() + "\n")
        sys.stdout.write(json.dumps(playhead.ingest_health(), indent=1) + "\n")


if __name__ == "__main__":
    main()
