"""Clocks that disagree: which steps to draw at another time than the one recorded, and by how much.

The correction is that of Jaeger's clock skew adjuster: where a step of another clock does not
fit into its parent, it and all of its service below it are moved into the middle of the
parent, as if the way there and the way back took equally long; one that lasted longer than
its parent is moved no further than to the parent's beginning.

Jaeger moves whatever does not fit. That is wrong for work that is meant to outlive its parent
(a queue, a task sent on its way), so here a step is moved only on proof:

* it began before the step that caused it, which no order of events allows, or
* it ended after it, and both say that the parent waited for the answer (a client's span above
  a server's), and it did not last longer than the parent, which may have stopped waiting.

And only where both say which clock they were timed by, and these differ. Steps of one process,
and steps that do not say where they ran, are never moved by themselves.

Nothing here changes the record: shifts are for drawing, and pages say that they were made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.sessions.critical_path import Intervals
from apps.sessions.trees import tree_order

# Seconds by which clocks may differ without anybody being told: what NTP keeps.
TOLERANCE = 0.001
# Steps that outlive their parents that are asked first where they ran.
SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a step ran, as its sender says: the empty text where it does not."""

    host: str = ""
    service: str = ""
    # Whether the span is one that waits for an answer, or one that gives it.
    is_client: bool = False
    is_server: bool = False

    def has_other_clock(self, other: Origin) -> bool:
        """Whether both say enough to tell that they were timed by different clocks."""
        if self.host and other.host:
            return self.host != other.host
        return bool(self.service and other.service) and self.service != other.service


NOWHERE = Origin()
OriginsOf = Callable[[Sequence[int]], Mapping[int, Origin]]


def shifts_of(times: Intervals, origins_of: OriginsOf) -> dict[int, float]:
    """Return by how many seconds to move each step that has to be; few sessions have one.

    ``origins_of`` is asked for the steps that lie outside their parents, and, where another
    clock is the cause, for those below them.
    """
    suspects = [index for index, up in enumerate(times.parents) if _is_outside(times, index, up)]
    if not suspects:
        return {}
    known = _known_of(times, suspects, origins_of)
    moved = [one for one in suspects if _proven(times, known, one, times.parents[one])]
    if not moved:
        return {}
    below = _all_below(times.parents, moved)
    known |= origins_of([index for index in below if index not in known])
    return _moved(times, known, below)


def _known_of(
    times: Intervals, suspects: Sequence[int], origins_of: OriginsOf
) -> dict[int, Origin]:
    """Return where the suspects and their parents ran.

    Steps that outlive their parents are common, and where they ran lies in their bodies: some
    of them are asked first, and all only if these name more than one clock.
    """
    early = [one for one in suspects if times.starts[one] < times.starts[times.parents[one]]]
    late = [one for one in suspects if times.starts[one] >= times.starts[times.parents[one]]]
    sample = late[:: len(late) // SAMPLE + 1]
    known = dict(origins_of(_with_parents(times, early + sample)))
    if len({(origin.host, origin.service) for origin in known.values()} - {("", "")}) > 1:
        rest = [index for index in _with_parents(times, late) if index not in known]
        known |= origins_of(rest)
    return known


def _with_parents(times: Intervals, steps: Sequence[int]) -> list[int]:
    return sorted({*steps, *(times.parents[one] for one in steps)})


def _moved(times: Intervals, known: Mapping[int, Origin], below: Sequence[int]) -> dict[int, float]:
    shifts: dict[int, float] = {}
    for index in below:
        up = times.parents[index]
        shift = shifts.get(up, 0.0)
        if _origin(known, index).has_other_clock(_origin(known, up)):
            shift = _correction(times, known, index, up, shift)
        if shift:
            shifts[index] = shift
    return shifts


def _proven(times: Intervals, known: Mapping[int, Origin], index: int, up: int) -> bool:
    if not _origin(known, index).has_other_clock(_origin(known, up)):
        return False
    return _correction(times, known, index, up, 0.0) != 0


def _correction(
    times: Intervals, known: Mapping[int, Origin], index: int, up: int, parent_shift: float
) -> float:
    """Return by how many seconds a step of another clock than its parent's is to be moved."""
    start, lasts = times.starts[index], times.durations[index] / 1000
    begin, parent_lasts = times.starts[up] + parent_shift, times.durations[up] / 1000
    is_too_early = start < begin - TOLERANCE
    # Comparisons with what is unknown are false.
    fits = lasts <= parent_lasts
    is_too_late = start + lasts > begin + parent_lasts + TOLERANCE
    waits = _origin(known, up).is_client and _origin(known, index).is_server
    if is_too_early and not fits:
        return begin - start
    if is_too_early or (is_too_late and fits and waits):
        return begin + (parent_lasts - lasts) / 2 - start
    return 0.0


def _is_outside(times: Intervals, index: int, up: int) -> bool:
    if up < 0 or math.isnan(times.starts[index]) or math.isnan(times.starts[up]):
        return False
    start, begin = times.starts[index], times.starts[up]
    if start < begin - TOLERANCE:
        return True
    lasts, parent_lasts = times.durations[index], times.durations[up]
    # One that outlasted its parent may have been meant to.
    if not lasts <= parent_lasts:
        return False
    return start + lasts / 1000 > begin + parent_lasts / 1000 + TOLERANCE


def _all_below(parents: Sequence[int], roots: Iterable[int]) -> list[int]:
    """Return some steps and all that lies below them, parents first."""
    found = set(roots)
    ordered = []
    for index in tree_order(parents):
        if index in found or parents[index] in found:
            found.add(index)
            ordered.append(index)
    return ordered


def _origin(known: Mapping[int, Origin], index: int) -> Origin:
    return known.get(index, NOWHERE)
