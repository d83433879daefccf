"""Running the record's own SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.core.prepared import rows as rows
from apps.core.prepared import run as run
from apps.sessions.arrays import arrays, selected, unnest


def insert(
    statement: str,
    columns: Sequence[tuple[str, str]],
    project_id: int,
    values: Sequence[Sequence[Any]],
) -> None:
    """Run one of the record's INSERT statements by itself."""
    text = statement.format(selected=selected(columns), source=unnest(columns, 2))
    run(text, project_id, *arrays(columns, values))
