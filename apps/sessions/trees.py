"""The tree of a session's steps, by index: bounded whatever their parents say."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

NOWHERE = -1


def parents_of(ids: Sequence[bytes], parent_ids: Sequence[bytes | None]) -> list[int]:
    """Return the index of each step's parent, -1 where it is missing or would close a ring."""
    index = {event_id: at for at, event_id in enumerate(ids)}
    parents = [NOWHERE if one is None else index.get(one, NOWHERE) for one in parent_ids]
    safe = bytearray(len(parents))
    for first in range(len(parents)):
        _make_safe(first, parents, safe)
    return parents


def _make_safe(first: int, parents: list[int], safe: bytearray) -> None:
    """Cut the ring above a step, if there is one, and mark all that is above it."""
    path: dict[int, None] = {}
    at = first
    while at >= 0 and not safe[at] and at not in path:
        path[at] = None
        at = parents[at]
    if at in path:
        # Whichever of the ring comes first in replay order becomes its root.
        parents[_first_of_ring(at, parents, first)] = NOWHERE
    for each in path:
        safe[each] = 1


def _first_of_ring(at: int, parents: Sequence[int], first: int) -> int:
    ring = [at]
    while (following := parents[ring[-1]]) != at:
        ring.append(following)
    return first if first in ring else ring[0]


def depths_of(parents: Sequence[int]) -> list[int]:
    """Return how many steps lie above each; the parents must close no ring."""
    depths = [NOWHERE] * len(parents)
    for first, parent in enumerate(parents):
        if parent < 0:
            depths[first] = 0
        elif depths[parent] >= 0:
            depths[first] = depths[parent] + 1
        else:
            _measure(first, parents, depths)
    return depths


def _measure(first: int, parents: Sequence[int], depths: list[int]) -> None:
    path, at = [], first
    while at >= 0 and depths[at] < 0:
        path.append(at)
        at = parents[at]
    depth = NOWHERE if at < 0 else depths[at]
    for step in reversed(path):
        depth += 1
        depths[step] = depth


def tree_order(parents: Sequence[int]) -> array[int]:
    """Return the steps with parents before children and siblings as they come."""
    below: dict[int, list[int]] = {}
    # The last first, so that the first is taken from the end of each list.
    for index in range(len(parents) - 1, -1, -1):
        below.setdefault(parents[index], []).append(index)
    ordered = array("i")
    waiting = below.get(NOWHERE, [])
    while waiting:
        index = waiting.pop()
        ordered.append(index)
        waiting += below.get(index, ())
    return ordered
