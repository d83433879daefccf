"""What the player shows of a session's outline: rows in the order of the tree, and columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from apps.core.errors import InvalidError
from apps.sessions.steps import Outline, Step

Json = Any

VIEWS = ("timeline", "tree", "transcript")
# Rows that a page without scripts shows at once.
ROWS = 200
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
    """Where one stands in a session: a step and its neighbours."""

    step: Step
    count: int
    first: Step
    last: Step
    previous: Step | None
    next: Step | None
    next_error: Step | None


def find_step(outline: Outline, event_id: str, at: str) -> Step:
    """Return the step that the address names, by id or by number; the first one by default."""
    if event_id:
        step = outline.find(event_id)
        if step is None:
            raise Http404("This session has no such step.")
        return step
    if not at:
        return outline.steps[0]
    if not (at.isascii() and at.isdigit() and 1 <= int(at[:12]) <= len(outline.steps)):
        message = f"at must be a step's number from 1 to {len(outline.steps)}."
        raise InvalidError(message, "at")
    return outline.steps[int(at) - 1]


def playhead_at(outline: Outline, step: Step) -> Playhead:
    steps, here = outline.steps, step.seq - 1
    later_errors = (later for later in steps[here + 1 :] if later.status == "error")
    return Playhead(
        step=step,
        count=len(steps),
        first=steps[0],
        last=steps[-1],
        previous=steps[here - 1] if here else None,
        next=steps[here + 1] if here + 1 < len(steps) else None,
        next_error=next(later_errors, None),
    )


@dataclass(frozen=True)
class RowPage:
    """A window of rows, and the steps that lead to the windows beside it."""

    rows: list[Row]
    previous: Step | None
    next: Step | None


@dataclass(frozen=True)
class Row:
    """One step as a row: its bar in percent of the session's time, None where unknown."""

    step: Step
    level: int
    left: float | None
    width: float
    is_future: bool

    @property
    def group(self) -> str:
        return group_of(self.step.kind)

    @property
    def icon(self) -> str:
        return icon_of(self.step.kind)


def tree_order(steps: Sequence[Step]) -> list[tuple[Step, int]]:
    """Return the steps with their levels, parents before children, siblings in replay order.

    Steps whose parents go round in a circle are taken as roots.
    """
    below: dict[str | None, list[Step]] = defaultdict(list)
    for step in steps:
        below[step.parent].append(step)
    ordered: list[tuple[Step, int]] = []
    seen: set[str] = set()
    for root in [*below[None], *steps]:
        _descend(root, below, ordered, seen)
    return ordered


def _descend(
    root: Step,
    below: dict[str | None, list[Step]],
    ordered: list[tuple[Step, int]],
    seen: set[str],
) -> None:
    waiting = [(root, 1)]
    while waiting:
        step, level = waiting.pop()
        if step.id in seen:
            continue
        seen.add(step.id)
        ordered.append((step, level))
        waiting += [(child, level + 1) for child in reversed(below.get(step.id, []))]


def row_page(outline: Outline, at: Step) -> RowPage:
    """Return the window of rows that holds the step ``at``."""
    ordered = tree_order(outline.steps)
    place = next(index for index, (step, _) in enumerate(ordered) if step.id == at.id)
    start = place - place % ROWS
    begins, total = time_span(outline)
    rows = [_row(step, level, at, begins, total) for step, level in ordered[start : start + ROWS]]
    after = ordered[start + ROWS][0] if start + ROWS < len(ordered) else None
    return RowPage(rows, ordered[start - ROWS][0] if start else None, after)


def _row(step: Step, level: int, at: Step, begins: float, total: float) -> Row:
    left = None
    if step.started_at is not None:
        left = round((step.started_at.timestamp() - begins) * 100_000 / total, 3)
    width = max(0.3, round((step.duration_ms or 0) * 100 / total, 3))
    return Row(step, min(level, 16), left, width, is_future=step.seq > at.seq)


def time_span(outline: Outline) -> tuple[float, float]:
    """Return when the session began (seconds), and its length in milliseconds, never 0."""
    starts = [step.started_at.timestamp() for step in outline.steps if step.started_at]
    if not starts:
        return 0.0, 1.0
    begins = min(starts)
    ends = [
        step.started_at.timestamp() + (step.duration_ms or 0) / 1000
        for step in outline.steps
        if step.started_at
    ]
    return begins, max((max(ends) - begins) * 1000, 1.0)


def columns(outline: Outline) -> dict[str, Json]:
    """Return the steps as columns, small enough to send 50,000 of them; no content.

    ``s`` holds tenths of a millisecond since the start before (null: unknown), ``d``
    durations in milliseconds, ``p`` how far back the parent lies (0: none), ``e`` the
    places of errors, ``names``, ``kinds`` and ``lanes`` what ``n``, ``k`` and ``l`` point into.
    """
    steps = outline.steps
    begins, total = time_span(outline)
    names, name_at = _dictionary([step.name or step.kind for step in steps])
    kinds, kind_at = _dictionary([step.kind for step in steps])
    lanes, lane_at = _dictionary([step.lane for step in steps])
    place = {step.id: index for index, step in enumerate(steps)}
    return {
        "total": round(total, 1),
        "names": names,
        "kinds": kinds,
        "lanes": lanes,
        "n": name_at,
        "k": kind_at,
        "l": lane_at,
        "s": _start_steps(steps, begins),
        "d": [_rounded(step.duration_ms) for step in steps],
        "p": [i - place.get(step.parent or "", i) for i, step in enumerate(steps)],
        "e": [i for i, step in enumerate(steps) if step.status == "error"],
    }


def _dictionary(values: list[str]) -> tuple[list[str], list[int]]:
    entries = {value: index for index, value in enumerate(dict.fromkeys(values))}
    return list(entries), [entries[value] for value in values]


def _start_steps(steps: Sequence[Step], begins: float) -> list[int | None]:
    found: list[int | None] = []
    before = 0
    for step in steps:
        if step.started_at is None:
            found.append(None)
            continue
        now = round((step.started_at.timestamp() - begins) * 10_000)
        found.append(now - before)
        before = now
    return found


def _rounded(milliseconds: float | None) -> float | None:
    """Keep three digits or so: what a row shows, and half the size."""
    if milliseconds is None:
        return None
    return round(milliseconds) if milliseconds >= 10 else round(milliseconds, 1)


def transcript_window(outline: Outline, at: Step) -> tuple[list[Step], list[Step]]:
    """Return the steps of the transcript's page that holds ``at``, and the calls before it."""
    start = (at.seq - 1) - (at.seq - 1) % TOLD_AT_ONCE
    calls = [step for step in outline.steps[:start] if step.kind == "llm"]
    return outline.steps[start : start + TOLD_AT_ONCE], calls[-CALLS_BEFORE:]
