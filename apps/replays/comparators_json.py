"""Structure: which leaves two JSON values have in common, as F1 over their paths.

A leaf is a value that holds no other, at its path (RFC 6901). Of the leaves of both sides, those
count that lie at the same path, are of the same type and equal, or near enough where the path
has a tolerance: F1 = 2 * common / (leaves of one + leaves of the other).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from playhead.differences import ABSENT, MOST, Difference

from apps.core.canonical import canonical_json
from apps.replays.comparators import SAME, Comparison

Json = Any


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may be apart: in units, or as a share of the larger."""

    absolute: float = 0.0
    relative: float = 0.0

    def allows(self, a: float, b: float) -> bool:
        if not (math.isfinite(a) and math.isfinite(b)):
            return False
        return abs(a - b) <= max(self.absolute, self.relative * max(abs(a), abs(b)))


@dataclass(frozen=True, slots=True)
class Structure:
    """How two JSON values are compared. Paths are JSON pointers; ``*`` stands for one step in
    them and ``**`` for any number.
    """

    ignored: tuple[str, ...] = ()
    # Lists whose order does not matter.
    unordered: tuple[str, ...] = ()
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)

    def tolerance(self, path: str) -> Tolerance | None:
        """Return the tolerance of the first pattern that covers a path."""
        found = (one for pattern, one in self.tolerances.items() if covers(pattern, path))
        return next(found, None)


WHOLE = Structure()


def covers(pattern: str, path: str) -> bool:
    """Tell whether a pattern stands for a path, or for something above it."""
    return _covers(pattern.split("/")[1:], path.split("/")[1:])


def _covers(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_covers(pattern[1:], path[at:]) for at in range(len(path) + 1))
    return bool(path) and pattern[0] in ("*", path[0]) and _covers(pattern[1:], path[1:])


def structural(expected: Json, got: Json, structure: Structure = WHOLE) -> Comparison:
    """Compare two JSON values leaf by leaf."""
    left, right = dict(leaves(expected, structure)), dict(leaves(got, structure))
    if not left and not right:
        return Comparison(1.0, "Nothing is left to compare: all of it is ignored.")
    found: list[Difference] = []
    common = 0
    for path in [*left, *(path for path in right if path not in left)]:
        a, b = left.get(path, ABSENT), right.get(path, ABSENT)
        if a is not ABSENT and b is not ABSENT and is_equal(a, b, structure.tolerance(path)):
            common += 1
        elif len(found) < MOST:
            found.append(Difference(path, a, b))
    score = 2 * common / (len(left) + len(right))
    return Comparison(score, _said(common, len(left), len(right)), tuple(found))


def _said(common: int, expected: int, got: int) -> str:
    if common == expected == got:
        return SAME
    return f"{common} of {expected} expected and {got} given values agree."


def leaves(value: Json, structure: Structure = WHOLE, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield the path and the value of each leaf; an empty list or object is a leaf."""
    if any(covers(pattern, path) for pattern in structure.ignored):
        return
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            step = str(name).replace("~", "~0").replace("/", "~1")
            yield from leaves(inner, structure, f"{path}/{step}")
    elif isinstance(value, list) and value:
        for at, inner in enumerate(_in_order(value, structure, path)):
            yield from leaves(inner, structure, f"{path}/{at}")
    else:
        yield path, value


def _in_order(value: list[Json], structure: Structure, path: str) -> list[Json]:
    # Each entry is asked for, because a pattern ends at the list itself and covers what is below.
    if any(_is_at(pattern, path) for pattern in structure.unordered):
        return sorted(value, key=canonical_json)
    return value


def _is_at(pattern: str, path: str) -> bool:
    return covers(pattern, path) and not covers(pattern, path.rpartition("/")[0])


def is_equal(a: Json, b: Json, tolerance: Tolerance | None = None) -> bool:
    """Tell whether two leaves are the same; 1 and 1.0 are, 1 and true or "1" are not."""
    if is_number(a) and is_number(b):
        return a == b or (tolerance is not None and tolerance.allows(float(a), float(b)))
    return type(a) is type(b) and bool(a == b)


def is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
