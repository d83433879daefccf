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
from dataclasses import dataclass

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.bench.cpu import cpu_by_part
from tests.bench.workload import FEW_WORDS, Speech, batches, many_words, sessions
from tests.playhead_process import PlayheadProcess

BATCHES = (512, 50, 1)
EVENTS_A_SESSION = 37
# One event a request is slow, and needs fewer to be known as well.
MOST_SINGLE = 1500


@dataclass
class Figure:
    """CPU milliseconds per event by part, and events per second of wall clock."""

    batch: int
    events: int
    cpu_ms: dict[str, float]
    events_per_second: float

    @property
    def served(self) -> float:
        return self.cpu_ms.get("web", 0) + self.cpu_ms.get("database", 0)

    def line(self) -> str:
        parts = "  ".join(f"{name} {value:.3f}" for name, value in sorted(self.cpu_ms.items()))
        return (
            f"batch {self.batch:>3}: {self.served:.3f} CPU ms an event (web + database) over "
            f"{self.events} events, {self.events_per_second:.0f} events/s | {parts}"
        )


def send(url: str, key: str, body: bytes) -> None:
    """Post one export request that exporters have compressed."""
    request = urllib.request.Request(
        f"{url}/v1/traces",
        data=body,
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


def warm(playhead: PlayheadProcess) -> None:
    """Fill connections and caches before anything is measured."""
    measure(playhead, 50, 500, seed=99)


def measure(
    playhead: PlayheadProcess, batch: int, events: int, seed: int, speech: Speech = FEW_WORDS
) -> Figure:
    """Send about ``events`` events in requests of ``batch`` and return what they cost."""
    bodies = requests(batch, min(events, MOST_SINGLE) if batch == 1 else events, seed, speech)
    count = sum(size for _, size in bodies)
    before, started = cpu_by_part(playhead.process), time.perf_counter()
    for body, _ in bodies:
        send(playhead.url, playhead.key, body)
    seconds = time.perf_counter() - started
    used = cpu_by_part(playhead.process) - before
    cpu_ms = {part: value * 1000 / count for part, value in used.items()}
    return Figure(batch, count, cpu_ms, count / seconds)


def requests(
    batch: int,
    events: int,
    seed: int,
    speech: Speech = FEW_WORDS,
    *,
    has_rare: bool = False,
) -> list[tuple[bytes, int]]:
    """Return export requests with their span counts; large ones hold several sessions."""
    made = sessions(events // EVENTS_A_SESSION, seed, speech, has_rare=has_rare)
    return packed(list(itertools.chain.from_iterable(made)), batch)


def packed(spans: list[Span], batch: int) -> list[tuple[bytes, int]]:
    """Return spans as compressed export requests, each with its number of spans."""
    sizes = (min(batch, len(spans) - start) for start in range(0, len(spans), batch))
    bodies = (gzip.compress(body, 1) for body in batches(spans, batch))
    return list(zip(bodies, sizes, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--batch", type=int, action="append")
    parser.add_argument("--many-words", action="store_true", help="words as in speech")
    options = parser.parse_args()
    speech = many_words() if options.many_words else FEW_WORDS
    with PlayheadProcess() as playhead:
        warm(playhead)
        for batch in options.batch or BATCHES:
            figure = measure(playhead, batch, options.events, batch, speech)
            sys.stdout.write(figure.line() + "\n")
        sys.stdout.write(json.dumps(playhead.ingest_health(), indent=1) + "\n")


if __name__ == "__main__":
    main()
