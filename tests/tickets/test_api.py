from __future__ import annotations

import pytest

from apps.sessions.models import Event
from tests.factories import make_membership
from tests.sessions.factories import make_event, make_session
from tests.tickets.factories import make_ticket

URL = "/api/v1/tickets"
JSON = "application/json"


@pytest.fixture
def client(key_client, project):
    return key_client(project, "annotate", "read:content")


@pytest.fixture
def session(project):
    return make_session(project, make_event(name="pay"))


def sent(client, method, url, body=None, **headers):
    return getattr(client, method)(url, body, content_type=JSON, headers=headers)


def paths(answer) -> list[str]:
    return [error["path"] for error in answer.json()["errors"]]


def test_a_key_opens_a_ticket_about_a_step(client, session, member):
    step = Event.unscoped.get(session_id=session.pk).id.hex
    body = {
        "session": str(session.pk),
        "event": step,
        "title": "Paid twice",
        "severity": "high",
        "assignee": member.email,
        "due_on": "2026-12-01",
    }

    answer = sent(client, "post", URL, body)

    assert answer.status_code == 201
    assert answer.json().items() >= (body | {"number": 1, "version": 1, "status": "open"}).items()
    assert answer.headers["ETag"] == '"1"'
    assert client.get(answer.json()["url"]).status_code == 302


def test_the_same_post_with_one_idempotency_key_opens_one_ticket(client, project, session):
    body = {"session": str(session.pk), "title": "Paid twice"}

    answers = [sent(client, "post", URL, body, **{"Idempotency-Key": "a"}) for _ in range(2)]

    assert [answer.json()["number"] for answer in answers] == [1, 1]
    assert project.tickets.count() == 1
    # So that it ends with the session, too.
    assert project.answered_requests.get().session_id == session.pk


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 201),
        ("session", "01a1fef7-634e-7ccb-947d-d003fa6a0627"),
        ("event", "0" * 32),
        ("event", "no step"),
        ("severity", "awful"),
        ("assignee", "nobody@example.com"),
        ("due_on", "tomorrow"),
        ("due_on", "1066-10-14"),
        ("description", "a\x00b"),
    ],
)
def test_what_is_refused_is_named(client, session, field, value):
    body = {"session": str(session.pk), "title": "Paid twice", field: value}

    answer = sent(client, "post", URL, body)

    assert (answer.status_code, paths(answer)) == (400, [field])


def test_a_session_of_another_project_is_no_session_here(client, other_project):
    theirs = make_session(other_project)

    answer = sent(client, "post", URL, {"session": str(theirs.pk), "title": "x"})

    assert (answer.status_code, paths(answer)) == (400, ["session"])


def test_the_list_is_narrowed_and_goes_on_where_it_ended(client, project, member):
    for severity in (1, 3, 2, 3):
        make_ticket(project, severity=severity)
    make_ticket(project, assignee=member)

    def numbers(query):
        answer = client.get(f"{URL}?{query}").json()
        return [ticket["number"] for ticket in answer["results"]], answer["next"]

    assert numbers(f"assignee={member.email}")[0] == [5]
    assert numbers("severity=high&unclaimed=true")[0] == [4, 2]
    first, cursor = numbers("limit=2&sort=urgent")
    assert (first, numbers(f"limit=9&sort=urgent&cursor={cursor}")[0]) == ([2, 4], [3, 5, 1])
    first, cursor = numbers("limit=2")
    assert (first, numbers(f"limit=2&cursor={cursor}")[0]) == ([5, 4], [3, 2])


@pytest.mark.parametrize(
    "query",
    ["status=lost", "severity=9", "unclaimed=1", "sort=x", "session=1", "assignee=me", "q=1"],
)
def test_a_filter_that_is_none_is_refused_by_its_name(client, project, query):
    answer = client.get(f"{URL}?{query}")

    assert (answer.status_code, paths(answer)) == (400, [query.partition("=")[0]])


@pytest.mark.parametrize("cursor", ["x", "WzFd", "W251bGwsMSwyXQ", "WzEsInkiLDNd"])
@pytest.mark.parametrize("sort", ["newest", "urgent"])
def test_a_cursor_that_was_not_given_out_is_refused(client, project, cursor, sort):
    answer = client.get(f"{URL}?sort={sort}&cursor={cursor}")

    assert answer.status_code == 400 or (sort, cursor) == ("newest", "WzFd")


