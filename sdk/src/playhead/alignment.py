"""Alignment: which step of one session is which step of another.

Steps are compared by their signatures: kind, name, and the canonical hash of the arguments.
Needleman-Wunsch finds the pairing with the highest score: 1 for equal signatures, 0.3 to 0.9
for one kind and name by how much the arguments have in common, -0.5 for a step that stays
alone. Steps of another kind or name are never paired.

The cost is bounded by ``CELLS``. Equal beginnings and ends are paired at once; for the rest a
band around the diagonal is searched, and widened until no path outside of it can be better,
which is proven by a bound and not assumed. Where the proof would cost more than ``CELLS``, steps
that occur once in both are taken as fixed, and what lies between them is aligned with what is
left. Then ``Alignment.is_optimal`` is False: each step is still told exactly once and in order,
but another pairing may have scored higher.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from playhead.matching import canonical, normalised

Json = Any
# Positions of two steps, None where a step stays alone.
Pair = tuple[int | None, int | None]
Found = tuple[list[Pair], bool]

# In hundredths, so that sums are exact and ties are the same everywhere.
SAME, LEAST_ALIKE, MOST_ALIKE, GAP = 100, 30, 90, -50
NEVER = -(10**12)

# Cells of the table that are filled at most: about a second and a half of one core.
CELLS = 4_000_000
# Steps by which the first band is wider than the two lengths differ.
FIRST_BAND = 24
SKETCH_BITS = 1024
# The smallest hashes stand for all, so that long arguments do not fill the sketch.
SKETCHED = 160

ALONE_IN_A, ALONE_IN_B, BOTH = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Signature:
    """What a step did: equal signatures are the same step done again."""

    kind: str
    name: str | None
    # A hash of the normalised arguments.
    arguments: str
    # Bits that tell how much two arguments have in common; see ``sketch``.
    sketch: int = 0


@dataclass(frozen=True, slots=True)
class Alignment:
    """The steps of both sessions in order, each exactly once."""

    pairs: list[Pair]
    # False: the search stopped at its bound before it was proven that no pairing scores higher.
    is_optimal: bool = True


def signature(kind: str, name: str | None, arguments: Json) -> Signature:
    """Return the signature of one step from its arguments as recorded."""
    text = canonical(arguments)
    hashed = hashlib.sha256(text).hexdigest()
    return Signature(kind, name, f"sha256:{hashed}", sketch(leaves(normalised(arguments))))


def leaves(value: Json, path: str = "", *, longest: int = 400) -> Iterator[str]:
    """Yield the places and values that a JSON value holds, of short texts also the words."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{path}/{name}", longest=longest)
    elif isinstance(value, list | tuple) and value:
        for inner in value:
            yield from leaves(inner, f"{path}/*", longest=longest)
    else:
        yield f"{path}={value!r}"
        if isinstance(value, str) and len(value) <= longest:
            yield from (f"{path}:{word}" for word in value.split())


def sketch(features: Iterable[str | bytes]) -> int:
    """Return bits that stand for a set: sets that share much share many bits."""
    hashes = {_hash(feature) for feature in features}
    bits = 0
    for number in sorted(hashes)[:SKETCHED]:
        bits |= 1 << (number % SKETCH_BITS)
    return bits


def _hash(feature: str | bytes) -> int:
    data = feature.encode(errors="surrogatepass") if isinstance(feature, str) else feature
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def likeness(left: int, right: int) -> int:
    """Return how alike two arguments are that are not equal, by their sketches: 30 to 90."""
    union = (left | right).bit_count()
    if not union:
        return LEAST_ALIKE
    return LEAST_ALIKE + (MOST_ALIKE - LEAST_ALIKE) * (left & right).bit_count() // union


def align(a: Sequence[Signature], b: Sequence[Signature], *, cells: int = CELLS) -> Alignment:
    """Return the steps of ``a`` and ``b`` side by side.

    The same sessions give the same pairs in whichever order they are named.
    """
    if _order(a) > _order(b):
        turned = align(b, a, cells=cells)
        pairs = [(j, i) for i, j in turned.pairs]
        return Alignment(_alone_in_order(pairs), turned.is_optimal)
    pairs, is_optimal = _Search(cells).trimmed(list(a), list(b))
    return Alignment(_alone_in_order(pairs), is_optimal)


def _order(steps: Sequence[Signature]) -> tuple[int, list[tuple[str, str, str]]]:
    return len(steps), [(step.kind, step.name or "", step.arguments) for step in steps]


def _alone_in_order(pairs: Sequence[Pair]) -> list[Pair]:
    """Of neighbours that stay alone, put those of ``a`` before those of ``b``."""
    ordered: list[Pair] = []
    waiting: list[Pair] = []
    for pair in pairs:
        if pair[0] is None:
            waiting.append(pair)
            continue
        if pair[1] is not None:
            ordered += waiting
            waiting = []
        ordered.append(pair)
    return ordered + waiting


