"""Lanes: as sent, or derived from the tree for display."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

MAIN = "main"


class Timed(Protocol):
    """What a lane is derived from; times in seconds."""

    @property
    def lane(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def started(self) -> float | None: ...
    @property
    def ended(self) -> float | None: ...


# Until when each branch below one parent is taken; -inf where it is free.
Busy = list[float]
FREE = -math.inf
# Beyond these, branches of one parent are no longer told apart: nobody could see them.
MOST_BRANCHES = 64


def lanes_of(rows: Sequence[Timed], parents: Sequence[int], depths: Sequence[int]) -> list[str]:
    """Give every step a lane.

    An agent below another step, and a step that runs while an earlier sibling still does,
    leave their parent's lane for one of its branches; a branch that is free again is reused.
    """
    lanes = [MAIN] * len(rows)
    busy: dict[int, Busy] = {}
    # Parents first, each level in replay order.
    for index in sorted(range(len(rows)), key=depths.__getitem__):
        row, parent = rows[index], parents[index]
        if row.lane is not None:
            lanes[index] = row.lane
        elif parent >= 0:
            number = _branch(row, busy.setdefault(parent, [FREE]))
            lanes[index] = f"{lanes[parent]}.{number}" if number else lanes[parent]
    return lanes


def _branch(row: Timed, busy: Busy) -> int:
    number = 1 if row.kind == "agent" else 0
    if row.started is not None:
        while number < min(len(busy), MOST_BRANCHES) and busy[number] > row.started:
            number += 1
    while len(busy) <= number:
        busy.append(FREE)
    if row.ended is not None:
        busy[number] = max(busy[number], row.ended)
    return number
