"""The strip above the list, drawn: how many sessions began when, and how many had errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from apps.sessions.volume import DAY, HOUR, MINUTE, Bar, Volume

# An error in a tall bar must not vanish.
LEAST = 6
UNITS = ((24 * HOUR, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second"))
Address = Callable[[datetime, datetime], str]


@dataclass(frozen=True)
class DrawnBar:
    """One bar, in percent of the strip. It is a link to its own span of time."""

    begins: str
    ends: str
    address: str
    label: str
    x: str
    width: str
    y: str
    height: str
    error_y: str
    error_height: str
    is_cut: bool
    is_empty: bool


@dataclass(frozen=True)
class Histogram:
    """The strip and what is written around it."""

    bars: list[DrawnBar]
    # What it shows in one sentence, for those who do not see it.
    summary: str
    begins: str
    ends: str
    size: str
    is_cut: bool


def draw(volume: Volume, address: Address) -> Histogram:
    """Return the bars; ``address`` makes the link of a span of time."""
    span, bars = volume.span, volume.bars
    highest = max((bar.count for bar in bars), default=0)
    long = span.ends - span.begins
    return Histogram(
        bars=[_bar(bar, long, span.begins, highest, address) for bar in bars],
        summary=_said(bars),
        begins=day_and_time(span.begins, long),
        ends=day_and_time(span.ends, long),
        size=spoken(span.size),
        is_cut=any(bar.is_cut or bar.errors_are_cut for bar in bars),
    )


def _bar(bar: Bar, long: timedelta, begins: datetime, highest: int, address: Address) -> DrawnBar:
    height = _height(bar.count, highest)
    error_height = height if bar.errors == bar.count else _height(bar.errors, highest)
    error_height = min(error_height, height)
    return DrawnBar(
        begins=iso(bar.begins),
        ends=iso(bar.ends),
        address=address(bar.begins, bar.ends),
        label=_label(bar, long),
        x=_percent((bar.begins - begins) / long * 100),
        width=_percent((bar.ends - bar.begins) / long * 100),
        y=_percent(100 - height),
        height=_percent(height),
        error_y=_percent(100 - error_height),
        error_height=_percent(error_height) if bar.errors else "",
        is_cut=bar.is_cut,
        is_empty=bar.count == 0 and not bar.is_cut,
    )


def _height(count: int, highest: int) -> float:
    return max(count / highest * 100, LEAST) if count else 0


def _percent(share: float) -> str:
    return f"{share:.2f}%"


def _label(bar: Bar, long: timedelta) -> str:
    when = f"{day_and_time(bar.begins, long)} to {day_and_time(bar.ends, long)}"
    return f"{when}: {_said([bar])}"


def _said(bars: list[Bar]) -> str:
    found = counted(sum(bar.count for bar in bars), is_cut=any(bar.is_cut for bar in bars))
    more = "+" if any(bar.errors_are_cut for bar in bars) else ""
    return f"{found}, {sum(bar.errors for bar in bars):,}{more} with errors"


def counted(count: int, *, is_cut: bool) -> str:
    """Say how many sessions; a plus says that there are, or may be, more."""
    return f"{count:,}{'+' if is_cut else ''} session{'' if count == 1 and not is_cut else 's'}"


def day_and_time(moment: datetime, long: timedelta) -> str:
    """Write a moment as fine as a span of this length asks for."""
    moment = timezone.localtime(moment)
    day = f"{moment:%b} {moment.day}"
    if long > 300 * DAY:
        return f"{day}, {moment.year}"
    if long > 20 * DAY:
        return day
    return (
        f"{day}, {moment:%H:%M:%S}" if long <= timedelta(minutes=10) else f"{day}, {moment:%H:%M}"
    )


def spoken(size: timedelta) -> str:
    """Say a length in its largest whole unit: 30 minutes, 1 hour."""
    seconds = int(size.total_seconds())
    unit, name = next(pair for pair in UNITS if seconds % pair[0] == 0)
    count = seconds // unit
    return f"{count} {name}{'' if count == 1 else 's'}"


def iso(moment: datetime) -> str:
    """Write a moment as filters have it: no finer than needed, in UTC."""
    moment = moment.astimezone(UTC)
    fine = "auto" if moment.second or moment.microsecond else "minutes"
    return moment.isoformat(timespec=fine).replace("+00:00", "Z")
