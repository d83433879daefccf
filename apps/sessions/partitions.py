"""Monthly partitions of the large tables, by the month in which a session began.

Only the owner of the schema can make them. What arrived before its partition was made lies
in the DEFAULT partition and is moved when the month's own is attached.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

# Terms go where their chunks go; the web server's role cannot count them.
COUNTED = ("agent_sessions_event", "agent_sessions_chunk")
PARTITIONED = (*COUNTED, "agent_sessions_chunkterms")
MONTHS_AHEAD = 3
# Compaction leaves room in these, and new chunks come all the time: vacuumed once a twentieth
# is room, where PostgreSQL would wait for a fifth, they hardly grow by it.
COMPACTED = ("agent_sessions_chunk", "agent_sessions_chunkterms")
SOON = "autovacuum_vacuum_scale_factor"
SHARE = "0.05"
WAITING = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass(%s) AND NOT coalesce(c.reloptions, '{}') @> ARRAY[%s]
"""


def ensure_partitions(today: date | None = None) -> list[str]:
    """Make the partitions of this month and the next three; return the names of new ones."""
    month = (today or datetime.now(UTC).date()).replace(day=1)
    made: list[str] = []
    for _ in range(MONTHS_AHEAD + 1):
        made += [name for table in PARTITIONED if (name := _ensure(table, month))]
        month = next_month(month)
    for table in COMPACTED:
        _vacuum_soon(table)
    return made


def rows_in_default() -> dict[str, int]:
    """Count what lies in DEFAULT partitions: more than none means that a month was missed."""
    counts = {}
    with connection.cursor() as cursor:
        for table in COUNTED:
            cursor.execute(f"SELECT count(*) FROM {table}_default")  # noqa: S608
            counts[table] = cursor.fetchone()[0]
    return counts


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def first_id(month: date) -> uuid.UUID:
    """Return the smallest UUIDv7 of a month."""
    moment = datetime(month.year, month.month, 1, tzinfo=UTC)
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def _ensure(table: str, month: date) -> str | None:
    name = f"{table}_{month:%Y_%m}"
    with transaction.atomic(), connection.cursor() as cursor:
        # Two processes may start at once.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [table])
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is not None:
            return None
        _attach(cursor, table, name, month)
    return name


def _vacuum_soon(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [table, f"{SOON}={SHARE}"])
        for (name,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {name} SET ({SOON} = {SHARE}, toast.{SOON} = {SHARE})")


def _attach(cursor: CursorWrapper, table: str, name: str, month: date) -> None:
    low, high = f"'{first_id(month)}'", f"'{first_id(next_month(month))}'"
    # Nobody may write to DEFAULT between moving its rows and attaching the partition.
    cursor.execute(f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE")
    cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
    cursor.execute(
        f"WITH moved AS (DELETE FROM {table}_default"  # noqa: S608
        f" WHERE session_id >= {low} AND session_id < {high} RETURNING *)"
        f" INSERT INTO {name} SELECT * FROM moved"
    )
    cursor.execute(
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"
    )
