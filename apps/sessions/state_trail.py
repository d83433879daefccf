"""Who gave a value of the state what it is: a tree beside the state, brought forward with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.core.canonical import canonical_json
from apps.core.value_diff import matched

Json = Any

MATCHED = 300


@dataclass(frozen=True, slots=True)
class Trail:
    """The step that set a value, and who set what lies inside of it later."""

    # The index of the step; None: before the trail begins.
    at: int | None = None
    inside: dict[str, Trail] = field(default_factory=dict)

    def of(self, key: str) -> Trail:
        """Return the trail of a value inside: that of the whole, where it was set with it."""
        return self.inside.get(key) or Trail(self.at)

    @property
    def last(self) -> int | None:
        """The last step that set the value or anything inside of it."""
        known = [one.last for one in self.inside.values()]
        return max((at for at in (self.at, *known) if at is not None), default=None)

    def after(self, was: Json, now: Json, at: int) -> Trail:
        """Return the trail once a step has made another value of it."""
        if same(was, now):
            return self
        if isinstance(was, dict) and isinstance(now, dict):
            inside = {
                key: self.of(key).after(was[key], value, at) if key in was else Trail(at)
                for key, value in now.items()
            }
            return Trail(at if was.keys() - now.keys() else self.at, inside)
        if isinstance(was, list) and isinstance(now, list):
            return Trail(at if len(now) < len(was) else self.at, dict(self._elements(was, now, at)))
        return Trail(at)

    def _elements(
        self, was: Sequence[Json], now: Sequence[Json], at: int
    ) -> Iterator[tuple[str, Trail]]:
        for i, j in aligned(was, now):
            if j is None:
                continue
            if i is None:
                yield str(j), Trail(at)
            else:
                yield str(j), self.of(str(i)).after(was[i], now[j], at)


def same(was: Json, now: Json) -> bool:
    # True is 1 for Python, and not for who reads it.
    return was is now or (was == now and canonical_json(was) == canonical_json(now))


def aligned(was: Sequence[Json], now: Sequence[Json]) -> Iterator[tuple[int | None, int | None]]:
    """Yield the places of two lists' elements that are the same or stand for each other."""
    old, new = ([canonical_json(one) for one in side] for side in (was, now))
    for _, i1, i2, j1, j2 in matched(old, new, MATCHED):
        both = min(i2 - i1, j2 - j1)
        yield from ((i1 + at, j1 + at) for at in range(both))
        yield from ((at, None) for at in range(i1 + both, i2))
        yield from ((None, at) for at in range(j1 + both, j2))
