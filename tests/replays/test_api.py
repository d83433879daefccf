"""Replays over HTTP."""

from __future__ import annotations

import json

import pytest

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.tenants import grants
from tests.factories import make_membership, make_project
from tests.replays.reporting import SECRET, make_divergence, make_original, make_replay, make_report

REPLAYS = "/api/v1/replays"
REPORTS = f"{REPLAYS}/reports"
DEEP = "report.divergences[0]"


def post(client, body, **headers):
    sent = body if isinstance(body, str) else json.dumps(body)
    return client.post(REPORTS, sent, content_type="application/json", headers=headers)


def get(client, path=REPLAYS, **query):
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def with_divergence(**fields):
    return {"report": {"divergences": [make_divergence(**fields)]}}


def with_share(**shares):
    return {"report": shares}


def test_a_report_is_answered_the_same_however_often_it_comes(project, key_client):
    original, client, body = make_original(project), key_client(project, "ingest"), make_report()

    first, again = post(client, body), post(client, body)

    assert (first.status_code, again.status_code) == (201, 200)
    replay = project.replays.get()
    told = first.json()
    assert told == again.json()
    assert (told["session"], told["replay_of"]) == (str(replay.session_id), str(original.pk))
    assert told["url"].endswith(f"/o/acme/p/support-bot/replays/{replay.pk}/")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id": "A" * 32}, "id"),
        ({"id": "a" * 32 + "\n"}, "id"),
        ({"session": "a\x00"}, "session"),
        ({"session": "x" * 513}, "session"),
        ({"status": "done"}, "status"),
        ({"status": "running"}, "report"),
        ({"origin": "live"}, "origin"),
        ({"colour": 1}, "colour"),
        ({"plan": {"colour": 1}}, "plan.colour"),
        ({"started_at": "2026-11-20T09:00:00"}, "started_at"),
        ({"started_at": "1066-10-14T09:00:00Z"}, "started_at"),
        ({"ended_at": "9999-12-31T23:59:59Z"}, "ended_at"),
        (with_share(coverage=1e308), "report.coverage"),
        (with_share(fidelity="1"), "report.fidelity"),
        (with_share(calls=2**63), "report.calls"),
        (with_share(calls=True), "report.calls"),
        (with_share(left_out=2**31), "report.left_out"),
        (with_divergence(step=2**63), f"{DEEP}.step"),
        (with_divergence(kind="<b>"), f"{DEEP}.kind"),
        (with_divergence(says="x" * 20_001), f"{DEEP}.says"),
        (with_divergence(differences=[{"path": "/"}] * 201), f"{DEEP}.differences"),
        ({"report": {"divergences": [make_divergence()] * 1001}}, "report.divergences"),
    ],
)
def test_a_report_that_is_wrong_is_refused_by_the_name_of_its_field(
    project, key_client, fields, path
):
    answer = post(key_client(project), make_report(**fields))

    assert answer.status_code == 400, answer.content
    assert [error["path"] for error in answer.json()["errors"]] == [path]
    assert not project.sessions.exists()


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "{", '{"id": NaN}', '{"id": 1e999}'])
def test_what_is_no_report_is_refused(project, key_client, body):
    assert post(key_client(project), body).status_code == 400


def test_a_replay_of_itself_cannot_be(project, key_client):
    make_original(project)

    assert post(key_client(project), make_report(name="chat-1")).status_code == 422


def test_another_report_of_a_replay_that_ended_is_a_conflict(project, key_client):
    body, client = make_report(), key_client(project)
    post(client, body)

    answer = post(client, body | with_share(fidelity=1.0))

    assert (answer.status_code, project.replays.get().fidelity) == (409, 0.9)


