"""What the record's statements cost while PostgreSQL knows nothing of a table yet."""

from __future__ import annotations

import os

import psycopg
import pytest
from django.db import connection

from apps.sessions import chunks, event_rows, owners, rewriting, writing

STATEMENTS = {
    "recorded events": event_rows.EXISTING,
    "reports of one call": event_rows.FAMILY,
    "content": chunks.BODIES,
    "completed events": event_rows.UPDATE,
    "events read again": rewriting.EVENTS,
    "traces": owners.POINT_TRACES,
    "times of facets": writing.FACET_TIMES,
}
FORGET = (
    """
    SELECT pg_clear_relation_stats('public', relname) FROM pg_class
    WHERE relkind = 'r' AND relname LIKE 'agent\\_sessions\\_%'
    """,
    """
    SELECT pg_clear_attribute_stats('public', tablename, attname, inherited) FROM pg_stats
    WHERE tablename LIKE 'agent\\_sessions\\_%'
    """,
)
PARTITIONS = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relispartition
    AND relname LIKE 'agent\\_sessions\\_%' AND pg_indexes_size(oid) > 200000
"""


@pytest.fixture
def young_tables(db: None) -> None:
    """Make PostgreSQL forget what earlier tests had it learn about the tables."""
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_OWNER_URL"]
    with psycopg.connect(url, dbname=name, autocommit=True) as owner:
        for statement in FORGET:
            owner.execute(statement)
        # Their indexes keep the pages of rows that were rolled back, and look dear for it.
        for table in owner.execute(PARTITIONS).fetchall():
            owner.execute(f"REINDEX TABLE {table[0]}")


def plan_of(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.usefixtures("young_tables")
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_young_table_is_read_by_its_key_and_not_as_a_whole(name: str) -> None:
    plan = plan_of(STATEMENTS[name])
    conditions = [line for line in plan.splitlines() if "Index Cond" in line]
    assert conditions or "Conflict Arbiter Indexes" in plan
    # Every look-up names more than the project.
    assert [line for line in conditions if line.rstrip(")").endswith("(project_id = $1")] == []
    assert "Seq Scan" not in plan
