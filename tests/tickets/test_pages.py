from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.sessions import store
from apps.sessions.models import Event
from apps.tenants.permissions import Role
from apps.tickets import queries, services
from apps.tickets.models import Status
from tests.factories import make_membership
from tests.sessions.factories import make_event, make_session
from tests.tickets.factories import make_ticket

URL = "/o/acme/p/support-bot/tickets/"


@pytest.fixture
def session(project):
    return make_session(project, make_event(name="pay", status="error", input="card 4111"))


def text(answer) -> str:
    return answer.content.decode()


def test_a_ticket_is_opened_from_the_step_that_failed(member_client, project, session):
    step = Event.unscoped.get(session_id=session.pk).id.hex
    new = f"{URL}new/?session={session.pk}&event={step}"
    assert 'value="pay failed"' in text(member_client.get(new))

    fields = {"title": "Paid twice", "severity": "high", "assignee": "", "due_on": "2026-12-01"}
    answer = member_client.post(new, fields)

    assert answer.headers["Location"] == f"{URL}1/"
    page = text(member_client.get(f"{URL}1/"))
    assert "Paid twice" in page
    assert f"sessions/{session.pk}/?step={step}" in page


def test_a_form_that_is_refused_keeps_what_was_typed(member_client, project, session):
    new = f"{URL}new/?session={session.pk}"

    answer = member_client.post(new, {"title": "", "description": "so far", "severity": "high"})

    assert answer.status_code == 400
    assert "so far" in text(answer)


@pytest.mark.parametrize(
    "query", ["", "?session=x", "?session=00000000-0000-7000-8000-000000000000"]
)
def test_a_new_ticket_needs_a_session_of_the_project(member_client, project, query):
    answer = member_client.get(f"{URL}new/{query}")

    assert answer.status_code == 400
    assert "session" in text(answer)


def test_selected_sessions_get_a_ticket_each(member_client, project):
    ids = [make_session(project, make_event(session=name)).pk for name in "abc"]
    selected = {"session": [str(pk) for pk in ids]}

    form = member_client.post(f"{URL}from-sessions/", selected).headers["Location"]
    member_client.post(form, {"title": "Too slow", "severity": "low"})

    assert {ticket.session_id for ticket in project.tickets.all()} == set(ids)


def test_who_saves_too_late_sees_both_values_and_chooses(member_client, project, session):
    ticket = make_ticket(project, session)
    changes = {"severity": 4, "title": "Money moved twice"}
    services.change_ticket(ticket, changes=changes, seen_version=1, actor=SYSTEM)
    mine = {"version": 1, "title": "Paid twice", "status": "waiting"}

    told = member_client.post(f"{URL}1/change/", mine)
    assert told.status_code == 409
    assert {"Money moved twice", "Paid twice", "Waiting"} <= set(shown(told))
    chosen = {"version": 2, "choose-title": "now", "choose-status": "yours"}
    member_client.post(f"{URL}1/change/", mine | chosen)

    now = services.values(queries.find_ticket(project, 1))
    assert (now.title, now.status, now.severity) == ("Money moved twice", Status.WAITING, 4)


def shown(answer) -> list[str]:
    choices = answer.context["conflict"].choices
    return [value for choice in choices for value in (choice.now, choice.yours)]


def test_a_ticket_is_moved_on_the_board_and_the_board_is_shown_again(
    member_client, project, session
):
    make_ticket(project, session)
    move = {"version": 1, "status": "done", "back": "list", "query": "board=on"}

    answer = member_client.post(f"{URL}1/change/", move)

    assert answer.headers["Location"] == f"{URL}?board=on#ticket-1"
    [done] = [column for column in board(member_client) if column["status"] == Status.DONE]
    assert [row.ticket.number for row in done["rows"]] == [1]


def board(client):
    return client.get(f"{URL}?board=on").context["columns"]


def test_the_board_is_remembered_once_it_was_chosen(member_client, project, session):
    make_ticket(project, session)
    assert "columns" not in member_client.get(URL).context

    member_client.get(f"{URL}?board=on")

    assert "columns" in member_client.get(URL).context


