"""The state of two sessions at a line of their comparison."""

from __future__ import annotations

from typing import Any

from apps.core.value_diff import Difference, difference
from apps.sessions.compare import Comparison
from apps.sessions.compare_changes import LARGEST, settled
from apps.sessions.json_tree import size_of
from apps.sessions.layout import Place
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.state import state_at

Json = Any


def state_context(a: Session, b: Session, found: Comparison, at: int) -> dict[str, Json]:
    """Return how the states differ behind the steps of a line.

    Where one side has no step on that line, its state is that of its last step before it.
    """
    ours, theirs = last_steps(found, at)
    states = state_at(a, ours).state, state_at(b, theirs).state
    is_too_large = max(map(size_of, states)) > LARGEST
    told: Difference | None = None
    if not is_too_large:
        told = difference(settled("state", states[0]), settled("state", states[1]))
    return {
        "states": [("A", a, _place(a, ours), states[0]), ("B", b, _place(b, theirs), states[1])],
        "has_state": any(states),
        "told": told,
        "is_too_large": is_too_large,
    }


def last_steps(found: Comparison, at: int) -> tuple[int, int]:
    """Return the number of the last step of each side up to a line; 0 is before the first."""
    ours, theirs = found.begins
    for row in found.rows[: at + 1]:
        ours = ours if row.a is None else max(ours, row.a + 1)
        theirs = theirs if row.b is None else max(theirs, row.b + 1)
    return ours, theirs


def _place(session: Session, seq: int) -> Place | None:
    return layout_of(session).place(seq - 1) if seq else None
