"""One line of a comparison, and equal lines folded to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.sessions.compare import CHANGED, IDENTICAL, ONLY_A, ONLY_B, Row
from apps.sessions.compare_changes import Amount, FieldChange
from apps.sessions.layout import Layout, Place

SIGNS = {IDENTICAL: "=", CHANGED: "~", ONLY_A: "-", ONLY_B: "+"}
WORDS = {IDENTICAL: "identical", CHANGED: "changed", ONLY_A: "only in A", ONLY_B: "only in B"}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where the other session has a step that stands alone here."""

    letter: str
    place: Place
    lane: str
    # The lanes differ, and not only the order.
    is_other_lane: bool
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """One aligned step, with all that the page says of it."""

    at: int
    row: Row
    a: Place | None
    b: Place | None
    fields: Sequence[FieldChange] = ()
    amounts: Sequence[Amount] = ()
    is_first: bool = False
    next_url: str = ""
    elsewhere: Elsewhere | None = None
    # The query with which one comes back to this line.
    back: str = ""

    @property
    def number(self) -> int:
        return self.at + 1

    @property
    def key(self) -> str:
        """Return what names this line by its steps, whatever is compared beside them."""
        return f"{self.a.id if self.a else ''}:{self.b.id if self.b else ''}"

    @property
    def sign(self) -> str:
        return SIGNS[self.row.status]

    @property
    def word(self) -> str:
        return WORDS[self.row.status]

    @property
    def place(self) -> Place:
        place = self.a or self.b
        assert place is not None  # noqa: S101  # a row has one side at least
        return place

    @property
    def is_error(self) -> bool:
        return any(place is not None and place.is_error for place in (self.a, self.b))


@dataclass(frozen=True, slots=True)
class Fold:
    """A stretch of equal steps on one line."""

    lines: Sequence[Line]
    count: int
    first: Line
    last: Line

    @property
    def left_out(self) -> int:
        return self.count - len(self.lines)


def place_at(layout: Layout, index: int | None) -> Place | None:
    return None if index is None else layout.place(index)
