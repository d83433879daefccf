"""Comparators: how alike two answers are, from 0 to 1, and why.

A comparator is pure: the same two values give the same comparison, on every machine. All but
the judge's are symmetric, and 1.0 is said of what is the same under the comparator's own rules
and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playhead.differences import Difference

from apps.core.canonical import canonical_json

Json = Any

SAME = "The same."


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparator says of two values."""

    # From 0, nothing in common, to 1, the same; None: it cannot tell, and abstains.
    score: float | None
    # For people, in a sentence.
    says: str
    # Where they differ, the first ones of many.
    differences: tuple[Difference, ...] = ()


Comparator = Callable[[Json, Json], Comparison]


def exact(expected: Json, got: Json) -> Comparison:
    """Compare two JSON values by their canonical bytes: 1 or 0. Keys have no order."""
    if canonical_json(expected) == canonical_json(got):
        return Comparison(1.0, SAME)
    return Comparison(0.0, "Not the same, letter by letter.")


def mean_of(*parts: tuple[float, Comparison]) -> Comparison:
    """Return the weighed mean of comparisons; those that abstain are left out."""
    told = [(weight, part) for weight, part in parts if part.score is not None]
    whole = sum(weight for weight, _ in told)
    if not whole:
        return Comparison(None, " ".join(part.says for _, part in parts))
    score = sum(weight * (part.score or 0.0) for weight, part in told) / whole
    differences = tuple(one for _, part in told for one in part.differences)
    return Comparison(score, " ".join(part.says for _, part in told), differences)
