"""Alignment of sessions that do several things at once: lane by lane, then told in one order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from playhead.alignment import CELLS, MOST_ALIKE, SAME, Alignment, Pair, Signature, align

# Pairs of lanes whose scores are weighed; with more lanes than that they are paired in order.
WEIGHED = 20_000

# A step with its lane.
Placed = tuple[str, Signature]
Lanes = Mapping[str, Sequence[int]]


def align_lanes(a: Sequence[Placed], b: Sequence[Placed], *, cells: int = CELLS) -> Alignment:
    """Return the steps of two sessions side by side, each lane aligned with its counterpart.

    Within a lane the order of both sides is kept. All lanes together are told in the order of
    ``a``; what is only in ``b`` follows what it followed in its lane.
    """
    lanes_a, lanes_b = by_lane(a), by_lane(b)
    paths: list[list[Pair]] = []
    is_optimal = True
    partners = pair_lanes(a, b)
    for name_a, name_b in partners:
        ours, theirs = lanes_a[name_a], lanes_b[name_b]
        share = cells * (len(ours) + len(theirs)) // (len(a) + len(b))
        found = align([a[i][1] for i in ours], [b[j][1] for j in theirs], cells=share)
        is_optimal = is_optimal and found.is_optimal
        paths.append([_of_session(pair, ours, theirs) for pair in found.pairs])
    alone_a = set(lanes_a) - {name for name, _ in partners}
    alone_b = set(lanes_b) - {name for _, name in partners}
    paths += [[(i, None) for i in lanes_a[name]] for name in lanes_a if name in alone_a]
    paths += [[(None, j) for j in lanes_b[name]] for name in lanes_b if name in alone_b]
    return Alignment(in_one_order(paths), is_optimal)


def by_lane(steps: Sequence[Placed]) -> dict[str, list[int]]:
    """Return the positions of each lane's steps, lanes in the order in which they begin."""
    lanes: dict[str, list[int]] = {}
    for at, (lane, _) in enumerate(steps):
        lanes.setdefault(lane, []).append(at)
    return lanes


def _of_session(pair: Pair, ours: Sequence[int], theirs: Sequence[int]) -> Pair:
    i, j = pair
    return (None if i is None else ours[i], None if j is None else theirs[j])


def pair_lanes(a: Sequence[Placed], b: Sequence[Placed]) -> list[tuple[str, str]]:
    """Return which lane of ``a`` is which lane of ``b``.

    Lanes that begin with a step of one kind and name are paired by how well their steps could
    fit, the best first; then what is left, by the lanes' own names.
    """
    lanes_a, lanes_b = by_lane(a), by_lane(b)
    offers = sorted(_offers(a, b, lanes_a, lanes_b))
    taken: dict[str, str] = {}
    for _, _, _, name_a, name_b in offers:
        if name_a not in taken and name_b not in taken.values():
            taken[name_a] = name_b
    for name in lanes_a:
        if name not in taken and name in lanes_b and name not in taken.values():
            taken[name] = name
    return [(name, taken[name]) for name in lanes_a if name in taken]


def _offers(
    a: Sequence[Placed], b: Sequence[Placed], lanes_a: Lanes, lanes_b: Lanes
) -> list[tuple[int, bool, int, str, str]]:
    """Return possible pairs, the best sorted first: by score, name, and order of beginning."""
    is_weighed = len(lanes_a) * len(lanes_b) <= WEIGHED
    counts_a = {name: _counts(a, places) for name, places in lanes_a.items()}
    counts_b = {name: _counts(b, places) for name, places in lanes_b.items()}
    places_b = _by_beginning(b, lanes_b)
    found = []
    for name_a, beginnings in _by_beginning(a, lanes_a).items():
        ours = list(beginnings)
        theirs = list(places_b.get(name_a, ()))
        chosen = (
            [(x, y) for x in ours for y in theirs]
            if is_weighed
            else list(zip(ours, theirs, strict=False))
        )
        for x, y in chosen:
            score = _fit(counts_a[x], counts_b[y]) if is_weighed else 0
            apart = abs(ours.index(x) - theirs.index(y)) if is_weighed else 0
            found.append((-score, x != y, apart, x, y))
    return found


def _by_beginning(steps: Sequence[Placed], lanes: Lanes) -> dict[tuple[str, str | None], list[str]]:
    found: dict[tuple[str, str | None], list[str]] = {}
    for name, places in lanes.items():
        first = steps[places[0]][1]
        found.setdefault((first.kind, first.name), []).append(name)
    return found


def _counts(steps: Sequence[Placed], places: Sequence[int]) -> tuple[Counter[str], Counter[str]]:
    """Return how often a lane has each whole signature, and each kind with its name."""
    chosen = [steps[at][1] for at in places]
    return (
        Counter(f"{step.kind}\0{step.name}\0{step.arguments}" for step in chosen),
        Counter(f"{step.kind}\0{step.name}" for step in chosen),
    )


def _fit(ours: tuple[Counter[str], Counter[str]], theirs: tuple[Counter[str], Counter[str]]) -> int:
    equal, alike = ((x & y).total() for x, y in zip(ours, theirs, strict=True))
    return SAME * equal + MOST_ALIKE * (alike - equal) // 2


def in_one_order(paths: Sequence[Sequence[Pair]]) -> list[Pair]:
    """Return the steps of all lanes in the order of ``a``, and what is only in ``b`` between."""
    follows = _followed(paths)
    keyed = [
        ((i, 0, 0) if i is not None else (follows[j or 0], 1, j or 0), (i, j))
        for path in paths
        for i, j in path
    ]
    return [pair for _, pair in sorted(keyed, key=lambda entry: entry[0])]


def _followed(paths: Sequence[Sequence[Pair]]) -> dict[int, int]:
    """Return for each step of ``b`` the step of ``a`` that it is told with or after."""
    follows: dict[int, int] = {}
    # What a lane begins with alone, and the step of a before which it must be told.
    leading: dict[int, tuple[list[int], int | None]] = {}
    for path in paths:
        at: int | None = None
        alone: list[int] = []
        for i, j in path:
            at = at if i is None else i
            if j is not None and at is None:
                alone.append(j)
            elif j is not None and at is not None:
                follows[j] = at
        if alone:
            first = next((i for i, _ in path if i is not None), None)
            leading[alone[0]] = alone, first
    reached = -1
    for j in sorted({*follows, *leading}):
        if j in leading:
            alone, first = leading[j]
            # Told after the step of b before it, of whichever lane.
            place = reached if first is None else min(reached, first - 1)
            follows |= dict.fromkeys(alone, place)
        reached = follows[j]
    return follows
