"""The endpoints that Langfuse's SDKs send to: projects, scores and the older ingestion."""

from __future__ import annotations

import base64
import itertools
import json
from decimal import Decimal

import pytest
from django.test import Client

from tests.factories import make_key
from tests.ingest.captures import captured
from tests.ingest.captures.replay import events_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
AT = "2026-03-04T05:06:07.250Z"
SCORES, INGESTION = "/api/public/scores", "/api/public/ingestion"


@pytest.fixture
def sender(project, key_client):
    return key_client(project, "ingest")


@pytest.fixture
def reader(project, key_client):
    return key_client(project, "read:content")


def send(sender, path, value):
    return sender.post(path, json.dumps(value), content_type="application/json")


def make_score(**fields):
    told = {"id": "score-1", "traceId": TRACE, "name": "helpful", "value": 1, "timestamp": AT}
    return told | fields


def make_thing(kind, number=1, **body):
    return {"id": f"thing-{number}", "type": kind, "timestamp": AT, "body": body}


def losses(project):
    return set(project.ingest_losses.values_list("reason", "source", "count"))


def test_the_key_is_told_its_project_as_the_sdk_asks_for_it(project):
    key, secret = make_key(project, ["ingest"])
    basic = base64.b64encode(f"{key.pk}:{secret}".encode()).decode()
    asked = next(one for one in captured("langfuse5") if one.method == "GET")

    answer = Client().get(asked.path, headers={"Authorization": f"Basic {basic}"})

    (told,) = answer.json()["data"]
    organization = {"id": str(project.organization.pk), "name": project.organization.name}
    assert (answer.status_code, told["name"]) == (200, project.name)
    assert told["organization"] == organization


def test_a_wrong_secret_is_refused_as_any_other(project):
    basic = base64.b64encode(b"1:phk_wrong").decode()

    answer = Client().get("/api/public/projects", headers={"Authorization": f"Basic {basic}"})

    assert answer.status_code == 401


def test_a_score_is_a_step_of_its_trace(project, sender, reader):
    score = make_score(observationId="00f067aa0ba902b7", comment="Well done", dataType="NUMERIC")

    answer = send(sender, SCORES, score)

    assert (answer.status_code, answer.json()) == (200, {"id": "score-1"})
    (event,) = events_of(reader, project.sessions.get())
    assert (event["kind"], event["name"], event["client_id"]) == ("evaluator", "helpful", "score-1")
    assert (event["trace"], event["client_parent"]) == (TRACE, "00f067aa0ba902b7")
    assert event["output"] == {"value": 1.0, "data_type": "NUMERIC", "comment": "Well done"}
    assert event["started_at"] == event["ended_at"] == "2026-03-04T05:06:07.250000Z"


@pytest.mark.parametrize(
    "value", [0.5, 0, True, "friendly", ""], ids=["part", "zero", "mark", "word", "no word"]
)
def test_a_score_keeps_its_value(project, sender, reader, value):
    send(sender, SCORES, [make_score(value=value)])

    (event,) = events_of(reader, project.sessions.get())
    assert event["output"]["value"] == value
    assert type(event["output"]["value"]) is (float if value in (0.5, 0) else type(value))


def test_a_score_of_a_session_alone_lies_in_that_session(project, sender, reader):
    send(sender, SCORES, [make_score(traceId=None, sessionId="trip-1")])

    (event,) = events_of(reader, project.sessions.get(external_id="trip-1"))
    assert (event["trace"], event["parent"]) == (None, None)


def test_a_score_sent_twice_is_one_and_a_later_one_of_its_id_counts(project, sender, reader):
    later = "2026-03-04T06:00:00Z"

    for value, at in ((1, AT), (1, AT), (0, later), (1, AT)):
        assert send(sender, SCORES, [make_score(value=value, timestamp=at)]).status_code == 200

    (event,) = events_of(reader, project.sessions.get())
    assert event["output"]["value"] == 0


def test_a_score_without_an_id_is_the_same_when_it_is_sent_again(project, sender, reader):
    for _ in range(2):
        send(sender, SCORES, [make_score(id=None)])

    assert len(events_of(reader, project.sessions.get())) == 1


def test_what_is_wrong_with_a_score_is_said_and_the_others_go_in(project, sender):
    wrong = [make_score(name=""), make_score(value=None), make_score(traceId=None), 7]

    answer = send(sender, SCORES, [*wrong, make_score()])

    told = answer.json()
    assert (answer.status_code, told["accepted"], told["rejected"]) == (207, 1, 4)
    assert "[0] name" in told["errors"][0]["message"]
    assert "value" in told["errors"][1]["message"]
    assert "sessionId" in told["errors"][2]["message"]
    assert losses(project) == {("invalid", "langfuse_scores", 4)}


