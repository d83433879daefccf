"""Forgetting the account of what came in, once nobody asks for it any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from apps.sessions import sql

# The quota of the month is counted from the account.
LEAST_DAYS = 32
AT_ONCE = 5_000
TABLES = {
    "ingest_ingestloss": "minute",
    "ingest_ingestclient": "hour",
    "ingest_ingestlibrary": "hour",
}
DELETE = """
DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {time} < $1 LIMIT $2)
"""


def forget_history(now: datetime) -> int:
    """Delete what is older than PLAYHEAD_INGEST_HISTORY_DAYS, few rows at a time."""
    days = max(settings.PLAYHEAD_INGEST_HISTORY_DAYS, LEAST_DAYS)
    return sum(_forget(table, now - timedelta(days=days)) for table in TABLES)


def _forget(table: str, before: datetime) -> int:
    statement, deleted = DELETE.format(table=table, time=TABLES[table]), 0
    while count := sql.run(statement, before, AT_ONCE).rowcount:
        deleted += count
    return deleted
