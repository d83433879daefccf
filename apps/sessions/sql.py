"""Running the record's own SQL: server-side binding, prepared, binary results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection

from apps.sessions.arrays import arrays, selected, unnest


def run(query: str, *values: Any) -> psycopg.RawCursor[tuple[Any, ...]]:
    """Run a statement with ``$1``-style places and return its cursor.

    Django's own cursors put the values into the text, which for arrays of content is most
    of the time of an append.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor: psycopg.RawCursor[tuple[Any, ...]] = psycopg.RawCursor(connection.connection)
        return cursor.execute(query.encode(), values, prepare=True, binary=True)


def rows(query: str, *values: Any) -> Sequence[tuple[Any, ...]]:
    """Run a query and return all of its rows."""
    with connection.wrap_database_errors:
        return run(query, *values).fetchall()


def insert(
    statement: str,
    columns: Sequence[tuple[str, str]],
    project_id: int,
    values: Sequence[Sequence[Any]],
) -> None:
    """Run one of the record's INSERT statements by itself."""
    text = statement.format(selected=selected(columns), source=unnest(columns, 2))
    run(text, project_id, *arrays(columns, values))
