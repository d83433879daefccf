"""From rows in replay order to a tree with lanes: pure, and bounded whatever the parents say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.sessions.steps import Step

MAIN = "main"

# Read for an outline, in this order; a step's other fields follow from them.
COLUMNS = (
    "id client_id client_parent trace parent_id lane kind name started_at ended_at status "
    "error_type provider model model_returned agent prompt_name prompt_version input_tokens "
    "output_tokens cache_read cache_write reasoning cost ttft_ms effects confidence request_id "
    "is_counted claimed_session"
).split()

Row = Mapping[str, Any]


def steps_of(rows: Sequence[Row]) -> list[Step]:
    """Return the steps of rows that come in replay order."""
    parents = _parents(rows)
    depths = _depths(rows, parents)
    children = Counter(parent for parent in parents.values() if parent is not None)
    lanes = _lanes(rows, parents, depths)
    return [
        _step(row, seq, parents[row["id"]], depths[row["id"]], children[row["id"]], lanes)
        for seq, row in enumerate(rows, 1)
    ]


def _step(
    row: Row, seq: int, parent: Any, depth: int, children: int, lanes: Mapping[Any, str]
) -> Step:
    fields = {name: row[name] for name in COLUMNS if name not in {"id", "parent_id", "lane"}}
    return Step(
        **fields,
        seq=seq,
        id=row["id"].hex,
        parent=None if parent is None else parent.hex,
        depth=depth,
        lane=lanes[row["id"]],
        children=children,
        duration_ms=_duration(row),
    )


def _duration(row: Row) -> float | None:
    if row["started_at"] is None or row["ended_at"] is None:
        return None
    return float((row["ended_at"] - row["started_at"]).total_seconds() * 1000)


def _parents(rows: Sequence[Row]) -> dict[Any, Any]:
    """Return each step's parent, None where it is missing or would close a ring."""
    there = {row["id"] for row in rows}
    parents = {row["id"]: row["parent_id"] if row["parent_id"] in there else None for row in rows}
    safe: set[Any] = set()
    for row in rows:
        path: dict[Any, None] = {}
        at = row["id"]
        while at is not None and at not in safe and at not in path:
            path[at] = None
            at = parents[at]
        if at in path:
            # Whichever of the ring comes first in replay order becomes its root.
            parents[_first_of_ring(at, parents, row["id"], path)] = None
        safe.update(path)
    return parents


def _first_of_ring(
    at: Any, parents: Mapping[Any, Any], first: Any, path: Mapping[Any, None]
) -> Any:
    ring = [at]
    while (following := parents[ring[-1]]) != at:
        ring.append(following)
    return first if first in ring else ring[0]


def _depths(rows: Sequence[Row], parents: Mapping[Any, Any]) -> dict[Any, int]:
    depths: dict[Any, int] = {}
    for row in rows:
        path, at = [], row["id"]
        while at is not None and at not in depths:
            path.append(at)
            at = parents[at]
        depth = -1 if at is None else depths[at]
        for step in reversed(path):
            depth += 1
            depths[step] = depth
    return depths


def _lanes(
    rows: Sequence[Row], parents: Mapping[Any, Any], depths: Mapping[Any, int]
) -> dict[Any, str]:
    """Give every step a lane: as sent, or one derived from the tree for display.

    An agent below another step, and a step that runs while an earlier sibling still does,
    leave their parent's lane for one of its branches; a branch that is free again is reused.
    """
    lanes: dict[Any, str] = {}
    busy: dict[Any, dict[str, datetime | None]] = {}
    # Parents first, each level in replay order.
    for row in sorted(rows, key=lambda row: depths[row["id"]]):
        parent = parents[row["id"]]
        if row["lane"] is not None:
            lanes[row["id"]] = row["lane"]
        elif parent is None:
            lanes[row["id"]] = MAIN
        else:
            lanes[row["id"]] = _branch(row, lanes[parent], busy.setdefault(parent, {}))
    return lanes


def _branch(row: Row, lane: str, busy: dict[str, datetime | None]) -> str:
    number = 1 if row["kind"] == "agent" else 0
    while not _is_free(row, busy.get(_name(lane, number), row)):
        number += 1
    chosen = _name(lane, number)
    ends = [end for end in (busy.get(chosen), row["ended_at"]) if end is not None]
    busy[chosen] = max(ends, default=None)
    return chosen


def _name(lane: str, number: int) -> str:
    return f"{lane}.{number}" if number else lane


def _is_free(row: Row, end: Any) -> bool:
    # ``end`` is the row itself where nobody has used the lane yet.
    return end is row or end is None or row["started_at"] is None or row["started_at"] >= end
