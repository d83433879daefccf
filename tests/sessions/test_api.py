from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.sessions import store
from apps.sessions.events import ErrorInfo, IncomingEvent, PromptStamp, Usage

START = datetime(2026, 11, 20, 3, 12, tzinfo=UTC)
SESSIONS = "/api/v1/sessions"


def make_event(number: int = 0, **fields) -> IncomingEvent:
    started = START + timedelta(seconds=number)
    given = {
        "id": f"e{number}",
        "session": "chat-1",
        "kind": "llm",
        "name": "plan",
        "started_at": started,
        "ended_at": started + timedelta(milliseconds=1500),
        "position": number,
    }
    return IncomingEvent(**given | fields)


def make_session(project, external_id="chat-1", events=3, **fields):
    made = [make_event(n, session=external_id, **fields) for n in range(events)]
    store.append(project, made)
    return project.sessions.get(external_id=external_id)


@pytest.fixture
def reads(project, key_client):
    """A client whose key reads content."""
    return key_client(project, "read:content")


@pytest.fixture
def reads_meta(project, key_client):
    return key_client(project, "read:meta")


def get(client, path, **query):
    response = client.get(path, query)
    assert response.status_code == 200, response.content
    return response.json()


def names(page):
    return [row["external_id"] for row in page["results"]]


def test_a_session_tells_its_times_sums_and_stamps(project, reads):
    usage = Usage(input=840, output=105, cache_read=128)
    make_session(project, model="gpt-4o", provider="openai", usage=usage, agent="support")

    row = get(reads, SESSIONS)["results"][0]

    assert row["external_id"] == "chat-1"
    assert row["started_at"] == "2026-11-20T03:12:00.000000Z"
    assert row["events"] == 3
    assert row["counts"] == {"llm": 3}
    assert row["usage"]["input"] == 2520
    assert row["usage"]["reasoning"] is None
    assert Decimal(row["cost"]) > 0
    assert row["stamps"]["models"] == ["gpt-4o"]
    assert get(reads, f"{SESSIONS}/{row['id']}").items() >= row.items()


def test_events_come_in_order_in_the_shape_in_which_they_were_sent(project, reads):
    session = make_session(project, input={"messages": [{"role": "user", "content": "hé"}]})

    page = get(reads, f"{SESSIONS}/{session.pk}/events")

    assert [row["seq"] for row in page["results"]] == [1, 2, 3]
    assert [row["client_id"] for row in page["results"]] == ["e0", "e1", "e2"]
    assert page["results"][0]["input"] == {"messages": [{"role": "user", "content": "hé"}]}
    assert page["results"][0]["duration_ms"] == 1500
    assert page["next"] is None


def test_pages_of_events_and_of_sessions_join_without_gap_or_overlap(project, reads):
    session = make_session(project, events=7)
    for number in range(5):
        make_session(project, f"other-{number}", events=1)

    events, sessions = [], []
    for path, found, limit in (
        (f"{SESSIONS}/{session.pk}/events", events, 3),
        (SESSIONS, sessions, 2),
    ):
        page = get(reads, path, limit=limit)
        found += page["results"]
        while page["next"]:
            page = get(reads, path, limit=limit, cursor=page["next"])
            found += page["results"]

    assert [row["seq"] for row in events] == list(range(1, 8))
    assert len({row["id"] for row in sessions}) == len(sessions) == 6


def test_metadata_alone_needs_no_right_to_content_and_holds_none(project, reads_meta):
    session = make_session(project, input="a secret")
    path = f"{SESSIONS}/{session.pk}"

    assert "a secret" not in reads_meta.get(f"{path}/events?fields=meta").content.decode()
    assert get(reads_meta, path)["title"] is None
    assert reads_meta.get(f"{path}/events").status_code == 403
    assert reads_meta.get(f"{path}/state?at=1").status_code == 403


def test_reading_content_is_written_down_with_who_read_it(project, reads):
    session = make_session(project)

    get(reads, f"{SESSIONS}/{session.pk}/events")

    entry = AuditEntry.unscoped.get(act="session.read")
    assert entry.actor_kind == "key"
    assert entry.object_ids == [str(session.pk)]


def test_one_event_is_found_by_playheads_id_with_its_raw_attributes(project, reads):
    session = make_session(project, extra={"attributes": {"a.b": 1}}, error=ErrorInfo(type="X"))
    listed = get(reads, f"{SESSIONS}/{session.pk}/events")["results"][0]

    event = get(reads, f"{SESSIONS}/{session.pk}/events/{listed['id']}")

    assert "raw" not in listed
    assert event["raw"] == {"attributes": {"a.b": 1}}
    assert event["error"]["type"] == "X"
    assert reads.get(f"{SESSIONS}/{session.pk}/events/{'0' * 32}").status_code == 404


def test_raw_attributes_of_all_events_come_on_demand(project, reads):
    session = make_session(project, extra={"attributes": {"a.b": 1}})

    page = get(reads, f"{SESSIONS}/{session.pk}/events", raw="1")

    assert [row["raw"] for row in page["results"]] == [{"attributes": {"a.b": 1}}] * 3


def test_a_session_of_one_step_without_an_end_has_no_known_duration(project, reads):
    make_session(project, events=1, ended_at=None)

    assert get(reads, SESSIONS)["results"][0]["duration_ms"] is None


