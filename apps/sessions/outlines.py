"""From rows in replay order to a tree with lanes: pure, and bounded whatever the parents say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from apps.sessions.lanes import lanes_of
from apps.sessions.steps import Step
from apps.sessions.trees import depths_of, parents_of

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
    ids = [row["id"] for row in rows]
    parents = parents_of(ids, [row["parent_id"] for row in rows])
    depths = depths_of(parents)
    children = Counter(parents)
    lanes = lanes_of([_timed(row) for row in rows], parents, depths)
    return [
        step_of(
            row,
            seq=at + 1,
            id=ids[at].hex,
            parent=None if parents[at] < 0 else ids[parents[at]].hex,
            depth=depths[at],
            lane=lanes[at],
            children=children[at],
        )
        for at, row in enumerate(rows)
    ]


def step_of(row: Row, **place: Any) -> Step:
    """Return the step of a row, given its place."""
    fields = {name: row[name] for name in COLUMNS if name not in {"id", "parent_id", "lane"}}
    return Step(**fields, **place, duration_ms=_duration(row))


def _duration(row: Row) -> float | None:
    if row["started_at"] is None or row["ended_at"] is None:
        return None
    return float((row["ended_at"] - row["started_at"]).total_seconds() * 1000)


class _Timed(NamedTuple):
    lane: str | None
    kind: str
    started: float | None
    ended: float | None


def _timed(row: Row) -> _Timed:
    start, end = row["started_at"], row["ended_at"]
    return _Timed(row["lane"], row["kind"], start and start.timestamp(), end and end.timestamp())
