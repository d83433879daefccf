from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import store
from apps.sessions.models import Event, Facet
from apps.tickets import queries, services
from apps.tickets.models import Severity, Status
from apps.tickets.services import StaleError
from tests.sessions.factories import make_event, make_session
from tests.tickets.factories import acting, make_ticket


@pytest.fixture
def ticket(project):
    return make_ticket(project)


def change(ticket, *, seen=None, actor=SYSTEM, **changes):
    seen = ticket.version if seen is None else seen
    return services.change_ticket(ticket, changes=changes, seen_version=seen, actor=actor)


def has_open_ticket(session) -> bool:
    return session.facets.filter(facet=Facet.TICKET, value="open").exists()


def told(person) -> list[str]:
    return [entry.kind for entry in person.inbox_entries.order_by("pk")]


def test_tickets_of_a_project_are_numbered_from_one(project, other_project):
    numbers = [make_ticket(project).number, make_ticket(project).number]

    assert numbers == [1, 2]
    assert make_ticket(other_project).number == 1


def test_what_a_ticket_says_lies_in_no_column_as_it_was_written(project, ticket):
    change(ticket, description="card 4111 of Mrs Miller")

    row = project.tickets.values().get()
    assert b"refunded" not in bytes(row["sealed_title"])
    assert "Miller" not in str(project.ticket_changes.values())
    assert services.values(queries.find_ticket(project, 1)).description.endswith("Mrs Miller")


def test_a_ticket_is_about_a_step_of_its_own_session_only(project):
    ours = make_session(project, make_event(name="pay"))
    other = make_session(project, make_event(session="chat-2"))
    step = Event.unscoped.get(session_id=ours.pk)

    assert make_ticket(project, ours, event_id=step.id).event_id == step.id
    with pytest.raises(InvalidError, match="no such step"):
        make_ticket(project, other, event_id=step.id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", " "),
        ("title", "x" * 201),
        ("description", "x" * 10_001),
        ("title", "a\x00b"),
        ("due_on", date(1066, 10, 14)),
    ],
)
def test_what_is_no_value_of_a_field_is_refused_by_its_name(ticket, field, value):
    with pytest.raises(InvalidError) as refused:
        change(ticket, **{field: value})

    assert refused.value.errors[0]["path"] == field


def test_only_people_who_may_see_the_sessions_get_a_ticket(ticket, viewer, stranger):
    assert change(ticket, assignee=viewer).assignee == viewer

    with pytest.raises(InvalidError, match="may not see"):
        change(ticket, seen=2, assignee=stranger)


def test_the_assignee_is_told_and_then_every_watcher_of_changes(project, member, viewer, owner):
    ticket = make_ticket(project, actor=acting(member), assignee=viewer)
    change(ticket, status=Status.WAITING, actor=acting(owner))

    assert told(viewer) == ["assignment", "ticket"]
    assert told(member) == ["ticket"]
    assert told(owner) == []


def test_who_loses_a_ticket_is_told_too(project, member, viewer, owner):
    ticket = make_ticket(project, assignee=viewer)

    services.assign_ticket(ticket, assignee=member, seen_version=1, actor=acting(owner))

    assert (told(viewer), told(member)) == (["assignment", "ticket"], ["assignment"])


def test_who_has_left_the_project_is_told_no_more(project, member, viewer):
    ticket = make_ticket(project, actor=acting(member))
    member.memberships.all().delete()

    change(ticket, status=Status.DONE, actor=acting(viewer))

    assert told(member) == []


def test_a_change_that_was_not_seen_is_not_overwritten(ticket, member):
    change(ticket, severity=Severity.HIGH)

    with pytest.raises(StaleError) as refused:
        change(ticket, seen=1, severity=Severity.LOW, title="mine", actor=acting(member))

    assert refused.value.ticket.version == 2
    assert refused.value.now.severity == Severity.HIGH


def test_wanting_what_is_so_already_is_no_conflict(ticket):
    change(ticket, status=Status.DONE)

    assert change(ticket, seen=1, status=Status.DONE).version == 2


def test_the_history_tells_who_changed_what(ticket, member):
    actor = acting(member)
    change(ticket, status=Status.WAITING, title="Refunds twice", assignee=member, actor=actor)

    [act] = queries.history(ticket, content=True)
    assert (act.changed_by, act.version) == (member.email, 2)
    assert act.fields == {
        "title": ["The agent refunded twice", "Refunds twice"],
        "status": ["Open", "Waiting"],
        "assignee": ["", str(member)],
    }


def test_the_history_keeps_words_from_those_who_may_not_read_content(ticket):
    change(ticket, title="Refunds twice", severity=Severity.LOW)

    [act] = queries.history(ticket, content=False)
    assert act.fields == {"severity": ["Medium", "Low"]}
    assert act.hides_words


