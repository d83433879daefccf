"""The rows of the tree and of the timeline as a page without scripts shows them: some at once."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from apps.core.errors import InvalidError
from apps.sessions.drawing import Drawing
from apps.sessions.layout import Place
from apps.sessions.player import group_of, icon_of
from apps.sessions.step_filter import Found

TIMELINE = "timeline"
# Rows that a page without scripts shows at once.
ROWS = 100
# Levels that are indented.
DEEPEST = 16
# What a bar takes at least, in percent: something to see.
THINNEST = 0.3
# Kinds that the critical path's time is told by.
KINDS = 3
# Parameters of an address that the rows are drawn by, beside the view and the step.
PARAMETERS = frozenset({"f", "from", "to"})
LONGEST_NUMBER = 12


@dataclass(frozen=True)
class Lane:
    """The heading of a lane's rows."""

    name: str
    lane: str
    count: int


@dataclass(frozen=True)
class Row:
    """One step as a row: its bar in percent of the window's time, None where there is none."""

    step: Place
    level: int
    left: float | None
    width: float
    is_future: bool
    # False for a step that is shown because one below it was found.
    is_found: bool
    is_critical: bool
    # Milliseconds by which it is drawn later than it was recorded.
    shift_ms: float | None
    tokens: int | None
    cost: float | None
    # Where a lane begins.
    lane: Lane | None

    @property
    def group(self) -> str:
        return group_of(self.step.kind)

    @property
    def icon(self) -> str:
        return icon_of(self.step.kind)


@dataclass(frozen=True)
class Spent:
    """How much of the critical path's time the steps of one kind took."""

    kind: str
    ms: float
    percent: int

    @property
    def group(self) -> str:
        return group_of(self.kind)


@dataclass(frozen=True)
class RowPage:
    """A window of rows, and the ids of steps in the windows beside it."""

    rows: list[Row]
    previous: str | None
    next: str | None
    found: Found | None
    drawing: Drawing
    # What the links of the page keep of the address.
    kept: str

    @property
    def is_timed(self) -> bool:
        """Whether any step says when it ran: a recorded chat often does not."""
        return self.drawing.is_timed

    @property
    def shifted(self) -> int:
        return len(self.drawing.shifts)

    @property
    def critical(self) -> list[Spent]:
        """What most of the critical path's time went to."""
        spent = self.drawing.path_by_kind
        whole = sum(ms for _, ms in spent)
        return [Spent(kind, ms, round(ms * 100 / whole)) for kind, ms in spent[:KINDS] if ms > 0]

    @property
    def largest_shift_ms(self) -> float:
        return max((abs(shift) * 1000 for shift in self.drawing.shifts.values()), default=0.0)


class Window:
    """The part of the session's time that the bars stand for."""

    def __init__(self, drawing: Drawing, asked: tuple[float, float] | None) -> None:
        self.begin, self.end = asked or (0.0, drawing.total_ms)

    def bar(self, left: float | None, lasts: float) -> tuple[float | None, float]:
        """Return where a bar begins and how long it is, in percent; None where it is outside."""
        if left is None or left > self.end or left + lasts < self.begin:
            return None, 0.0
        whole = self.end - self.begin
        first, last = max(left, self.begin), min(left + lasts, self.end)
        share = round((last - first) * 100 / whole, 3)
        return round((first - self.begin) * 100 / whole, 3), max(THINNEST, share)


def read_window(begin: str | None, end: str | None) -> tuple[float, float] | None:
    """Return the asked part of the session's time in milliseconds; None for all of it."""
    if begin is None and end is None:
        return None
    first, last = _milliseconds(begin, "from"), _milliseconds(end, "to")
    if first >= last:
        raise InvalidError("from must be before to; both are milliseconds of the session.", "from")
    return first, last


def _milliseconds(text: str | None, name: str) -> float:
    digits = text or ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_NUMBER):
        raise InvalidError(
            f"{name} must be milliseconds since the session began, in digits; "
            "from and to are given together.",
            name,
        )
    return float(digits)


def row_page(
    drawing: Drawing,
    at: int,
    view: str,
    found: Found | None = None,
    window: tuple[float, float] | None = None,
) -> RowPage:
    """Return the page of rows that holds the step ``at``, or the first where none does."""
    order = _order(drawing, view, found)
    position = order.index(at) if found is None or at in found.kept else 0
    start = position - position % ROWS
    end, layout = start + ROWS, drawing.layout
    rows = Rows(drawing, view, at, found, Window(drawing, window))
    return RowPage(
        rows=rows.of(order[start:end]),
        previous=layout.id(order[start - ROWS]) if start else None,
        next=layout.id(order[end]) if end < len(order) else None,
        found=found,
        drawing=drawing,
        kept=_kept(found, window),
    )


def _kept(found: Found | None, window: tuple[float, float] | None) -> str:
    named: dict[str, str | int] = {} if found is None else {"f": found.text}
    if window is not None:
        named |= {"from": int(window[0]), "to": int(window[1])}
    return f"&{urlencode(named)}" if named else ""


def _order(drawing: Drawing, view: str, found: Found | None) -> Sequence[int]:
    order = drawing.layout.order if found is None else found.kept
    if view != TIMELINE or len(drawing.groups) < 2:
        return order
    return array("i", sorted(order, key=drawing.groups.at.__getitem__))


class Rows:
    """What makes rows of steps for one page."""

    def __init__(
        self, drawing: Drawing, view: str, at: int, found: Found | None, window: Window
    ) -> None:
        self.drawing, self.layout, self.window = drawing, drawing.layout, window
        self.at, self.found = at, found
        self.is_timeline = view == TIMELINE
        self.has_lanes = self.is_timeline and len(drawing.groups) > 1

    def of(self, indexes: Sequence[int]) -> list[Row]:
        rows, before = [], None
        for index in indexes:
            group = self.drawing.groups.at[index] if self.has_lanes else None
            rows.append(self._row(index, None if group == before else self._lane(group)))
            before = group
        return rows

    def _lane(self, group: int | None) -> Lane | None:
        if group is None:
            return None
        groups = self.drawing.groups
        return Lane(groups.name(group), groups.lanes[group], groups.at.count(group))

    def _row(self, index: int, lane: Lane | None) -> Row:
        place, drawing = self.layout.place(index), self.drawing
        left, width = self.window.bar(drawing.left_ms(index), place.duration_ms or 0.0)
        shift = drawing.shifts.get(index)
        tokens, cost = self.layout.usage.get(index, (None, None))
        return Row(
            step=place,
            level=self._level(index),
            left=left,
            width=width,
            is_future=index > self.at,
            is_found=self.found is None or index in self.found.matches,
            is_critical=self.is_timeline and index in drawing.path,
            shift_ms=None if shift is None else shift * 1000,
            tokens=tokens,
            cost=cost,
            lane=lane,
        )

    def _level(self, index: int) -> int:
        """Return how far a row is indented: in a timeline, below what is in the same lane."""
        if not self.has_lanes:
            return min(self.layout.depths[index] + 1, DEEPEST)
        groups, parents, level = self.drawing.groups.at, self.layout.parents, 2
        while level < DEEPEST and parents[index] >= 0:
            if groups[parents[index]] != groups[index]:
                break
            index, level = parents[index], level + 1
        return level
