"""The chart of what came in: one bar for each hour, drawn as rectangles on the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.ingest.queries import Row

WIDTH, HEIGHT = 720, 96
# From the ground up.
PARTS = ("accepted", "duplicates", "rejected")
# What is there can be seen, however little it is; room for that is kept above the highest.
LEAST = 2.0
HIGHEST = HEIGHT - (len(PARTS) - 1) * LEAST


@dataclass(frozen=True, slots=True)
class Box:
    """One part of one bar."""

    part: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars, and what their axes say."""

    boxes: list[Box]
    most: int
    since: datetime
    until: datetime


def chart_of(hours: Sequence[Row]) -> Chart:
    """Return the chart of so many hours."""
    most = max(row["sent"] for row in hours)
    boxes = [box for at, row in enumerate(hours) for box in _bar(row, at, len(hours), most)]
    return Chart(boxes, most, hours[0]["hour"], hours[-1]["hour"])


def _bar(row: Row, at: int, count: int, most: int) -> Iterator[Box]:
    step, ground = WIDTH / count, float(HEIGHT)
    for part in PARTS:
        if row[part]:
            height = max(row[part] / most * HIGHEST, LEAST)
            ground -= height
            width = round(max(step - 1, step * 0.8), 2)
            yield Box(part, round(at * step, 2), round(ground, 2), width, round(height, 2))