def test_the_next_unclaimed_ticket_opens_and_is_held(member_client, project, session, member):
    make_ticket(project, session)

    answer = member_client.post(f"{URL}next/", follow=True)

    assert "yours until" in text(answer)
    member_client.post(f"{URL}1/claim/", {"release": "1"})
    assert not queries.find_ticket(project, 1).is_held


def test_those_without_content_see_that_there_is_a_ticket_and_no_word_of_it(
    sign_in, project, session
):
    make_ticket(project, session, description="card 4111")
    auditor = sign_in(make_membership(project.organization, role=Role.AUDITOR).user)

    for path in (URL, f"{URL}?board=on", f"{URL}1/"):
        page = text(auditor.get(path))
        assert "Ticket 1" in page
        assert "refunded" not in page
        assert "4111" not in page


def test_a_ticket_of_an_erased_session_says_so(member_client, project, session):
    make_ticket(project, session)
    store.erase(session, actor=SYSTEM)

    assert "was erased" in text(member_client.get(f"{URL}1/"))
    assert (
        member_client.post(f"{URL}1/change/", {"version": 1, "status": "done"}).status_code == 302
    )
    assert queries.find_ticket(project, 1).is_done


@pytest.mark.parametrize(
    "query", ["board=maybe", "status=lost", "severity=9", "limit=0", "cursor=x", "colour=red"]
)
def test_an_address_that_means_nothing_says_which_part(member_client, project, query):
    answer = member_client.get(f"{URL}?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in text(answer)


def test_opening_a_ticket_reads_what_was_told_of_it(sign_in, project, session, member):
    make_ticket(project, session, assignee=member)
    client = sign_in(member)
    assert "assigned a ticket to you" in text(client.get("/inbox/"))

    client.get(f"{URL}1/")

    assert text(client.get("/inbox/?unread=true")).count("assigned a ticket") == 0


def test_an_entry_of_the_inbox_leads_to_the_ticket_and_is_read(sign_in, project, session, member):
    make_ticket(project, session, assignee=member)
    client, entry = sign_in(member), member.inbox_entries.get()

    answer = client.get(f"/inbox/open/?entry={entry.pk}")

    assert answer.headers["Location"] == f"{URL}1/"
    assert member.inbox_entries.get().read_at is not None


def test_an_entry_of_somebody_else_leads_nowhere(sign_in, project, session, member, viewer):
    make_ticket(project, session, assignee=member)
    entry = member.inbox_entries.get()

    answer = sign_in(viewer).get(f"/inbox/open/?entry={entry.pk}")

    assert answer.headers["Location"] == "/inbox/"
    assert member.inbox_entries.get().read_at is None


def test_entries_are_marked_one_by_one_or_all_that_were_seen(sign_in, project, session, member):
    for _ in range(2):
        make_ticket(project, session, assignee=member)
    client = sign_in(member)
    newest, oldest = member.inbox_entries.order_by("-pk").values_list("pk", flat=True)

    client.post("/inbox/read/", {"entry": oldest})
    assert list(member.inbox_entries.filter(read_at=None).values_list("pk", flat=True)) == [newest]
    client.post("/inbox/read/", {"entry": oldest, "is_read": "0"})
    client.post("/inbox/read/", {"until": newest})
    assert not member.inbox_entries.filter(read_at=None).exists()


@pytest.mark.parametrize(("path", "most"), [(f"{URL}?board=off", 11), (f"{URL}?board=on", 12)])
def test_a_list_takes_as_many_queries_for_many_tickets_as_for_one(
    member_client, project, session, path, most, django_assert_max_num_queries
):
    for number in range(12):
        other = make_session(project, make_event(session=f"chat-{number}"))
        make_ticket(project, other)

    with django_assert_max_num_queries(most):
        assert member_client.get(path).status_code == 200


def test_sessions_with_an_unfinished_ticket_are_marked_in_their_list(
    member_client, project, session
):
    make_ticket(project, session)

    page = text(member_client.get("/o/acme/p/support-bot/sessions/?has_ticket=true"))
    assert "has an unfinished ticket" in page
    assert str(session.pk) in page