def common_ends(count_a: int, count_b: int, same: Callable[[int, int], bool]) -> tuple[int, int]:
    """Return how many steps at the beginning, and then at the end, ``same`` calls the same."""
    shorter = min(count_a, count_b)
    head = 0
    while head < shorter and same(head, head):
        head += 1
    tail = 0
    while tail < shorter - head and same(count_a - 1 - tail, count_b - 1 - tail):
        tail += 1
    return head, tail


class _Search:
    """One alignment and what is left of its bound."""

    def __init__(self, cells: int) -> None:
        self.cells = cells

    def trimmed(self, a: list[Signature], b: list[Signature]) -> Found:
        """Pair equal beginnings and ends, for which no pairing is better, and search the rest."""
        head, tail = common_ends(len(a), len(b), lambda i, j: _same(a[i], b[j]))
        end_a, end_b = len(a) - tail, len(b) - tail
        inner, is_optimal = self._middle(a[head:end_a], b[head:end_b])
        before: list[Pair] = [(at, at) for at in range(head)]
        after: list[Pair] = [(end_a + at, end_b + at) for at in range(tail)]
        return before + moved(inner, head, head) + after, is_optimal

    def _middle(self, a: list[Signature], b: list[Signature]) -> Found:
        if not a or not b:
            return alone(len(a), len(b)), True
        found = self._banded(a, b)
        return found if found is not None else self._between_fixed(a, b)

    def _banded(self, a: list[Signature], b: list[Signature]) -> Found | None:
        """Return the best pairing if it can be proven within the bound."""
        best = Ceiling.of(a, b)
        width = FIRST_BAND
        for _ in range(2):
            if self._cost(a, b, width) > self.cells:
                return None
            self.cells -= self._cost(a, b, width)
            score, pairs = fill_band(a, b, width)
            if score >= best.outside(width):
                return pairs, True
            # A wider band scores no less, so that this width is enough to prove it.
            width = best.width_for(score)
        return None

    @staticmethod
    def _cost(a: Sequence[Signature], b: Sequence[Signature], width: int) -> int:
        return len(a) * min(len(b), abs(len(b) - len(a)) + 2 * width + 1)

    def _between_fixed(self, a: list[Signature], b: list[Signature]) -> Found:
        """Align what lies between steps that occur once in both."""
        fixed = once_in_both(a, b)
        if not fixed:
            return self._as_wide_as_may_be(a, b), False
        pairs: list[Pair] = []
        from_a = from_b = 0
        for at_a, at_b in [*fixed, (len(a), len(b))]:
            inner, _ = self.trimmed(a[from_a:at_a], b[from_b:at_b])
            pairs += moved(inner, from_a, from_b)
            if at_a < len(a):
                pairs.append((at_a, at_b))
            from_a, from_b = at_a + 1, at_b + 1
        return pairs, False

    def _as_wide_as_may_be(self, a: list[Signature], b: list[Signature]) -> list[Pair]:
        width = (self.cells // len(a) - abs(len(b) - len(a)) - 1) // 2
        if width < 0:
            return alone(len(a), len(b))
        self.cells -= self._cost(a, b, width)
        return fill_band(a, b, width)[1]


def _same(left: Signature, right: Signature) -> bool:
    return (left.arguments, left.name, left.kind) == (right.arguments, right.name, right.kind)


def alone(count_a: int, count_b: int) -> list[Pair]:
    """Return steps that have no partner."""
    in_a: list[Pair] = [(at, None) for at in range(count_a)]
    return in_a + [(None, at) for at in range(count_b)]


def moved(pairs: Iterable[Pair], by_a: int, by_b: int) -> list[Pair]:
    """Return pairs of a part as pairs of the whole."""
    return [(None if i is None else i + by_a, None if j is None else j + by_b) for i, j in pairs]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that a pairing could score, from counts alone."""

    shorter: int
    both: int
    equal: int
    alike: int

    @classmethod
    def of(cls, a: Sequence[Signature], b: Sequence[Signature]) -> Ceiling:
        equal = _shared(_whole(a), _whole(b))
        alike = _shared(((s.kind, s.name) for s in a), ((s.kind, s.name) for s in b))
        return cls(min(len(a), len(b)), len(a) + len(b), equal, alike)

    def outside(self, width: int) -> int:
        """Return the most that a path could score that leaves a band of this width."""
        paired = self.shorter - width - 1
        # A band that is as wide as the shorter side holds every path.
        return NEVER if paired < 0 else self._score(min(paired, self.alike))

    def _score(self, paired: int) -> int:
        points = SAME * min(paired, self.equal) + MOST_ALIKE * max(0, paired - self.equal)
        return points + GAP * (self.both - 2 * paired)

    def width_for(self, score: int) -> int:
        """Return the width of the narrowest band that no path with a higher score leaves."""
        return bisect_left(
            range(self.shorter), True, key=lambda width: self.outside(width) <= score
        )


def _whole(steps: Sequence[Signature]) -> Iterator[tuple[str, str | None, str]]:
    return ((step.kind, step.name, step.arguments) for step in steps)


def _shared(left: Iterable[Any], right: Iterable[Any]) -> int:
    return (Counter(left) & Counter(right)).total()


def fill_band(a: Sequence[Signature], b: Sequence[Signature], width: int) -> tuple[int, list[Pair]]:
    """Return the best pairing within a band, and its score in hundredths."""
    lowest, highest = min(0, len(b) - len(a)) - width, max(0, len(b) - len(a)) + width
    numbers = _numbers(a, b)
    right = [(*numbers[step], step.sketch) for step in b]
    # The scores of one row, by place in b, each overwritten by that of the next; the places
    # that the band has not reached are NEVER.
    scores = [NEVER] * (len(b) + 1)
    for at in range(min(len(b), highest) + 1):
        scores[at] = GAP * at
    rows: list[tuple[int, bytearray]] = []
    for i, step in enumerate(a, 1):
        first, last = max(1, i + lowest), min(len(b), i + highest)
        gains = _gains(step, numbers[step], right[first - 1 : last])
        edge = GAP * i if i + lowest <= 0 else NEVER
        rows.append((first, _fill_row(scores, gains, first, edge)))
    return scores[len(b)], _walk_back(rows, len(b))


def _numbers(a: Sequence[Signature], b: Sequence[Signature]) -> dict[Signature, tuple[int, int]]:
    """Number kinds with names, and whole signatures: comparing numbers is cheap."""
    groups: dict[Any, int] = {}
    wholes: dict[Any, int] = {}
    return {
        step: (
            groups.setdefault((step.kind, step.name), len(groups)),
            wholes.setdefault((step.kind, step.name, step.arguments), len(wholes)),
        )
        for step in (*a, *b)
    }


def _gains(
    step: Signature, number: tuple[int, int], others: Sequence[tuple[int, int, int]]
) -> list[int]:
    """Return what it scores to pair a step with each of some others."""
    group, whole = number
    sketched = step.sketch
    return [
        NEVER
        if group != other_group
        else SAME
        if whole == other_whole
        else likeness(sketched, other_sketch)
        for other_group, other_whole, other_sketch in others
    ]


def _fill_row(scores: list[int], gains: list[int], first: int, edge: int) -> bytearray:
    """Turn the scores of the row above into those of the next; return how each came about."""
    chosen = bytearray(len(gains))
    diagonal, left = scores[first - 1], edge
    scores[first - 1] = edge
    for at, gain in enumerate(gains):
        over = scores[first + at]
        best, way = diagonal + gain, BOTH
        left += GAP
        if left > best:
            best, way = left, ALONE_IN_B
        if over + GAP > best:
            best, way = over + GAP, ALONE_IN_A
        chosen[at] = way
        scores[first + at] = left = best
        diagonal = over
    return chosen


def _walk_back(rows: Sequence[tuple[int, bytearray]], count_b: int) -> list[Pair]:
    i, j = len(rows), count_b
    pairs: list[Pair] = []
    while i and j:
        first, chosen = rows[i - 1]
        # Left of the band only steps of a remain before the beginning.
        way = chosen[j - first] if j >= first else ALONE_IN_A
        i, j = i - (way != ALONE_IN_B), j - (way != ALONE_IN_A)
        pairs.append((None if way == ALONE_IN_B else i, None if way == ALONE_IN_A else j))
    pairs += [(at, None) for at in reversed(range(i))]
    pairs += [(None, at) for at in reversed(range(j))]
    return pairs[::-1]


def once_in_both(a: Sequence[Signature], b: Sequence[Signature]) -> list[tuple[int, int]]:
    """Return the longest chain of steps that occur exactly once in both, in order."""
    places_a, places_b = _places_of_single(a), _places_of_single(b)
    shared = [(places_a[key], places_b[key]) for key in places_a if key in places_b]
    # The longest increasing chain: for each length the place where the cheapest one ends.
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for at, (_, place) in enumerate(shared):
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [at]
        before.append(last[length - 1] if length else -1)
    chain: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        chain.append(shared[at])
        at = before[at]
    return chain[::-1]


def _places_of_single(steps: Sequence[Signature]) -> dict[Any, int]:
    counts = Counter(_whole(steps))
    return {key: at for at, key in enumerate(_whole(steps)) if counts[key] == 1}
