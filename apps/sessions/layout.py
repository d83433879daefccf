"""Where each step of a session stands, as columns: what a page of any session starts from.

50,000 steps take three megabytes here and forty times that as objects. What else is known of
a step is read for those that are shown.
"""

from __future__ import annotations

import math
import uuid
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from apps.sessions.lanes import lanes_of
from apps.sessions.trees import depths_of, parents_of, tree_order

ID_BYTES = 16
UNKNOWN = math.nan
NOWHERE = -1


class Found(NamedTuple):
    """A row of the database, in replay order: ids as bytes, times as seconds."""

    id: bytes
    parent: bytes | None
    lane: str | None
    kind: str
    name: str | None
    started: float | None
    ended: float | None
    is_error: bool | None
    # Input and output together, and US dollars; None where it is no call of a model.
    tokens: int | None
    cost: float | None
    # False: its usage is another step's.
    is_counted: bool
    # Milliseconds until the first token of an answer.
    ttft: float | None


class Place(msgspec.Struct, frozen=True):
    """One step as a list shows it."""

    # 1, 2, ... in replay order.
    seq: int
    id: str
    level: int
    kind: str
    name: str | None
    # Seconds, as in ``Layout.begins``.
    started: float | None
    duration_ms: float | None
    is_error: bool


class Stated(NamedTuple):
    """A step that says something about the state, and the digest of the body that says it."""

    at: int
    lane: str
    digest: bytes
    is_snapshot: bool


class Words:
    """A column of few different words: a number for each row, and what the numbers stand for."""

    __slots__ = ("at", "words")

    def __init__(self, values: Sequence[str | None]) -> None:
        numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
        self.words = list(numbers)
        self.at = array("i", [numbers[value] for value in values])

    def __getitem__(self, index: int) -> str | None:
        return self.words[self.at[index]]


class Layout:
    """All steps of a session in replay order. Indexes begin at 0, a step's ``seq`` at 1."""

    def __init__(self, session_id: uuid.UUID, rows: Sequence[Found]) -> None:
        self.session_id = session_id
        # The columns as they were sent last, compressed.
        self.packed: bytes | None = None
        # Found by ``state`` when it is first asked for.
        self.stated: Sequence[Stated] | None = None
        # Made by ``graph`` when it is first asked for.
        self.graph: Any = None
        # Likewise by ``drawing``.
        self.drawn: object | None = None
        ids = [row.id for row in rows]
        parents = parents_of(ids, [row.parent for row in rows])
        depths = depths_of(parents)
        self.ids = b"".join(ids)
        self.parents, self.depths = array("i", parents), array("i", depths)
        self.lanes = Words(lanes_of(rows, parents, depths))
        self.kinds = Words([row.kind for row in rows])
        self.names = Words([row.name for row in rows])
        self.starts = array("d", [UNKNOWN if row.started is None else row.started for row in rows])
        self.durations = array("d", [_milliseconds(row) for row in rows])
        self.first_tokens = {
            index: row.ttft for index, row in enumerate(rows) if row.ttft is not None
        }
        self.errors = array("i", [index for index, row in enumerate(rows) if row.is_error])
        # Lanes that senders named; the others follow from the tree.
        self.sent_lanes = frozenset(row.lane for row in rows if row.lane is not None)
        # Few steps use anything: {index: (tokens, cost)}, and whose usage is another step's.
        self.usage = {
            index: (row.tokens, row.cost)
            for index, row in enumerate(rows)
            if row.tokens is not None or row.cost is not None
        }
        self.uncounted = frozenset(at for at in self.usage if not rows[at].is_counted)

    def __len__(self) -> int:
        return len(self.parents)

    def id(self, index: int) -> str:
        return self.id_bytes(index).hex()

    def id_bytes(self, index: int) -> bytes:
        return self.ids[index * ID_BYTES : (index + 1) * ID_BYTES]

    def find(self, event_id: str) -> int | None:
        """Return the index of the step with this id."""
        try:
            wanted = uuid.UUID(hex=event_id).bytes
        except ValueError:
            return None
        at = self.ids.find(wanted)
        while at % ID_BYTES and at > 0:
            at = self.ids.find(wanted, at + 1)
        return None if at < 0 else at // ID_BYTES

    def place(self, index: int) -> Place:
        return Place(
            seq=index + 1,
            id=self.id(index),
            level=self.depths[index] + 1,
            kind=self.kinds[index] or "",
            name=self.names[index],
            started=known(self.starts[index]),
            duration_ms=known(self.durations[index]),
            is_error=self.is_error(index),
        )

    def is_error(self, index: int) -> bool:
        at = bisect_right(self.errors, index)
        return at > 0 and self.errors[at - 1] == index

    def next_error(self, index: int) -> int | None:
        """Return the first failed step behind ``index``."""
        at = bisect_right(self.errors, index)
        return self.errors[at] if at < len(self.errors) else None

    def previous_error(self, index: int) -> int | None:
        """Return the last failed step before ``index``."""
        at = bisect_left(self.errors, index)
        return self.errors[at - 1] if at else None

    def last_of_kind(self, kind: str, before: int, count: int) -> list[int]:
        """Return the last steps of a kind before an index, in replay order."""
        wanted = self.kinds.words.index(kind) if kind in self.kinds.words else NOWHERE
        found: list[int] = []
        for index in range(before - 1, -1, -1):
            if self.kinds.at[index] == wanted:
                found.append(index)
            if len(found) == count:
                break
        return found[::-1]

    @cached_property
    def children(self) -> array[int]:
        """How many steps name each as their parent."""
        counts = array("i", bytes(len(self) * array("i").itemsize))
        for parent in self.parents:
            if parent >= 0:
                counts[parent] += 1
        return counts

    @cached_property
    def order(self) -> array[int]:
        """The steps as a tree shows them: parents before children, siblings in replay order."""
        return tree_order(self.parents)

    @cached_property
    def positions(self) -> array[int]:
        """Where in ``order`` each step is."""
        places = array("i", bytes(len(self) * array("i").itemsize))
        for position, index in enumerate(self.order):
            places[index] = position
        return places

    @cached_property
    def begins(self) -> float:
        """When the first step of a known time began, in seconds."""
        return min(_known_of(self.starts), default=0.0)

    @cached_property
    def total_ms(self) -> float:
        """From the beginning to the latest end; never 0."""
        timed = zip(self.starts, self.durations, strict=True)
        ends = (start + (known(lasts) or 0.0) / 1000 for start, lasts in timed)
        return max((max(_known_of(ends), default=0.0) - self.begins) * 1000, 1.0)


def known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _known_of(values: Iterable[float]) -> Iterable[float]:
    return (value for value in values if not math.isnan(value))


def _milliseconds(row: Found) -> float:
    if row.started is None or row.ended is None:
        return UNKNOWN
    # Seconds since 1970 are exact to a quarter of a microsecond.
    return round((row.ended - row.started) * 1000, 3)