def test_every_act_is_in_the_trail_without_what_was_written(ticket, project):
    change(ticket, title="Refunds twice", severity=Severity.LOW)
    services.claim_next_ticket(project, actor=SYSTEM)
    services.release_ticket(ticket, actor=SYSTEM)

    entries = AuditEntry.unscoped.filter(object_ids__contains=["ticket:1"]).order_by("pk")
    acts = [entry.act for entry in entries]
    assert acts == ["ticket.open", "ticket.change", "ticket.claim", "ticket.release"]
    assert "Refunds" not in str([entry.detail for entry in entries])


def test_lists_find_a_session_while_it_has_an_unfinished_ticket(project, ticket):
    second = make_ticket(project)

    change(ticket, status=Status.DONE)
    assert has_open_ticket(ticket.session)
    change(second, status=Status.DONE)
    assert not has_open_ticket(ticket.session)
    change(second, seen=2, status=Status.OPEN)
    assert has_open_ticket(ticket.session)


def test_the_next_ticket_is_the_most_urgent_that_nobody_has(project, member):
    make_ticket(project, severity=Severity.LOW)
    make_ticket(project, severity=Severity.CRITICAL, assignee=member)
    make_ticket(project, severity=Severity.HIGH)
    make_ticket(project, severity=Severity.HIGH, due_on=date(2026, 11, 22))
    make_ticket(project, severity=Severity.CRITICAL, status=Status.DONE)

    claims = [services.claim_next_ticket(project, actor=acting(member)) for _ in range(4)]

    assert [claim and claim.number for claim in claims] == [4, 3, 1, None]


def test_a_claim_ends_after_twenty_minutes(project, ticket, member, viewer):
    services.claim_next_ticket(project, actor=acting(member))

    with pytest.raises(ConflictError, match="holds this ticket until"):
        services.claim_ticket(ticket, actor=acting(viewer))
    with time_machine.travel(timezone.now() + timedelta(minutes=20, seconds=1)):
        assert services.claim_ticket(ticket, actor=acting(viewer)).held_by == viewer.email


def test_a_claim_can_be_renewed_and_given_up(project, ticket, member, viewer):
    services.claim_ticket(ticket, actor=acting(member))
    assert services.claim_ticket(ticket, actor=acting(member)).is_held

    assert services.release_ticket(ticket, actor=acting(viewer)).is_held
    services.release_ticket(ticket, actor=acting(member))
    assert services.claim_next_ticket(project, actor=acting(viewer)) is not None


def test_what_is_given_to_somebody_or_done_is_not_claimed(ticket, member):
    change(ticket, assignee=member)

    with pytest.raises(ConflictError, match="cannot be claimed"):
        services.claim_ticket(ticket, actor=acting(member))


def test_moving_a_ticket_ends_its_claim(ticket, member):
    services.claim_ticket(ticket, actor=acting(member))

    assert not change(ticket, status=Status.IN_REVIEW, actor=acting(member)).is_held


def test_an_erased_session_takes_the_words_of_its_tickets_along(project, ticket, member):
    change(ticket, title="Refunds twice", assignee=member)
    store.erase(ticket.session, actor=SYSTEM)

    found = queries.find_ticket(project, 1)
    assert (found.sealed_title, found.sealed_description) == (None, None)
    assert project.ticket_changes.get().sealed_words is None
    assert told(member) == []


def test_what_became_of_a_ticket_of_an_erased_session_can_still_be_said(project, ticket):
    store.erase(ticket.session, actor=SYSTEM)

    assert change(ticket, status=Status.DONE).is_done
    with pytest.raises(ConflictError, match="erased"):
        change(ticket, seen=2, title="something new")


def test_a_ticket_follows_its_session_into_another(project, viewer):
    alone = make_session(project, make_event(id="a", trace="t1"))
    ticket = make_ticket(project, alone, assignee=viewer)
    change(ticket, description="see the second refund")

    named = make_session(project, make_event(id="b", trace="t1", session="chat-9"))

    found = queries.find_ticket(project, ticket.number)
    assert (found.session_id, services.values(found).title) == (
        named.pk,
        "The agent refunded twice",
    )
    assert queries.history(found, content=True)[0].fields["description"][1].startswith("see")
    assert {entry.session_id for entry in viewer.inbox_entries.all()} == {named.pk}
    assert has_open_ticket(named)


def test_a_ticket_opened_on_a_merged_session_is_about_the_other(project):
    alone = make_session(project, make_event(id="a", trace="t1"))
    named = make_session(project, make_event(id="b", trace="t1", session="chat-9"))
    assert alone.pk != named.pk

    assert make_ticket(project, alone).session_id == named.pk


def test_the_database_refuses_a_session_of_another_project(project, other_project, ticket):
    theirs = make_session(other_project)
    rows = project.tickets.filter(pk=ticket.pk)

    with pytest.raises(IntegrityError, match="ticket_same_project_session"):
        rows.update(session_id=theirs.pk)
