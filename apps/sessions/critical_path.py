"""The critical path of a session: the steps to shorten if all of it is to end sooner.

The walk is that of CRISP (Zhang et al., "CRISP: Critical Path Analysis of Large-Scale
Microservice Architectures", USENIX ATC 2022), which Jaeger's trace page follows too. It goes
backwards from the end of a step: the child that finished last before that moment is what the
step was waiting for; inside it the same is asked again, and the walk goes on where it began.
A child that was still running when its sibling on the path began held nobody up, so of
parallel work only the last to finish is on the path. What outlives its parent counts until
the parent's end.

Recorded sessions need three things more. Steps without a beginning are passed through; a
step without an end lasts until the last of what lies below it. A step that begins after its
parent has ended (a parent that marks a moment, one call as the child of the one before) is
taken as the child of the nearest step above that was still running, at last of the session.
And clocks that count milliseconds let a step begin a little before its cause has ended.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from apps.sessions.trees import tree_order

# Seconds by which one step may seem to begin before the one that it waited for has ended.
TOLERANCE = 0.001


class Intervals(NamedTuple):
    """Times of steps: seconds and milliseconds as a layout keeps them, NaN where unknown."""

    starts: Sequence[float]
    durations: Sequence[float]
    parents: Sequence[int]


class OnPath(NamedTuple):
    """A step of the path, and how many milliseconds of it are its own, not its children's."""

    at: int
    own_ms: float


def critical_path(times: Intervals) -> list[OnPath]:
    """Return the steps of the path in replay order, in O(n log n); instants are left out."""
    ends = _ends(times)
    below = _children(times, ends)
    last = max((ends[root] for root in below.get(_SESSION, ())), default=0.0)
    own: dict[int, float] = {}
    waiting = [(_SESSION, -math.inf, last)]
    while waiting:
        index, begin, until = waiting.pop()
        windows = list(_waited_for(below.get(index, ()), times.starts, ends, begin, until))
        waiting += windows
        if index != _SESSION:
            own[index] = until - begin - sum(end - start for _, start, end in windows)
    return [OnPath(index, own[index] * 1000) for index in sorted(own)]


# Stands for the session itself, above all that has no parent.
_SESSION = -1
Window = tuple[int, float, float]


def _waited_for(
    children: Sequence[int], starts: Sequence[float], ends: Sequence[float], begin: float, at: float
) -> Iterator[Window]:
    """Yield the children that a step waited for between two moments, the last first."""
    until = at
    for child in sorted(children, key=lambda one: (ends[one], -starts[one]), reverse=True):
        end, start = min(ends[child], at), max(starts[child], begin)
        if end > until + TOLERANCE or start >= until:
            continue
        end = min(end, until)
        if end > start:
            yield child, start, end
            until = start


def _ends(times: Intervals) -> array[float]:
    """Return when each step ended: where that is unknown, with the last step below it."""
    latest = array("d", [-math.inf]) * len(times.starts)
    for index in reversed(tree_order(times.parents)):
        start, lasts, parent = times.starts[index], times.durations[index], times.parents[index]
        if math.isnan(lasts):
            latest[index] = latest[index] if math.isnan(start) else max(start, latest[index])
        else:
            latest[index] = start + lasts / 1000
        if parent >= 0:
            latest[parent] = max(latest[parent], latest[index])
    return latest


def _children(times: Intervals, ends: Sequence[float]) -> dict[int, list[int]]:
    """Return the steps below each, none of which began after the step had ended.

    Goes through time once. A step that has ended stands for its parent from then on, so that
    the nearest one that still runs is found as in a union-find.
    """
    known = [index for index, start in enumerate(times.starts) if not math.isnan(start)]
    ending = iter(sorted(known, key=ends.__getitem__))
    stands_for = array("i", range(len(times.starts)))
    for index, start in enumerate(times.starts):
        if math.isnan(start):
            stands_for[index] = times.parents[index]
    below: dict[int, list[int]] = defaultdict(list)
    next_to_end = next(ending, _SESSION)
    for index in sorted(known, key=times.starts.__getitem__):
        while next_to_end >= 0 and ends[next_to_end] <= times.starts[index]:
            stands_for[next_to_end] = times.parents[next_to_end]
            next_to_end = next(ending, _SESSION)
        below[_running(times.parents[index], stands_for)].append(index)
    return below


def _running(index: int, stands_for: array[int]) -> int:
    """Return the step itself, or the nearest above it that has not ended; shorten the way."""
    while index >= 0 and stands_for[index] != index:
        above = stands_for[index]
        if above >= 0:
            stands_for[index] = stands_for[above]
        index = stands_for[index]
    return index