def test_a_stale_change_is_told_what_the_ticket_is_now(client, project):
    make_ticket(project)
    assert sent(client, "patch", f"{URL}/1", {"version": 1, "status": "done"}).status_code == 200

    answer = sent(client, "patch", f"{URL}/1", {"version": 1, "severity": "low"})

    assert (answer.status_code, answer.headers["ETag"]) == (409, '"2"')
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["ticket"]["status"] == "done"


def test_if_match_says_the_version_as_well(client, project):
    make_ticket(project)

    answer = sent(client, "patch", f"{URL}/1", {"severity": "low"}, **{"If-Match": '"1"'})

    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert paths(sent(client, "patch", f"{URL}/1", {"severity": "high"})) == ["version"]


def test_the_history_is_part_of_a_ticket(client, project):
    make_ticket(project)
    sent(client, "patch", f"{URL}/1", {"version": 1, "title": "Paid twice"})

    [act] = client.get(f"{URL}/1").json()["history"]
    assert act["changes"] == {"title": ["The agent refunded twice", "Paid twice"]}


def test_without_content_a_ticket_has_no_words(key_client, project):
    make_ticket(project, description="card 4111")
    client = key_client(project, "read:meta", "annotate")

    sent(client, "patch", f"{URL}/1", {"version": 1, "title": "Paid twice"})

    found = client.get(f"{URL}/1").json()
    assert (found["title"], found["description"], found["status"]) == (None, None, "open")
    assert found["history"][0]["changes"] == {}
    assert "refunded" not in client.get(URL).content.decode()


def test_a_key_that_may_only_annotate_reads_nothing_of_a_conflict(key_client, project):
    make_ticket(project)
    client = key_client(project, "annotate")
    sent(client, "patch", f"{URL}/1", {"version": 1, "status": "done"})

    answer = sent(client, "patch", f"{URL}/1", {"version": 1, "status": "open"})

    assert (answer.status_code, "ticket" in answer.json()) == (409, False)


def test_tickets_are_claimed_one_after_the_other_until_none_is_left(client, project):
    make_ticket(project)

    claimed = client.post(f"{URL}/next")
    assert claimed.json()["claim"]["by"] == "a key"
    assert client.post(f"{URL}/next").status_code == 204
    assert client.delete(f"{URL}/1/claim").json()["claim"] is None
    assert client.post(f"{URL}/1/claim").status_code == 200


@pytest.mark.parametrize("number", [0, 2, 10**12])
def test_a_number_that_no_ticket_has_is_not_found(client, project, number):
    make_ticket(project)

    assert client.get(f"{URL}/{number}").status_code == 404


def test_a_person_reads_and_marks_their_own_inbox(sign_in, project, member, viewer):
    make_ticket(project, assignee=member)
    client = sign_in(member)

    found = client.get("/api/v1/inbox").json()
    [entry] = found["results"]
    assert (entry["kind"], entry["ticket"], found["unread"]) == ("assignment", 1, 1)
    assert entry["url"] == "/o/acme/p/support-bot/tickets/1/"
    read = sent(client, "post", "/api/v1/inbox/read", {"ids": [entry["id"]]})
    assert read.json() == {"changed": 1, "unread": 0}
    assert client.get("/api/v1/inbox?unread=true").json()["results"] == []
    assert sign_in(viewer).get("/api/v1/inbox").json()["results"] == []


@pytest.mark.parametrize("body", [{}, {"ids": [1], "until": 1}, {"until": 1, "is_read": False}])
def test_marking_nothing_that_can_be_meant_is_refused(member_client, body):
    assert sent(member_client, "post", "/api/v1/inbox/read", body).status_code == 400


def test_a_key_has_no_inbox(client):
    assert client.get("/api/v1/inbox").status_code == 403


def test_what_is_closed_to_a_person_now_leads_nowhere(sign_in, project, other_project, member):
    make_ticket(project, assignee=member)
    make_membership(other_project.organization, member)
    project.organization.memberships.filter(user=member).delete()

    [entry] = sign_in(member).get("/api/v1/inbox").json()["results"]
    assert (entry["project"], entry["url"]) == (None, None)