def test_a_single_score_that_is_wrong_is_a_bad_request(project, sender):
    answer = send(sender, SCORES, make_score(value={"a": 1}))

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "value")
    assert not project.sessions.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 300, "application/json", 400),
        (b"[]", "text/plain", 415),
        (b"[" + b"1," * 5_001 + b"1]", "application/json", 413),
    ],
    ids=["cut", "no UTF-8", "too deep", "another type", "too many"],
)
@pytest.mark.parametrize("path", [SCORES, INGESTION])
def test_a_body_that_cannot_be_read_is_refused_and_counted(
    project, sender, path, body, content_type, status
):
    if path == INGESTION and status == 413:
        body = b'{"batch": ' + body + b"}"

    answer = sender.post(path, body, content_type=content_type)

    assert answer.status_code == status
    assert sum(count for _, _, count in losses(project)) == 1


OLDER = [
    make_thing("trace-create", 1, id="t1", name="turn", userId="u1", sessionId="trip-1",
               tags=["beta"], metadata={"plan": "pro"}, input="Hi", release="1.4.2"),
    make_thing("span-create", 2, id="s1", traceId="t1", name="search", startTime=AT,
               input={"q": "Oslo"}),
    make_thing("generation-create", 3, id="g1", traceId="t1", parentObservationId="s1",
               name="ask", startTime=AT, completionStartTime="2026-03-04T05:06:07.350Z",
               model="gpt-4o", modelParameters={"temperature": 0.2}, promptName="greet",
               promptVersion=3, input=[{"role": "user", "content": "Hi"}]),
    make_thing("generation-update", 4, id="g1", traceId="t1", endTime="2026-03-04T05:06:08Z",
               output={"role": "assistant", "content": "Hello"},
               usage={"input": 12, "output": 3, "total": 15, "unit": "TOKENS"}),
    make_thing("span-update", 5, id="s1", traceId="t1", endTime="2026-03-04T05:06:09Z",
               level="ERROR", statusMessage="No seat."),
    make_thing("event-create", 6, id="e1", traceId="t1", name="noted", startTime=AT),
    make_thing("trace-create", 7, id="t1", output="Hello"),
    make_thing("score-create", 8, id="c1", traceId="t1", name="tone", value="friendly"),
]  # fmt: skip


def seen(events):
    return {event["client_id"]: event for event in events}


def test_older_sdks_are_seen_whole(project, sender, reader):
    answer = send(sender, INGESTION, {"batch": OLDER})

    assert answer.status_code == 207
    assert {one["status"] for one in answer.json()["successes"]} == {201}
    assert len(answer.json()["successes"]) == len(OLDER)
    session = project.sessions.get(external_id="trip-1")
    found = seen(events_of(reader, session))
    kinds = {name: event["kind"] for name, event in found.items()}
    assert kinds == {
        "t1": "chain", "s1": "chain", "g1": "llm", "e1": "event", "c1": "evaluator",
    }  # fmt: skip
    assert [found[name]["client_parent"] for name in ("s1", "g1", "e1")] == ["t1", "s1", "t1"]
    trace = found["t1"]
    assert (trace["input"], trace["output"], trace["user"]) == ("Hi", "Hello", "u1")
    assert (trace["tags"], trace["metadata"]) == (["beta"], {"plan": "pro"})


def test_what_was_made_and_what_was_updated_are_one_step(project, sender, reader):
    send(sender, INGESTION, {"batch": OLDER})

    found = seen(events_of(reader, project.sessions.get(external_id="trip-1")))
    call, step = found["g1"], found["s1"]
    assert call["input"] == {"messages": [{"role": "user", "content": "Hi"}]}
    assert call["output"] == {"messages": [{"role": "assistant", "content": "Hello"}]}
    assert (call["usage"]["input"], call["usage"]["output"]) == (12, 3)
    assert Decimal(call["cost"]) > 0
    assert (call["time_to_first_token_ms"], call["status"]) == (100.0, "ok")
    assert call["prompt"] == {"name": "greet", "version": 3}
    assert (step["status"], step["error"]["message"]) == ("error", "No seat.")
    assert (step["input"], step["duration_ms"]) == ({"q": "Oslo"}, 1750.0)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_the_order_of_requests_does_not_matter(project, sender, reader, order):
    parts = [OLDER[:2], OLDER[2:3], OLDER[3:5], OLDER[5:]]

    for index in order:
        send(sender, INGESTION, {"batch": parts[index]})

    session = project.sessions.get(external_id="trip-1", merged_into=None)
    found = seen(events_of(reader, session))
    assert len(found) == 5
    assert (found["g1"]["model"], found["g1"]["usage"]["input"]) == ("gpt-4o", 12)
    assert (found["s1"]["name"], found["s1"]["status"]) == ("search", "error")


