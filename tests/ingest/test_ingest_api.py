from __future__ import annotations

import gzip
import json
from random import Random

import pytest
import zstandard
from django.db import connection, transaction
from drf_spectacular.generators import SchemaGenerator

from apps.core.database import APP_ROLE
from apps.ingest.losses import opened
from tests.ingest.factories import make_body, make_event

EVENTS = "/api/v1/events"


@pytest.fixture
def sender(project, key_client):
    """A client whose key may send."""
    return key_client(project, "ingest")


def send(client, body, **headers):
    return client.post(EVENTS, body, content_type="application/json", headers=headers)


def test_an_event_is_committed_and_can_be_read_back(project, sender, key_client):
    said = {"messages": [{"role": "user", "content": "Where is my parcel?"}]}

    answer = send(sender, make_body(make_event(kind="llm", input=said)))

    assert (answer.status_code, answer.json()) == (
        200,
        {"accepted": 1, "duplicates": 0, "rejected": []},
    )
    session = project.sessions.get(external_id="chat-1")
    reader = key_client(project, "read:content")
    (event,) = reader.get(f"/api/v1/sessions/{session.pk}/events").json()["results"]
    assert (event["client_id"], event["input"]) == ("e1", said)


def test_an_event_sent_again_is_a_duplicate(sender):
    send(sender, make_body(make_event()))

    answer = send(sender, make_body(make_event(), make_event(id="e2"), make_event()))

    assert answer.json()["accepted"] == 1
    assert answer.json()["duplicates"] == 2


def test_an_event_sent_with_more_fields_completes_the_first(project, sender, key_client):
    send(sender, make_body(make_event()))

    answer = send(sender, make_body(make_event(output="done", ended_at="2026-03-04T05:06:09Z")))

    assert answer.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    session = project.sessions.get(external_id="chat-1")
    reader = key_client(project, "read:content")
    (event,) = reader.get(f"/api/v1/sessions/{session.pk}/events").json()["results"]
    assert (event["output"], event["duration_ms"]) == ("done", 2000)


@pytest.mark.parametrize("events", [[make_event(kind="zebra"), make_event()], [{}]])
def test_refused_events_are_told_with_207_and_every_event_is_counted(sender, events):
    answer = send(sender, make_body(*events))

    assert answer.status_code == 207
    told = answer.json()
    assert told["accepted"] + told["duplicates"] + len(told["rejected"]) == len(events)
    assert told["rejected"][0].keys() == {"index", "path", "message"}


def test_a_body_that_cannot_be_read_is_a_400_with_the_path(sender):
    answer = send(sender, b'{"event": []}')

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["path"] == "events"


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)]
)
def test_a_packed_body_is_taken(sender, encoding, pack):
    answer = send(sender, pack(make_body(make_event())), **{"Content-Encoding": encoding})

    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x", {"Content-Encoding": "br"}, 415),
        (b"x", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(bytes(30 << 20), mtime=0), {"Content-Encoding": "gzip"}, 413),
        (b'{"events": [' + b" " * (20 << 20), {}, 413),
        (b"[" * 1000, {}, 400),
    ],
    ids=["unknown encoding", "broken gzip", "a bomb", "too large", "too deep"],
)
def test_a_body_outside_of_the_limits_is_refused_with_the_reason(sender, body, headers, status):
    answer = send(sender, body, **headers)

    assert answer.status_code == status
    assert answer.json()["detail"]


