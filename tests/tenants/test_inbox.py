from __future__ import annotations

from uuid import uuid4

import pytest

from apps.audit.actors import SYSTEM, Actor
from apps.tenants import inbox
from apps.tenants.inbox import Matter, tell_person
from apps.tenants.inbox_models import InboxEntry
from apps.tenants.permissions import Permission, Role

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


@pytest.fixture
def tell_of(project, member):
    def told(person=member, **fields) -> InboxEntry | None:
        about = {"text": "nightly: no provider", "link": "prompts:prompt", "ids": ("triage",)}
        matter = Matter(**about | fields)
        return inbox.tell_of(person, project, kind="schedule", actor=SYSTEM, matter=matter)

    return told


def test_what_is_no_session_leads_to_its_page(tell_of, member_client, project):
    entry = tell_of(anchor="L2")

    row = member_client.get("/api/v1/inbox").json()["results"][0]
    assert (row["about"], row["session"], row["by"]) == ("nightly: no provider", None, "Playhead")
    assert row["url"] == f"/o/{project.organization.slug}/p/{project.slug}/prompts/triage/#L2"
    page = member_client.get("/inbox/").content.decode()
    assert "nightly: no provider" in page
    assert f"?entry={entry.pk}" in page


def test_what_is_no_session_is_shown_to_nobody_who_lost_the_right(tell_of, member, member_client):
    tell_of(needs=Permission.WRITE_PROMPTS)
    membership = member.memberships.get()
    membership.role = Role.VIEWER
    membership.save()

    [row] = member_client.get("/api/v1/inbox").json()["results"]
    assert (row["about"], row["url"], row["project"]) == ("", None, None)
    assert "nightly" not in member_client.get("/inbox/").content.decode()
    assert tell_of(needs=Permission.WRITE_PROMPTS) is None


def test_somebody_without_a_role_is_told_nothing(tell_of, stranger):
    assert tell_of(stranger) is None


def test_what_is_settled_is_unread_by_nobody(tell_of, project, member):
    tell_of(text="first")
    again = tell_of(text="second")
    tell_of(ids=("other",))
    assert (again.times, again.about, unread(member)) == (2, "second", 2)

    matter = Matter("", "prompts:prompt", ("triage",))
    assert inbox.settle(project, kind="schedule", matter=matter) == 1
    assert unread(member) == 1
