from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from apps.audit import services
from apps.audit.actors import Actor
from apps.audit.models import AuditEntry, Reading
from apps.core.errors import ConflictError

ADA = Actor(kind="user", id="7", label="ada@example.com", ip="192.0.2.1", request_id="r-1")
BOB = Actor(kind="user", id="8", label="bob@example.com")


def entry(**fields) -> AuditEntry:
    return services.record(ADA, "key.create", **{"organization_id": 1, "project_id": 2} | fields)


def read(*session_ids: str, actor: Actor = ADA) -> None:
    services.record_reading(actor, organization_id=1, project_id=2, session_ids=session_ids)


def readings() -> list[AuditEntry]:
    return list(AuditEntry.unscoped.filter(act="session.read").order_by("pk"))


def test_an_entry_says_who_did_what_to_what_and_from_where(db):
    row = entry(objects=["key:1"], detail={"name": "ci"})

    row.refresh_from_db()
    assert (row.actor_kind, row.actor_id, row.actor_label) == ("user", "7", "ada@example.com")
    assert (row.ip, row.request_id) == ("192.0.2.1", "r-1")
    assert (row.object_ids, row.detail) == (["key:1"], {"name": "ci"})


def test_an_entry_goes_away_with_the_change_that_failed(db):
    with suppress(ConflictError), transaction.atomic():
        entry()
        raise ConflictError

    assert not AuditEntry.unscoped.exists()


CHANGES = [
    "UPDATE audit_auditentry SET act = 'nothing'",
    "DELETE FROM audit_auditentry",
    "TRUNCATE audit_auditentry CASCADE",
]


@pytest.mark.parametrize("statement", CHANGES)
@pytest.mark.parametrize(
    ("role", "reason"),
    [("playhead_app", "permission denied"), ("NONE", "never changed or removed")],
    ids=["application", "owner"],
)
def test_the_database_refuses_to_change_the_trail(db, statement, role, reason):
    entry()

    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(ProgrammingError, match=reason), transaction.atomic():
            cursor.execute(statement)

    assert AuditEntry.unscoped.get().act == "key.create"


def test_one_reading_of_many_sessions_is_one_entry(db):
    read("a", "b", "a")

    [row] = readings()
    assert row.object_ids == ["a", "b"]


def test_reading_again_within_ten_minutes_raises_a_count(db):
    read("a")
    read("a")
    read("a")

    assert len(readings()) == 1
    assert Reading.unscoped.get().count == 3


def test_of_several_sessions_only_those_not_read_lately_are_written(db):
    read("a")
    read("a", "b")

    assert [row.object_ids for row in readings()] == [["a"], ["b"]]


def test_somebody_else_reading_is_written(db):
    read("a")
    read("a", actor=BOB)

    assert [row.actor_label for row in readings()] == ["ada@example.com", "bob@example.com"]


def test_the_window_opens_anew_after_ten_minutes(db):
    read("a")

    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        read("a")

    assert len(readings()) == 2
    assert [row.count for row in Reading.unscoped.order_by("pk")] == [1, 1]


def test_a_reading_costs_a_fixed_number_of_statements(db, django_assert_num_queries):
    sessions = [f"s{number}" for number in range(50)]
    with django_assert_num_queries(5):
        read(*sessions)
    with django_assert_num_queries(3):
        read(*sessions)


def test_reading_nothing_writes_nothing(db):
    read()

    assert not AuditEntry.unscoped.exists()