def test_another_content_type_is_a_415(sender):
    answer = sender.post(EVENTS, b"a=1", content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 415


def test_an_unknown_query_parameter_is_named(sender):
    answer = sender.post(f"{EVENTS}?dry_run=1", make_body(), content_type="application/json")

    assert answer.status_code == 400
    assert "dry_run" in answer.content.decode()


def test_a_key_without_the_scope_may_not_send(project, key_client):
    assert send(key_client(project, "read:content"), make_body(make_event())).status_code == 403


def test_nobody_may_send_without_a_key(client, db):
    assert send(client, make_body(make_event())).status_code == 401


def test_the_same_ids_in_another_project_are_other_events(
    project, other_project, sender, key_client
):
    send(sender, make_body(make_event()))

    answer = send(key_client(other_project, "ingest"), make_body(make_event()))

    assert answer.json()["accepted"] == 1
    assert other_project.sessions.count() == project.sessions.count() == 1


def test_the_environment_of_the_key_wins(project, key_client):
    sender = key_client(project, "ingest", environment="production")

    send(sender, make_body(make_event(environment="laptop")))

    assert project.sessions.get().environment == "production"


def test_health_tells_what_came_in_and_what_did_not(sender):
    sender.post(
        EVENTS,
        make_body(make_event(), make_event(), make_event(kind="zebra"), make_event(id="2", mood=1)),
        content_type="application/json",
        headers={"User-Agent": "weather-agent/1.2 (linux)"},
    )
    send(sender, b"{")

    told = sender.get("/api/v1/ingest/health").json()

    assert (told["accepted"], told["duplicates"], told["unmapped"]) == (2, 1, 1)
    assert told["refused"] == {"invalid": 1}
    assert told["refused_requests"] == {"request_unreadable": 1}
    seen = {client["user_agent"]: client for client in told["clients"]}
    assert seen["weather-agent"]["version"] == "1.2"
    assert told["late"] == 3
    assert told["lag_ms"] is not None


def test_the_request_id_is_taken_and_returned(sender):
    answer = send(sender, make_body(make_event()), **{"X-Request-Id": "req-9f"})

    assert answer["X-Request-Id"] == "req-9f"


def test_a_person_may_send_to_a_project_that_they_name(project, member_client):
    named = f"{project.organization.slug}/{project.slug}"

    answer = member_client.post(
        f"{EVENTS}?project={named}", make_body(make_event()), content_type="application/json"
    )

    assert answer.json()["accepted"] == 1


def test_the_openapi_document_describes_the_event_as_it_is_read():
    document = SchemaGenerator().get_schema(public=True)

    body = document["paths"]["/api/v1/events"]["post"]["requestBody"]["content"]
    event = body["application/json"]["schema"]["properties"]["events"]["items"]
    assert event["required"] == ["id", "session", "kind", "started_at"]
    assert "llm" in event["properties"]["kind"]["enum"]


def test_an_event_sent_again_at_another_place_of_a_request_is_a_duplicate(sender):
    send(sender, make_body(make_event(id="e0"), make_event(id="e1"), make_event(id="e2")))

    answer = send(sender, make_body(make_event(id="e2"), make_event(id="e1")))

    assert answer.json() == {"accepted": 0, "duplicates": 2, "rejected": []}


def test_a_database_that_takes_no_writes_is_a_503_to_come_back_to(sender):
    send(sender, make_body(make_event()))
    before = transaction.savepoint()
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")

    answer = send(sender, make_body(make_event(id="e2")))
    transaction.savepoint_rollback(before)

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0


def test_a_sample_of_what_was_refused_is_kept_and_cannot_be_read_without_the_key(project, sender):
    send(sender, make_body(make_event(kind="zebra", output="a secret")))

    (loss,) = project.ingest_losses.all()
    assert (loss.reason, loss.source, loss.count) == ("invalid", "events", 1)
    assert b"secret" not in bytes(loss.sample)
    wrong, _, sent = opened(project, bytes(loss.sample)).partition("\n")
    assert wrong.startswith("kind: Must be one of llm")
    assert json.loads(sent)["output"] == "a secret"


def test_the_longest_words_that_are_allowed_can_be_indexed(sender):
    random = Random(7)
    word = "".join(chr(random.randrange(0x1F300, 0x1F6FF)) for _ in range(512))
    names = "session lane name model model_returned provider agent request_id response_id user"
    fields = dict.fromkeys([*names.split(), "user_role", "environment", "release"], word)
    fields |= {"tags": [word], "stamps": {word[:200]: word}, "outcome": {"status": "failure"}}
    fields["prompt"] = {"name": word, "version": word[::-1]}
    fields["error"] = {"type": word, "code": word}
    fields["outcome"]["code"] = word

    events = [make_event(id=word, trace=word, kind=kind, **fields) for kind in ("llm", "tool")]
    answer = send(sender, make_body(*events))

    assert answer.status_code == 200, answer.content


REFUSE_POISON = """
CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.client_id LIKE 'poison%' THEN RAISE numeric_value_out_of_range; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_poison BEFORE INSERT ON agent_sessions_event
    FOR EACH ROW EXECUTE FUNCTION refuse_poison();
"""


def test_what_only_the_database_refuses_is_refused_alone(project, sender):
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE NONE; {REFUSE_POISON}; SET ROLE {APP_ROLE}")
    events = [make_event(id=name) for name in ("e0", "poison 1", "e2", "e3", "poison 2")]

    answer = send(sender, make_body(*events))

    assert (answer.status_code, answer.json()["accepted"]) == (207, 3)
    assert [one["index"] for one in answer.json()["rejected"]] == [1, 4]
    assert project.sessions.get().event_count == 3
    health = sender.get("/api/v1/ingest/health").json()
    assert (health["accepted"], health["refused"]) == (3, {"unstorable": 2})
