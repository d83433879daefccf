"""Comparing two sessions: which steps are the same, which differ and in what.

What is new in every session (ids, times, who asked) never makes a step differ. Durations,
tokens and costs are told as deltas. Nothing here holds content.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import Lock
from typing import Any

from playhead.alignment import Pair, Signature, common_ends
from playhead.lanes import Placed, align_lanes

from apps.sessions.compare_sides import Facts, Side, open_sides, read_side
from apps.sessions.layout_cache import state_of
from apps.sessions.likeness import SAID_FIELDS, Likeness
from apps.sessions.models import Session
from apps.sessions.steps import Step

IDENTICAL, CHANGED, ONLY_A, ONLY_B = "identical", "changed", "only_a", "only_b"
STATUSES = (IDENTICAL, CHANGED, ONLY_A, ONLY_B)

# A clock and a dice answer anew each time.
NEW_EVERY_TIME = frozenset({"time", "random"})
# What tells of a run, and not of what the application did in it.
OF_THE_RUN = NEW_EVERY_TIME | {"env"}
OWN_NOTES = frozenset({"branch", "replay"})
# What a step that holds others knows only when they are done.
KNOWN_LATE = frozenset({"output", "status", "error", "reasoning", "state", "model_returned"})
# Fields under one name, as they are told.
TOLD_AS = {"state_patch": "state"}

Key = tuple[str, ...]

# Rows of all comparisons that a process keeps.
ROWS_HELD = 200_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a comparison: positions of the steps from 0, None where there is none."""

    status: str
    a: int | None
    b: int | None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sessions side by side."""

    rows: Sequence[Row]
    # The row where they first part, by when it could be known; None where they never do.
    first: int | None
    # False: another pairing of the steps may fit better; the search has a bound.
    is_optimal: bool
    # False: too large to open, so that steps differ by their digests alone.
    is_complete: bool
    # False: neither session has recorded what was said.
    has_content: bool
    # Rows of one session alone whose step the other has as well, elsewhere: by row, both ways.
    moved: Mapping[int, int] = field(default_factory=dict)
    # The steps with which it begins, from 0.
    begins: tuple[int, int] = (0, 0)

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(row.status for row in self.rows)
        return {status: found[status] for status in STATUSES}


_held: OrderedDict[tuple[Any, ...], Comparison] = OrderedDict()
_lock = Lock()


def compare(a: Session, b: Session, begins: tuple[int, int] = (0, 0)) -> Comparison:
    """Return two sessions of a project side by side; made anew once one has changed."""
    key = (*state_of(a), *state_of(b), *begins)
    with _lock:
        held = _held.get(key)
        if held is not None:
            _held.move_to_end(key)
            return held
    made = compare_sides(read_side(a), read_side(b), begins)
    with _lock:
        _held[key] = made
        while sum(len(one.rows) for one in _held.values()) > ROWS_HELD and len(_held) > 1:
            _held.popitem(last=False)
    return made


def compare_sides(a: Side, b: Side, begins: tuple[int, int] = (0, 0)) -> Comparison:
    """Compare two sessions, each from a step on."""
    likeness = open_sides(a, b)
    ours, theirs = _signatures(a, b, likeness)
    found = align_lanes(ours[begins[0] :], theirs[begins[1] :])
    teller = Teller(a, b, likeness)
    rows = [teller.row(*_shifted(pair, begins)) for pair in found.pairs]
    return Comparison(
        rows,
        first=_first(rows, a, b),
        is_optimal=found.is_optimal,
        is_complete=likeness is not None,
        has_content=any(one.input or one.output for side in (a, b) for one in side.facts),
        moved=moved(rows, ours, theirs),
        begins=begins,
    )


def _shifted(pair: Pair, begins: tuple[int, int]) -> Pair:
    i, j = pair
    return None if i is None else i + begins[0], None if j is None else j + begins[1]


def moved(rows: Sequence[Row], ours: Sequence[Placed], theirs: Sequence[Placed]) -> dict[int, int]:
    """Return which steps that stand alone are in the other session as well, at another place.

    Lanes are paired as wholes and keep their order, so a step that went from one lane to
    another has no partner. It is found by saying the same, the first by the first.
    """
    waiting: dict[Key, deque[int]] = defaultdict(deque)
    found: dict[int, int] = {}
    for at, row in enumerate(rows):
        if row.b is None and row.a is not None and (key := _key(ours[row.a])):
            waiting[key].append(at)
    for at, row in enumerate(rows):
        if row.a is None and row.b is not None and waiting.get(_key(theirs[row.b])):
            partner = waiting[_key(theirs[row.b])].popleft()
            found[partner], found[at] = at, partner
    return found


def _key(placed: Placed) -> Key:
    """Return what a step says; one that says nothing is like any other."""
    signature = placed[1]
    return (
        (signature.kind, signature.name or "", signature.arguments) if signature.arguments else ()
    )


def _signatures(a: Side, b: Side, likeness: Likeness | None) -> tuple[list[Placed], list[Placed]]:
    """Return the signatures of both sides; what is at equal ends needs no sketch."""
    ours, theirs = ([_signature(side, at, likeness) for at in range(len(side))] for side in (a, b))
    if likeness is None:
        return ours, theirs
    head, tail = common_ends(len(a), len(b), lambda i, j: ours[i] == theirs[j])
    for side, signed in ((a, ours), (b, theirs)):
        for at in range(head, len(side) - tail):
            lane, plain = signed[at]
            digest = side.facts[at].input
            if digest is not None:
                signed[at] = lane, replace(plain, sketch=likeness.sketch(digest))
    return ours, theirs


def _signature(side: Side, at: int, likeness: Likeness | None) -> Placed:
    digest = side.facts[at].input
    said = "" if digest is None else digest.hex()
    if digest is not None and likeness is not None and digest in likeness.contents:
        said = likeness.body(digest).hex()
    return side.lanes[at], Signature(side.kind(at), side.names[at], said)


@dataclass(frozen=True, slots=True)
class Teller:
    """Says of two steps in what they differ."""

    a: Side
    b: Side
    likeness: Likeness | None

    def row(self, i: int | None, j: int | None) -> Row:
        if i is None or j is None:
            return Row(ONLY_B if i is None else ONLY_A, i, j)
        differences = tuple(dict.fromkeys(self.differences(i, j)))
        return Row(CHANGED if differences else IDENTICAL, i, j, differences)

    def differences(self, i: int, j: int) -> Iterator[str]:
        ours, theirs = self.a.facts[i], self.b.facts[j]
        if not self._is_same(ours.input, theirs.input):
            yield "input"
        yield from fact_differences(ours, theirs)
        is_new = self.a.kind(i) in NEW_EVERY_TIME
        if not is_new and not self._is_same(ours.output, theirs.output, is_answer=True):
            yield "output"
        yield from self._of_the_rest(ours.extra, theirs.extra)

    def _is_same(
        self, ours: bytes | None, theirs: bytes | None, *, is_answer: bool = False
    ) -> bool:
        if ours == theirs:
            return True
        if ours is None or theirs is None or self.likeness is None:
            return False
        left = self.likeness.body(ours, is_answer=is_answer)
        return left == self.likeness.body(theirs, is_answer=is_answer)

    def _of_the_rest(self, ours: bytes | None, theirs: bytes | None) -> Iterator[str]:
        if ours == theirs or self.likeness is None:
            return
        left = self.likeness.fields(ours) if ours else {}
        right = self.likeness.fields(theirs) if theirs else {}
        for name in SAID_FIELDS:
            if left.get(name) != right.get(name):
                yield TOLD_AS.get(name, name)


def fact_differences(a: Facts, b: Facts) -> Iterator[str]:
    """Yield what differs of two steps without looking at what they said."""
    if a.model != b.model:
        yield "model"
    elif a.model_returned != b.model_returned:
        yield "model_returned"
    if a.provider != b.provider:
        yield "provider"
    if (a.prompt, a.prompt_version) != (b.prompt, b.prompt_version):
        yield "prompt"
    if a.agent != b.agent:
        yield "agent"
    # A status that is not known may be any, but for an error.
    if bool(a.is_error) != bool(b.is_error):
        yield "status"
    if a.error != b.error:
        yield "error"


def _first(rows: Sequence[Row], a: Side, b: Side) -> int | None:
    """Return the row where the sessions first part.

    The answer of a step that holds others follows from theirs, so it comes after them. What a
    session says of its own run is said first and is no such place where there is another.
    """
    last_a = _last_rows(a, [(row.a, at) for at, row in enumerate(rows)])
    last_b = _last_rows(b, [(row.b, at) for at, row in enumerate(rows)])
    places = [
        (_is_of_the_run(row, a, b), _known_at(at, row, last_a, last_b), at)
        for at, row in enumerate(rows)
        if row.status != IDENTICAL
    ]
    return min(places)[-1] if places else None


def _is_of_the_run(row: Row, a: Side, b: Side) -> bool:
    """Tell whether a step is a note on surroundings, or that this is a replay or a fork."""
    sides = [(side, at) for side, at in ((a, row.a), (b, row.b)) if at is not None]
    return all(
        side.kind(at) in OF_THE_RUN or (side.kind(at) == "event" and side.names[at] in OWN_NOTES)
        for side, at in sides
    )


def _known_at(at: int, row: Row, last_a: Sequence[int], last_b: Sequence[int]) -> float:
    if row.a is None or row.b is None or not KNOWN_LATE.issuperset(row.differences):
        return at
    last = max(last_a[row.a], last_b[row.b])
    # After all that it holds, and an outer step after an inner one that ends with it.
    return at if last == at else last + 1 - at / 1e9


def _last_rows(side: Side, placed: Sequence[tuple[int | None, int]]) -> list[int]:
    """Return for each step the last row that tells it or a step inside of it."""
    last = [0] * len(side)
    for position, at in placed:
        if position is not None:
            last[position] = at
    depths, parents = side.layout.depths, side.layout.parents
    # The deepest first, so that each step has heard of all that it holds.
    for position in sorted(range(len(side)), key=depths.__getitem__, reverse=True):
        parent = parents[position]
        if parent >= 0:
            last[parent] = max(last[parent], last[position])
    return last


def delta(a: Any, b: Any) -> Any:
    """Return B less A; unknown where one of them is."""
    return None if a is None or b is None else b - a


def tokens_of(it: Session | Step) -> int | None:
    known = [count for count in (it.input_tokens, it.output_tokens) if count is not None]
    return sum(known) if known else None


def cost_text(cost: Decimal | None) -> str | None:
    return None if cost is None else format(cost, "f")


def session_deltas(a: Session, b: Session) -> dict[str, Any]:
    """Return what B took more, or less, than A."""
    return {
        "steps": b.event_count - a.event_count,
        "duration_ms": delta(a.duration_ms, b.duration_ms),
        "tokens": delta(tokens_of(a), tokens_of(b)),
        "input_tokens": delta(a.input_tokens, b.input_tokens),
        "output_tokens": delta(a.output_tokens, b.output_tokens),
        "cost": cost_text(delta(a.cost, b.cost)),
        "errors": b.error_count - a.error_count,
    }


def step_deltas(a: Step, b: Step) -> dict[str, Any]:
    return {
        "duration_ms": delta(a.duration_ms, b.duration_ms),
        "tokens": delta(tokens_of(a), tokens_of(b)),
        "cost": cost_text(delta(a.cost, b.cost)),
    }
