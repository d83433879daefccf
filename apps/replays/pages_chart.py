"""How replays went over time, as a picture: shares of the bands, and the median coverage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from apps.core.errors import InvalidError
from apps.replays.models import Band
from apps.replays.pages_words import FIDELITIES, share
from apps.replays.trends import Bucket, By, Sessions

WIDTH, HEIGHT = 720, 120
# Of the width of a bar, what stays empty beside it.
GAP = 0.25
WIDEST = 48
# Half of the line of a single median.
ALONE = 8


@dataclass(frozen=True, slots=True)
class Period:
    """How far the page looks back, and in which parts."""

    days: int
    by: By
    title: str


PERIODS = {
    "14d": Period(14, "day", "14 days"),
    "30d": Period(30, "day", "30 days"),
    "90d": Period(90, "week", "90 days"),
    "365d": Period(365, "week", "A year"),
}
USUAL = "30d"


@dataclass(frozen=True, slots=True)
class Box:
    """One part of a bar."""

    band: str
    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Dot:
    """The median coverage of one bar."""

    x: float
    y: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture, in units of its own."""

    boxes: Sequence[Box]
    dots: Sequence[Dot]
    line: str
    width: int = WIDTH
    height: int = HEIGHT


def read_period(name: str | None) -> Period:
    if not name:
        return PERIODS[USUAL]
    if name not in PERIODS:
        raise InvalidError(f"period must be one of {', '.join(PERIODS)}.", "period")
    return PERIODS[name]


def since(period: Period, until: datetime) -> datetime:
    """Return where the first whole part of a period begins."""
    first = (until - timedelta(days=period.days - 1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return first - timedelta(days=first.weekday()) if period.by == "week" else first


def chart_of(buckets: Sequence[Bucket]) -> Chart:
    """Draw the buckets beside each other, each of the height of the whole."""
    room = WIDTH / max(len(buckets), 1)
    boxes = [box for at, bucket in enumerate(buckets) for box in _boxes(bucket, at * room, room)]
    dots = list(_dots(buckets, room))
    return Chart(boxes, dots, _line(dots))


def _line(dots: Sequence[Dot]) -> str:
    """Return the points of a line through all dots; one alone gets a short one."""
    if len(dots) == 1:
        dots = [replace(dots[0], x=dots[0].x + off) for off in (-ALONE, ALONE)]
    return " ".join(f"{dot.x:g},{dot.y:g}" for dot in dots)


def _boxes(bucket: Bucket, x: float, room: float) -> Iterator[Box]:
    judged = sum(bucket.bands.values())
    width = min(room * (1 - GAP), WIDEST)
    y = float(HEIGHT)
    # The best at the bottom.
    for band in Band.values:
        count = bucket.bands.get(band, 0)
        if not count:
            continue
        height = count / judged * HEIGHT
        y -= height
        says = f"{bucket.starts_on}: {count} of {judged} {band}"
        left = x + (room - width) / 2
        yield Box(band, round(left, 2), round(y, 2), round(width, 2), round(height, 2), says)


def _dots(buckets: Sequence[Bucket], room: float) -> Iterator[Dot]:
    for at, bucket in enumerate(buckets):
        median = bucket.median_coverage
        if median is not None:
            says = f"{bucket.starts_on}: median coverage {share(median)}"
            yield Dot(round((at + 0.5) * room, 2), round((1 - median) * HEIGHT, 2), says)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One bar in numbers."""

    starts_on: date | None
    replays: int
    counts: list[int]
    failed: int
    coverage: str
    fidelity: str


def table_of(buckets: Sequence[Bucket]) -> list[TableRow]:
    """Return the bars that hold something in numbers, the newest first."""
    return [
        TableRow(
            bucket.starts_on,
            bucket.replays,
            [bucket.bands.get(band, 0) for band in Band.values],
            bucket.failed,
            share(bucket.median_coverage),
            share(bucket.median_fidelity),
        )
        for bucket in reversed(buckets)
        if bucket.replays
    ]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """How many sessions can be replayed so far."""

    name: str
    means: str
    count: int
    part: float

    @property
    def share(self) -> str:
        return share(self.part)


def classes_of(sessions: Sessions) -> list[ClassRow]:
    """Return the sessions of each fidelity class, of those that the trend looked at."""
    counted = sum(sessions.by_class.values())
    if not counted:
        return []
    return [
        ClassRow(
            name, means, sessions.by_class.get(name, 0), sessions.by_class.get(name, 0) / counted
        )
        for name, means in FIDELITIES.items()
    ]
