from __future__ import annotations

from uuid import uuid4

import pytest

from apps.audit.actors import SYSTEM, Actor
from apps.tenants import inbox
from apps.tenants.inbox import tell_person
from apps.tenants.inbox_models import InboxEntry

SESSION = uuid4()


@pytest.fixture
def tell(project, member):
    def told(**fields) -> InboxEntry | None:
        about = {"kind": "mention", "actor": SYSTEM, "session_id": SESSION, "subject_id": 1}
        return tell_person(member, project, **about | fields)

    return told


def unread(person) -> int:
    [membership] = inbox.with_unread(person.memberships.all())
    assert membership.unread == inbox.unread_count(person)
    return membership.unread


def test_a_person_has_what_they_were_told_unread(tell, member, viewer):
    entry = tell(actor=Actor(kind="user", id="7", label="ann@example.com"))

    assert (entry.kind, entry.told_by, entry.session_id) == ("mention", "ann@example.com", SESSION)
    assert (unread(member), unread(viewer)) == (1, 0)


def test_nobody_is_told_of_what_they_did_themselves(tell, member):
    assert tell(actor=Actor(kind="user", id=str(member.pk))) is None
    assert unread(member) == 0


def test_somebody_switched_off_is_not_told(tell, member):
    member.is_active = False

    assert tell() is None


def test_what_happens_again_before_it_is_read_is_one_entry(tell, member):
    first, again = tell(), tell()
    assert (again.pk, again.times, unread(member)) == (first.pk, 2, 1)

    inbox.mark_read(member, [first.pk])
    assert tell().pk != first.pk


def test_what_is_read_can_be_unread_again(tell, member):
    entry = tell()

    assert inbox.mark_read(member, [entry.pk]) == 1
    assert inbox.mark_read(member, [entry.pk]) == 0
    assert inbox.mark_read(member, [entry.pk], is_read=False) == 1
    assert unread(member) == 1


def test_nobody_reads_for_somebody_else(tell, member, viewer):
    assert inbox.mark_read(viewer, [tell().pk]) == 0
    assert unread(member) == 1


def test_reading_all_leaves_what_came_meanwhile(tell, member):
    seen = tell()
    tell(subject_id=2)

    assert inbox.mark_all_read(member, until=seen.pk) == 1
    assert unread(member) == 1


def test_looking_at_a_ticket_reads_what_was_told_of_it(tell, project, member):
    tell(kind="ticket", subject_id=5)
    tell(kind="mention", subject_id=5)

    assert inbox.mark_subject_read(member, project, ["ticket", "assignment"], 5) == 1
    assert unread(member) == 1


def test_what_was_told_moves_and_goes_with_its_session(tell, project, member):
    tell()
    other = uuid4()

    inbox.move_session(project.pk, SESSION, other)
    assert [entry.session_id for entry in project.inbox_entries.all()] == [other]
    inbox.forget_session(project.pk, other)
    assert unread(member) == 0