def test_state_is_folded_up_to_the_step_asked_for(project, reads):
    store.append(
        project,
        [
            make_event(0, kind="state", state={"order": {"status": "paid"}}),
            make_event(
                1,
                kind="state",
                state_patch=[{"op": "replace", "path": "/order/status", "value": "refunded"}],
            ),
        ],
    )
    session = project.sessions.get()

    after = get(reads, f"{SESSIONS}/{session.pk}/state", at=2)

    assert list(after["state"].values()) == [{"order": {"status": "refunded"}}]
    change = {"path": "/order/status", "op": "replace", "before": "paid", "after": "refunded"}
    assert after["changes"] == [change]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"external_id": "b"}, ["b"]),
        ({"environment": "staging"}, ["b"]),
        ({"status": "error"}, ["b"]),
        ({"status": "ok"}, ["c", "a"]),
        ({"status": "open"}, ["c", "b", "a"]),
        ({"kind": "tool"}, ["b"]),
        ({"model": "gpt-4o"}, ["c", "a"]),
        ({"model": "gpt-4o", "tag": "vip"}, ["c"]),
        ({"prompt": "triage"}, ["c"]),
        ({"prompt": "triage", "prompt_version": "7"}, ["c"]),
        ({"prompt_version": "triage@8"}, []),
        ({"user": "customer-17"}, ["c"]),
        ({"error": "TimeoutError"}, ["b"]),
        ({"started_after": "2026-11-20T03:12:10Z"}, ["c", "b"]),
        ({"started_before": "2026-11-20T03:12:10Z"}, ["a"]),
        ({"min_cost": "0.1"}, ["a"]),
        ({"max_cost": "0.1"}, ["c"]),
        ({"min_duration_ms": "2000"}, []),
        ({"origin": "import"}, []),
        ({"has_ticket": "true"}, []),
        ({"sort": "started"}, ["a", "b", "c"]),
        ({"sort": "-cost"}, ["a", "c", "b"]),
        ({"sort": "-errors"}, ["b", "c", "a"]),
    ],
    ids=str,
)
def test_the_list_can_be_narrowed_and_sorted(project, reads, query, found):
    store.append(
        project,
        [
            make_event(0, id="a", session="a", model="gpt-4o", cost=Decimal("0.5")),
            make_event(
                20,
                id="b",
                session="b",
                kind="tool",
                environment="staging",
                status="error",
                error=ErrorInfo(type="TimeoutError"),
            ),
            make_event(
                40,
                id="c",
                session="c",
                model="gpt-4o",
                cost=Decimal("0.05"),
                tags=["vip"],
                user="customer-17",
                prompt=PromptStamp(name="triage", version=7),
            ),
        ],
    )

    assert names(get(reads, SESSIONS, **query)) == found


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"colour": "red"}, "colour"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"started_after": "yesterday"}, "started_after"),
        ({"started_after": "2026-11-20T03:12:10"}, "started_after"),
        ({"min_cost": "NaN"}, "min_cost"),
        ({"min_cost": "-1"}, "min_cost"),
        ({"sort": "colour"}, "sort"),
        ({"status": "broken"}, "status"),
        ({"model": "a\x00b"}, "model"),
        ({"prompt_version": "7"}, "prompt_version"),
    ],
    ids=str,
)
def test_a_query_that_cannot_be_read_names_its_parameter(project, reads, query, path):
    response = reads.get(SESSIONS, query)

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["path"] == path


def test_another_projects_session_is_not_found(other_project, reads):
    theirs = make_session(other_project)

    for path in ("", "/events", "/state?at=1", f"/events/{'0' * 32}"):
        assert reads.get(f"{SESSIONS}/{theirs.pk}{path}").status_code == 404
    assert get(reads, SESSIONS)["results"] == []


def test_a_session_that_does_not_exist_is_not_found(reads):
    assert reads.get(f"{SESSIONS}/{uuid4()}").status_code == 404


def test_a_trace_that_names_its_session_late_redirects_to_it(project, reads):
    store.append(project, [make_event(0, id="s1", session=None, trace="t" * 32)])
    first = project.sessions.get()
    store.append(project, [make_event(1, id="s2", session="chat-1", trace="t" * 32)])
    joined = project.sessions.get(external_id="chat-1")

    response = reads.get(f"{SESSIONS}/{first.pk}/events?fields=meta")

    assert response.status_code == 308
    assert response["Location"] == f"{SESSIONS}/{joined.pk}/events?fields=meta"
    assert names(get(reads, SESSIONS)) == ["chat-1"]


def test_a_person_reads_through_the_browser_session_and_names_the_project(
    project, member_client, stranger_client
):
    make_session(project)
    named = {"project": f"{project.organization.slug}/{project.slug}"}

    assert len(get(member_client, SESSIONS, **named)["results"]) == 1
    assert member_client.get(SESSIONS).status_code == 400
    assert stranger_client.get(SESSIONS, named).status_code == 404


def test_the_cost_of_a_list_does_not_grow_with_its_length(
    project, reads, django_assert_max_num_queries
):
    for number in range(30):
        make_session(project, f"chat-{number}", events=2, model="gpt-4o", input="hello")
    get(reads, SESSIONS)

    with django_assert_max_num_queries(14):
        assert len(get(reads, SESSIONS, model="gpt-4o")["results"]) == 30


def test_an_ingest_key_reads_nothing(project, key_client):
    assert key_client(project, "ingest").get(SESSIONS).status_code == 403
