"""Monthly partitions. They are made by the owner of the tables."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.db import connection

from apps.sessions import reader
from apps.sessions.models import Event, Session
from apps.sessions.partitions import ensure_partitions, first_id, next_month, rows_in_default
from tests.sessions.factories import make_event, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_owner():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")


def partitions_of(table):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::text FROM pg_partition_tree(%s) WHERE isleaf", [table])
        return {name for (name,) in cursor.fetchall()}


def test_this_month_and_the_next_three_are_there(project, as_owner):
    ensure_partitions(date(2031, 11, 20))

    months = ("2031_11", "2031_12", "2032_01", "2032_02")
    names = {f"agent_sessions_event_{month}" for month in months}
    assert names <= partitions_of("agent_sessions_event")
    assert ensure_partitions(date(2031, 11, 30)) == []


def test_what_arrived_before_its_partition_moves_into_it(project, as_owner):
    make_session(project, make_event(input="word"))
    late = first_id(date(2033, 5, 1)).int + 5
    Session.unscoped.create(id=uuid.UUID(int=late), project=project)
    Event.unscoped.update(session_id=uuid.UUID(int=late))
    assert rows_in_default()["agent_sessions_event"] == 1

    ensure_partitions(date(2033, 5, 2))

    assert rows_in_default()["agent_sessions_event"] == 0
    moved = Session.unscoped.get(pk=uuid.UUID(int=late))
    assert len(reader.outline(moved).steps) == 1


@pytest.mark.parametrize(
    ("month", "after"),
    [(date(2026, 11, 1), date(2026, 12, 1)), (date(2026, 12, 1), date(2027, 1, 1))],
)
def test_the_month_after(month, after):
    assert next_month(month) == after


def test_what_compaction_leaves_is_soon_room_for_new_chunks():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.relname, t.reloptions::text, o.reloptions::text FROM pg_inherits i"
            " JOIN pg_class t ON t.oid = i.inhrelid JOIN pg_class o ON o.oid = t.reltoastrelid"
            " WHERE i.inhparent IN"
            " ('agent_sessions_chunk'::regclass, 'agent_sessions_chunkterms'::regclass)"
        )
        found = cursor.fetchall()

    assert len(found) >= 4
    for name, *options in found:
        assert all("autovacuum_vacuum_scale_factor=0.05" in (told or "") for told in options), name
