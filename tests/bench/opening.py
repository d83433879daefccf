"""CPU of opening a session of 500 events and one of 50,000, as ``tests.bench.pages`` finds it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.goals import Figure
from tests.playhead_process import ROOT, PlayheadProcess, clean_environment

CONTENT_MS, TREE_MS, PAINT_MS = 250.0, 60.0, 2000.0
SIZES = ("500", "50000")
SIZE = re.compile(r"(\d+) events$")
SERVED = re.compile(
    r"  (.+?) +first +([\d.]+) \+ +([\d.]+) CPU ms, again +([\d.]+) \+ +([\d.]+);"
    r".*peak +([\d.]+) MiB"
)
PAINTED = re.compile(r"(\d+) events: paint (\d+) ms, ready (\d+) ms.*heap ([\d.]+) MiB")
# {events of the session: {page: goal in CPU milliseconds, where there is one}}
SHOWN: dict[str, dict[str, float | None]] = {
    "500": {
        "API, all events": CONTENT_MS,
        "API, all events, no content": TREE_MS,
        "player": CONTENT_MS,
        "spans.json": TREE_MS,
    },
    "50000": {"player": None, "spans.json": None, "API, 50 events": None},
}


@dataclass(frozen=True)
class Served:
    """What a page took the server: with nothing in memory, and again."""

    first: float
    again: float
    peak_mib: float


def measure(playhead: PlayheadProcess) -> Iterator[Figure]:
    told = run(playhead).splitlines()
    served = dict(read_served(told))
    for size, pages in SHOWN.items():
        for page, goal in pages.items():
            seen = served[size, page]
            note = f"again {seen.again:.0f}; the server's memory at most {seen.peak_mib:.0f} MiB"
            yield Figure(8, f"open {size} events: {page}", seen.first, "CPU ms", goal, note=note)
    for line in told:
        if found := PAINTED.match(line):
            size, paint, ready, heap = found.groups()
            note = f"wall clock; rows stand after {ready} ms, the page's heap is {heap} MiB"
            figure = f"open {size} events: first paint in Chromium"
            yield Figure(8, figure, float(paint), "ms", PAINT_MS, note=note)


def run(playhead: PlayheadProcess) -> str:
    """Return what the program of pages prints, run on the database of this Playhead."""
    options = [word for size in SIZES for word in ("--size", size)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.pages", *options],
        cwd=ROOT,
        env=clean_environment() | {"PLAYHEAD_DATA": str(playhead.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def read_served(lines: list[str]) -> Iterator[tuple[tuple[str, str], Served]]:
    """Yield the figures of each page by the size of its session and its name."""
    size = ""
    for line in lines:
        if headed := SIZE.match(line):
            size = headed[1]
        elif found := SERVED.match(line):
            web, database, web_again, database_again, peak = map(float, found.groups()[1:])
            yield (size, found[1]), Served(web + database, web_again + database_again, peak)