def test_a_key_that_repeats_a_report_is_given_its_first_answer(project, key_client):
    body, client, header = make_report(), key_client(project), {"Idempotency-Key": "once"}

    answers = [post(client, body, **header) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert post(client, make_report(), **header).status_code == 422


def test_one_replay_is_told_with_its_report_and_the_events_that_it_names(project, key_client):
    original, replay = make_original(project), make_replay(project)
    event = project.events.get(session_id=original.pk, client_id="call").id.hex

    told = get(key_client(project, "read:content"), f"{REPLAYS}/{replay.pk}")

    [divergence] = told["report"]["divergences"]
    assert (divergence["event_id"], divergence["made_id"]) == (event, None)
    assert divergence["differences"][0]["expected"] == SECRET
    assert told["plan"]["match"] == "strict"
    assert (
        f"a={original.pk}@{event}&b={replay.session_id}"
        in (told["first_divergence"]["compare_url"])
    )


def test_reading_a_report_is_reading_both_sessions(project, key_client):
    original, replay = make_original(project), make_replay(project)

    get(key_client(project, "read:content"), f"{REPLAYS}/{replay.pk}")

    read = AuditEntry.unscoped.filter(act="session.read").values_list("object_ids", flat=True)
    assert list(read) == [sorted([str(original.pk), str(replay.session_id)])]


def test_numbers_are_told_without_the_right_to_content(project, key_client):
    make_original(project)
    replay = make_replay(project)
    client = key_client(project, "read:meta")

    told, [listed] = get(client, f"{REPLAYS}/{replay.pk}"), get(client)["results"]

    assert (told["fidelity"], listed["band"]) == (0.9, "drifted")
    assert (told["plan"], told["report"], told["error"]) == (None, None, None)
    assert SECRET not in json.dumps([told, listed])
    assert not AuditEntry.unscoped.filter(act="session.read").exists()


def test_the_list_is_narrowed_and_paged(project, key_client):
    original = make_original(project)
    replays = [make_replay(project) for _ in range(2)]
    fork = make_replay(project, session="elsewhere", origin="fork", report={"fidelity": 1.0})
    client = key_client(project, "read:meta")

    def ids(**query):
        return [row["id"] for row in get(client, **query)["results"]]

    both = [str(replay.pk) for replay in replays[::-1]]
    assert ids() == [str(fork.pk), *both]
    assert ids(session="chat-1") == ids(session=original.pk) == ids(band="drifted") == both
    assert ids(session="elsewhere") == ids(origin="fork") == ids(made=fork.session_id)
    assert ids(status="running") == ids(agent="nobody") == ids(session="nowhere") == []
    first = get(client, limit=2)
    assert ids(limit=2, cursor=first["next"]) == both[1:]
    for wrong in ({"colour": "red"}, {"band": "x"}, {"cursor": "WyJhIl0"}, {"limit": "0"}):
        assert client.get(REPLAYS, wrong).status_code == 400


def test_a_list_costs_the_same_however_long_it_is(
    project, key_client, django_assert_max_num_queries
):
    make_original(project)
    client = key_client(project, "read:content")
    for _ in range(3):
        make_replay(project)
    get(client)

    with django_assert_max_num_queries(12) as first:
        get(client, limit=1)
    with django_assert_max_num_queries(len(first.captured_queries)):
        get(client, limit=3)


def test_a_guest_of_one_session_is_told_of_no_other(project, sign_in):
    make_original(project)
    elsewhere = make_project(project.organization)
    person = make_membership(project.organization, project=elsewhere).user
    guest = sign_in(person)
    replay = make_replay(project)
    grants.grant_session(project, replay.session, person=person, actor=SYSTEM)
    path = f"/api/v1/sessions/{replay.session_id}"

    told = get(guest, path, project="acme/support-bot")

    assert (told["origin"], told["replay_of"], told["replays"]) == ("replay", None, None)
    place = {"project": "acme/support-bot"}
    for other in (REPLAYS, f"{REPLAYS}/{replay.pk}", f"{REPLAYS}/summary"):
        assert guest.get(other, place).status_code == 404


def test_a_session_says_how_often_it_was_replayed_and_what_it_is_a_replay_of(project, key_client):
    original = make_original(project)
    replay = make_replay(project)
    client = key_client(project, "read:meta")

    told = get(client, f"/api/v1/sessions/{original.pk}")
    made = get(client, f"/api/v1/sessions/{replay.session_id}")

    assert (told["replays"], told["fidelity"], told["fidelity_next"]) == (1, "E1", "E2")
    assert "set_state" in told["fidelity_missing"][0]
    assert (made["origin"], made["replay_of"]) == ("replay", str(original.pk))
    assert made["fidelity_missing"][0].startswith("No call")
