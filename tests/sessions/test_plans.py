"""What the record's statements cost while PostgreSQL knows nothing of a table yet."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.sessions import appending, chunks, event_rows, owners, rewriting

pytestmark = pytest.mark.django_db

STATEMENTS = {
    "recorded events": event_rows.EXISTING,
    "reports of one call": event_rows.FAMILY,
    "events that become complete": event_rows.UPDATE,
    "events that are read again": rewriting.EVENTS,
    "content": chunks.BODIES,
    "traces": owners.POINT_TRACES,
    "facets": appending.FACET_TIMES,
}


def plan_of(statement: str) -> str:
    with connection.cursor() as cursor:
        # Of a table that is known to be empty, reading all of it is right.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_young_table_is_read_by_its_key_and_not_as_a_whole(name: str) -> None:
    plan = plan_of(STATEMENTS[name])
    conditions = [line for line in plan.splitlines() if "Index Cond" in line]
    assert conditions
    # Every look-up names more than the project.
    assert [line for line in conditions if line.rstrip(")").endswith("(project_id = $1")] == []
