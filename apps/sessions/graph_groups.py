"""Steps of one name under one parent as one node: what a long session is made of.

The groups form a tree like that of the steps: the calls of all turns of an agent are one
group, those of its sub-agent another. Where there are more groups than can be drawn, names
that differ by numbers alone are taken as one, then the rarest are folded together.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import median

from apps.sessions.graph_edges import TIES, WHYS, Edges, Tie, Why
from apps.sessions.layout import Layout

MOST_GROUPS = 120
NUMBERS = re.compile(r"\d+")
# Kind of the node that stands for all that is folded.
FOLDED = "others"


@dataclass(frozen=True)
class Group:
    """Steps that are drawn as one node."""

    number: int
    kind: str
    name: str | None
    # The group of their parents, -1 at the top.
    parent: int
    steps: Sequence[int]
    durations: Sequence[float]
    errors: int
    # How many of them ran at the same time, at most.
    at_once: int
    # How many kinds of steps are folded into it; 1 for all others.
    folded: int = 1

    @property
    def count(self) -> int:
        return len(self.steps)

    @property
    def total_ms(self) -> float | None:
        return sum(self.durations) if self.durations else None

    @cached_property
    def p50_ms(self) -> float | None:
        return median(self.durations) if self.durations else None

    def step_near(self, at: int) -> int:
        """Return the group's step at the playhead, else its next one, else its last."""
        return next((step for step in self.steps if step >= at), self.steps[-1])


@dataclass(frozen=True)
class Bundle:
    """Edges of one tie and reason between two groups, and how many there are."""

    source: int
    target: int
    tie: Tie
    why: Why
    count: int


class Groups:
    """The groups of a session, in the order of the tree, and the edges between them."""

    def __init__(self, layout: Layout, edges: Edges) -> None:
        names = _Names(layout)
        of, keys = _sorted_into(layout, names.exact)
        # Whether names that differ by numbers alone are taken as one.
        self.is_numberless = len(keys) > MOST_GROUPS
        if self.is_numberless:
            of, keys = _sorted_into(layout, names.without_numbers)
        kept = _kept(of, keys)
        self.of = array("i", [kept[number] for number in of])
        self.groups = _made(layout, self.of, _folded(kept), names)
        self.bundles = _bundled(edges, self.of)

    def __len__(self) -> int:
        return len(self.groups)

    def called(self, name: str) -> str:
        """Return a name as it is taken here."""
        return NUMBERS.sub("#", name) if self.is_numberless else name


class _Names:
    """Names by number, and by another number where digits do not count."""

    def __init__(self, layout: Layout) -> None:
        self.exact: Sequence[int] = range(len(layout.names.words))
        patterns: dict[str | None, int] = {}
        self.without_numbers = [
            patterns.setdefault(name and NUMBERS.sub("#", name), at)
            for at, name in enumerate(layout.names.words)
        ]


# Group of the parents, kind, name.
Key = tuple[int, int, int]


def _sorted_into(layout: Layout, names: Sequence[int]) -> tuple[array[int], list[Key]]:
    """Return the group of each step, and what makes each group, parents' groups first."""
    numbers: dict[Key, int] = {}
    of = array("i", bytes(len(layout) * array("i").itemsize))
    parents, kinds, named = layout.parents, layout.kinds.at, layout.names.at
    for index in layout.order:
        parent = parents[index]
        key = (of[parent] if parent >= 0 else -1, kinds[index], names[named[index]])
        of[index] = numbers.setdefault(key, len(numbers))
    return of, list(numbers)


def _kept(of: array[int], keys: Sequence[Key]) -> list[int]:
    """Return the number that each group gets: those that are folded share the last one."""
    if len(keys) <= MOST_GROUPS:
        return list(range(len(keys)))
    counts, levels = Counter(of), array("i")
    for parent, _, _ in keys:
        levels.append(levels[parent] + 1 if parent >= 0 else 0)
    ranked = sorted(range(len(keys)), key=lambda one: (min(levels[one], 3), -counts[one], one))
    chosen = sorted(ranked[: MOST_GROUPS - 1])
    places = {number: place for place, number in enumerate(chosen)}
    return [places.get(number, len(chosen)) for number in range(len(keys))]


def _folded(kept: Sequence[int]) -> Mapping[int, int]:
    return Counter(kept)


def _made(layout: Layout, of: array[int], folded: Mapping[int, int], names: _Names) -> list[Group]:
    steps: dict[int, array[int]] = defaultdict(partial(array, "i"))
    for index, number in enumerate(of):
        steps[number].append(index)
    return [_group(layout, of, number, steps[number], folded[number]) for number in sorted(steps)]


def _group(layout: Layout, of: array[int], number: int, steps: Sequence[int], folded: int) -> Group:
    first, parent = steps[0], layout.parents[steps[0]]
    lasting = array("d", filter(is_known, map(layout.durations.__getitem__, steps)))
    named = {layout.names[step] for step in steps} if folded == 1 else set()
    name = layout.names[first] if len(named) == 1 else NUMBERS.sub("#", layout.names[first] or "")
    return Group(
        number=number,
        kind=(layout.kinds[first] or "") if folded == 1 else FOLDED,
        name=name if folded == 1 else None,
        parent=of[parent] if parent >= 0 else -1,
        steps=steps,
        durations=lasting,
        at_once=at_once(layout, steps),
        errors=sum(layout.is_error(step) for step in steps) if layout.errors else 0,
        folded=folded,
    )


def is_known(value: float) -> bool:
    return not math.isnan(value)


def _bundled(edges: Edges, of: array[int]) -> list[Bundle]:
    """Return the edges between groups, the most frequent of each two first."""
    counts: Counter[tuple[int, int, int, int]] = Counter(
        zip(
            map(of.__getitem__, edges.sources),
            map(of.__getitem__, edges.targets),
            edges.ties,
            edges.whys,
            strict=True,
        )
    )
    return [
        Bundle(source, target, TIES[tie], WHYS[why], count)
        for (source, target, tie, why), count in sorted(
            counts.items(), key=lambda one: (one[0][:2], -one[1], one[0])
        )
    ]


def at_once(layout: Layout, steps: Sequence[int]) -> int:
    """Return how many of some steps ran at the same time, at most."""
    moments: list[tuple[float, int]] = []
    for step in steps:
        start, lasts = layout.starts[step], layout.durations[step]
        if lasts > 0 and not math.isnan(start):
            # At one moment, what ends does so before anything begins.
            moments += [(start, 1), (start + lasts / 1000, -1)]
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most
