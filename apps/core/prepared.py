"""Running our own SQL: server-side binding, prepared, binary results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection


def run(query: str, *values: Any) -> psycopg.RawCursor[tuple[Any, ...]]:
    """Run a statement with ``$1``-style places and return its cursor.

    Django's own cursors put the values into the text, which for arrays of content is most
    of the time of an append, and has PostgreSQL plan small statements anew each time.
    """
    connection.ensure_connection()
    if connection.queries_logged:
        # Tests count these like Django's own.
        connection.queries_log.append({"sql": query, "time": "0"})
    with connection.wrap_database_errors:
        cursor: psycopg.RawCursor[tuple[Any, ...]] = psycopg.RawCursor(connection.connection)
        return cursor.execute(query.encode(), values, prepare=True, binary=True)


def rows(query: str, *values: Any) -> Sequence[tuple[Any, ...]]:
    """Run a query and return all of its rows."""
    with connection.wrap_database_errors:
        return run(query, *values).fetchall()
