"""What the player shows of a session's layout: rows in the order of the tree, and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404

from apps.core.errors import InvalidError
from apps.sessions.layout import Layout, Place

Json = Any

VIEWS = ("timeline", "tree", "transcript")
# Rows that a page without scripts shows at once.
ROWS = 100
# Levels that are indented.
DEEPEST = 16
# Steps that one page of the transcript tells.
TOLD_AT_ONCE = 60
# Earlier model calls that are read so that the first turn repeats nothing.
CALLS_BEFORE = 6

GROUPS = {
    "llm": "llm",
    "embedding": "llm",
    "tool": "tool",
    "http": "tool",
    "code_change": "tool",
    "retriever": "retriever",
    "reranker": "retriever",
    "memory": "retriever",
    "agent": "agent",
    "handoff": "agent",
    "decision": "decision",
    "guardrail": "decision",
    "evaluator": "decision",
    "human": "human",
}
ICONS = {
    "llm": "sparkles",
    "embedding": "sparkles",
    "tool": "wrench",
    "http": "globe",
    "code_change": "code",
    "retriever": "database",
    "reranker": "database",
    "memory": "brain",
    "agent": "bot",
    "handoff": "users",
    "decision": "git-branch",
    "guardrail": "shield-check",
    "evaluator": "check",
    "human": "user",
    "time": "clock",
    "error": "octagon-x",
    "env": "terminal",
}


def group_of(kind: str) -> str:
    """Return the colour group of a kind."""
    return GROUPS.get(kind, "other")


def icon_of(kind: str) -> str:
    return ICONS.get(kind, "workflow")


@dataclass(frozen=True)
class Playhead:
    """Where one stands in a session: a step and its neighbours, by id."""

    index: int
    count: int
    first: str
    last: str
    previous: str | None
    next: str | None
    next_error: str | None

    @property
    def seq(self) -> int:
        return self.index + 1


def find_step(layout: Layout, event_id: str, at: str) -> int:
    """Return the index that the address names, by id or by number; the first by default."""
    if event_id:
        index = layout.find(event_id)
        if index is None:
            raise Http404("This session has no such step.")
        return index
    if not at:
        return 0
    if not (at.isascii() and at.isdigit() and 1 <= int(at[:12]) <= len(layout)):
        raise InvalidError(f"at must be a step's number from 1 to {len(layout)}.", "at")
    return int(at) - 1


def playhead_at(layout: Layout, index: int) -> Playhead:
    last, error = len(layout) - 1, layout.next_error(index)
    return Playhead(
        index=index,
        count=len(layout),
        first=layout.id(0),
        last=layout.id(last),
        previous=layout.id(index - 1) if index else None,
        next=layout.id(index + 1) if index < last else None,
        next_error=None if error is None else layout.id(error),
    )


@dataclass(frozen=True)
class RowPage:
    """A window of rows, and the ids of steps in the windows beside it."""

    rows: list[Row]
    previous: str | None
    next: str | None


@dataclass(frozen=True)
class Row:
    """One step as a row: its bar in percent of the session's time, None where unknown."""

    step: Place
    left: float | None
    width: float
    is_future: bool

    @property
    def level(self) -> int:
        return min(self.step.level, DEEPEST)

    @property
    def group(self) -> str:
        return group_of(self.step.kind)

    @property
    def icon(self) -> str:
        return icon_of(self.step.kind)


def row_page(layout: Layout, at: int) -> RowPage:
    """Return the window of rows that holds the step ``at``."""
    start = layout.positions[at] - layout.positions[at] % ROWS
    end = start + ROWS
    return RowPage(
        rows=[_row(layout, index, at) for index in layout.order[start:end]],
        previous=layout.id(layout.order[start - ROWS]) if start else None,
        next=layout.id(layout.order[end]) if end < len(layout) else None,
    )


def _row(layout: Layout, index: int, at: int) -> Row:
    place = layout.place(index)
    left = None
    if place.started is not None:
        left = round((place.started - layout.begins) * 100_000 / layout.total_ms, 3)
    width = max(0.3, round((place.duration_ms or 0) * 100 / layout.total_ms, 3))
    return Row(place, left, width, is_future=index > at)


def transcript_window(layout: Layout, at: int) -> tuple[range, list[int]]:
    """Return the steps of the transcript's page that holds ``at``, and the calls before it."""
    start = at - at % TOLD_AT_ONCE
    window = range(start, min(start + TOLD_AT_ONCE, len(layout)))
    return window, layout.last_of_kind("llm", start, CALLS_BEFORE)