def test_each_wrong_thing_is_named_by_its_id_and_the_others_go_in(project, sender):
    things = [
        make_thing("mystery-create", 1, id="x"),
        make_thing("generation-create", 2, id="g"),
        make_thing("span-update", 3, traceId="t1"),
        make_thing("generation-create", 4, id="g", traceId="t1", startTime="yesterday"),
        make_thing("span-create", 5, id="s", traceId="t1", name="n" * 600),
        {"id": "thing-6", "type": "span-create"},
        make_thing("span-create", 7, id="s", traceId="t1"),
        make_thing("sdk-log", 8, log="nothing of a session"),
    ]

    answer = send(sender, INGESTION, {"batch": things}).json()

    errors = {one["id"]: one["message"] for one in answer["errors"]}
    assert sorted(errors) == [f"thing-{number}" for number in range(1, 7)]
    assert "type" in errors["thing-1"]
    assert "traceId" in errors["thing-2"]
    assert "startTime" in errors["thing-4"]
    assert "512" in errors["thing-5"]
    assert {one["id"] for one in answer["successes"]} == {"thing-7", "thing-8"}
    assert losses(project) == {("invalid", "langfuse_ingestion", 6)}


def test_the_sdk_is_known_by_its_own_headers(project, sender):
    headers = {
        "X-Langfuse-Sdk-Name": "python",
        "X-Langfuse-Sdk-Version": "5.0.4",
        "User-Agent": "python-httpx/0.28.1",
    }

    sender.post(SCORES, json.dumps([make_score()]), "application/json", headers=headers)

    (client,) = project.ingest_clients.values_list("name", "version", "source")
    assert client == ("langfuse-sdk", "5.0.4", "langfuse_scores")


@pytest.mark.parametrize("version", ["9" * 10_000, "", "5.0 (beta)", "\u00e9"])
def test_whatever_version_an_sdk_says_it_has_its_scores_are_taken(project, sender, version):
    headers = {"X-Langfuse-Sdk-Name": "python", "X-Langfuse-Sdk-Version": version}

    answer = sender.post(SCORES, json.dumps([make_score()]), "application/json", headers=headers)

    assert answer.status_code == 200
    assert project.ingest_clients.get().name == "langfuse-sdk"


def test_a_version_in_the_body_may_be_anything_too(project, sender):
    for version in ("x" * 10_000, "\x00\ud800", 7, None, ""):
        body = {"batch": OLDER[:1], "metadata": {"sdk_version": version}}
        assert send(sender, INGESTION, body).status_code == 207


def test_a_score_comes_before_its_trace_and_finds_it(project, sender, reader):
    trace = captured("langfuse5")[2]
    scores = captured("langfuse5")[3]

    for one in (scores, trace):
        sender.generic("POST", one.path, one.body, headers=one.headers)

    session = project.sessions.get(external_id="trip-1", merged_into=None)
    kinds = [event["kind"] for event in events_of(reader, session)]
    assert kinds.count("evaluator") == 5


def test_what_is_said_in_a_score_is_masked_by_the_projects_policy(project, sender, reader):
    send(sender, SCORES, [make_score(comment="key sk-proj-" + "a1B2" * 12)])

    (event,) = events_of(reader, project.sessions.get())
    assert "a1B2" not in json.dumps(event)


def test_an_older_sdk_is_known_by_the_body_and_its_updates_are_timed(project, sender, reader):
    for one in captured("langfuse2"):
        if one.method == "POST":
            sender.generic("POST", one.path, one.body, headers=one.headers)

    assert {*project.ingest_clients.values_list("name", "version")} == {("langfuse-sdk", "2.60.10")}
    events = events_of(reader, project.sessions.get(external_id="trip-1"))
    answers = [event for event in events if event["name"] == "answer"]
    assert all(one["time_to_first_token_ms"] < one["duration_ms"] for one in answers)
    users = {(one["user"], one["release"]) for one in events if "user" in one}
    assert users == {("customer-17", "1.4.2")}
