"""Every figure that Playhead has a goal for, beside its goal.

``.venv/bin/python -m tests.bench`` records the workload into a Playhead of its own, 10,000
events unless told otherwise, and prints one table; ``--rows list,search --events 1000000`` prints
some rows at another size. Run it on a quiet machine: CPU is read from the kernel and hardly
disturbed by others, rates and times are.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable, Iterator

from tests.bench import copying, disk, idle, ingest_cpu, kill9, lists, opening, search, visible
from tests.bench.faults import WORKER, hanging
from tests.bench.filling import Filled, fill
from tests.bench.goals import Figure, as_json, table
from tests.bench.visitor import Person
from tests.bench.workload import many_words
from tests.playhead_process import PlayheadProcess

ROWS = ("idle", "ingest", "copy", "visible", "disk", "list", "search", "open", "kills")
# What needs a record of the size that was asked for.
ON_RECORD = {"copy", "disk", "list", "search"}
KILLS = 5
RECOVERY_SECONDS = 10
INGEST_GOALS = {512: 0.6, 50: 1.0, 1: 4.0}


def measure(rows: set[str], events: int) -> Iterator[Figure]:
    """Yield the figures of the rows that were asked for."""
    if rows - {"kills"}:
        with PlayheadProcess() as playhead:
            yield from of_one(playhead, rows, events)
    if "kills" in rows:
        yield from kills()


def of_one(playhead: PlayheadProcess, rows: set[str], events: int) -> Iterator[Figure]:
    if "idle" in rows:
        yield from idle.measure(playhead)
    if rows & ON_RECORD:
        # First, so that nothing else lies in the tables that are measured.
        yield from of_record(playhead, rows, events)
    with hanging(playhead, WORKER):
        if "ingest" in rows:
            yield from ingest(playhead)
        if "visible" in rows:
            yield from visible.measure(playhead)
        if "open" in rows:
            yield from opening.measure(playhead)


def of_record(playhead: PlayheadProcess, rows: set[str], events: int) -> Iterator[Figure]:
    """Yield the figures of a record of so many events, as it arrived and compacted."""
    with hanging(playhead, WORKER):
        filled = fill(playhead, events)
        sys.stderr.write(f"{filled.events:,} events, {filled.per_second:.0f} a second\n")
        yield from as_it_arrived(playhead, rows, filled)
    if "disk" in rows:
        yield from disk.compacted(playhead, filled.events)
        yield from disk.later(playhead, filled.events)
        if "search" in rows:
            yield from search.measure(playhead, filled.events, ", compacted")


def as_it_arrived(playhead: PlayheadProcess, rows: set[str], filled: Filled) -> Iterator[Figure]:
    disk.settle(playhead)
    if "copy" in rows:
        yield from copying.measure(playhead, filled)
    if "disk" in rows:
        yield from disk.on_arrival(playhead, filled.events)
    if "list" in rows:
        yield from lists.measure(playhead, filled.events, Person(playhead))
    if "search" in rows:
        yield from search.measure(playhead, filled.events)


def ingest(playhead: PlayheadProcess) -> Iterator[Figure]:
    ingest_cpu.warm(playhead)
    for batch, goal in INGEST_GOALS.items():
        few = ingest_cpu.measure(playhead, batch, 5000, seed=batch)
        many = ingest_cpu.measure(playhead, batch, 5000, seed=-batch, speech=many_words())
        note = f"{many.served:.2f} where words are as many as in speech"
        name = f"ingest of an event, batch {batch}"
        yield Figure(1, name, few.served, "CPU ms", goal, note=note)


def kills() -> Iterator[Figure]:
    with PlayheadProcess() as playhead:
        found = kill9.attack(playhead, KILLS, random.Random(7))
    events = found["acknowledged"] + found["in files"]
    note = f"{events:,} events, {KILLS} kills with -9"
    yield Figure(2, "acknowledged events lost", found["lost"], "", 0, note=note)
    yield Figure(2, "events recorded twice", found["twice"], "", 0)
    slowest = max(found["slowest recovery in seconds"].values())
    yield Figure(2, "slowest recovery", slowest, "s", RECOVERY_SECONDS)


def report(figures: Iterable[Figure], *, as_lines: bool) -> list[Figure]:
    """Say what is measured while it is; a whole run takes some minutes."""
    kept = []
    for figure in figures:
        kept.append(figure)
        sys.stderr.write(" ".join(figure.cells()) + "\n" if as_lines else "")
        sys.stderr.flush()
    return sorted(kept, key=lambda figure: figure.row)


def read_rows(text: str) -> set[str]:
    rows = set(text.split(","))
    if unknown := rows - set(ROWS):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: rows are {', '.join(ROWS)}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rows", type=read_rows, default=set(ROWS), help=", ".join(ROWS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = report(measure(options.rows, options.events), as_lines=not options.json)
    told = json.dumps(as_json(figures), indent=1) if options.json else table(figures)
    sys.stdout.write(told + "\n")


if __name__ == "__main__":
    main()
