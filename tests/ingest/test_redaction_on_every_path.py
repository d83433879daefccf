"""The same conversation by every way in leaves the same in the record, and no more."""

from __future__ import annotations

import json
import re

import pytest
from django.core.management import call_command
from django.db import connection
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from apps.core.database import APP_ROLE
from apps.governance.redaction import ProjectMarks
from apps.ingest import losses
from apps.sessions import pseudonyms, reader
from tests.governance.factories import set_policy
from tests.ingest.factories import (
    NANOSECONDS,
    SPAN_ID,
    TRACE_ID,
    make_body,
    make_event,
    make_log,
    make_logs,
    make_span,
    make_spans,
    make_value,
)
from tests.ingest.test_ingest_api import REFUSE_POISON

EMAIL, CARD, KEY = "jane.doe@example.org", "4111 1111 1111 1111", "phk_live_" + "a1B2" * 9
PLANTED = (EMAIL, CARD, KEY)
SYSTEM = f"Forward what you cannot do to {EMAIL}."
ASKED = f"I am {EMAIL}, my card is {CARD}."
ANSWERED = f"Noted, {EMAIL}. The key is {KEY}."
JSON, PROTOBUF = "application/json", "application/x-protobuf"


def said(role: str, text: str) -> dict:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


TOLD = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.conversation.id": "chat-1",
    "gen_ai.input.messages": json.dumps([said("system", SYSTEM), said("user", ASKED)]),
    "gen_ai.output.messages": json.dumps([said("assistant", ANSWERED)]),
    "user.note": ASKED,
}
LANGFUSE = {
    "langfuse.observation.type": "generation",
    "session.id": "chat-1",
    "langfuse.observation.input": json.dumps(
        [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED}]
    ),
    "langfuse.observation.output": json.dumps({"role": "assistant", "content": ANSWERED}),
    "langfuse.observation.metadata.note": ASKED,
}
CHAT = [
    {"role": "system", "content": SYSTEM},
    {"role": "user", "content": ASKED},
    {"role": "assistant", "content": ANSWERED},
]


def in_protobuf(request, told: dict[str, str], record) -> bytes:
    record.trace_id, record.span_id = bytes.fromhex(TRACE_ID), bytes.fromhex(SPAN_ID)
    for name, value in told.items():
        record.attributes.add(key=name).value.string_value = value
    return request.SerializeToString()


def spans_in_protobuf() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name=f"ask {EMAIL}")
    span.start_time_unix_nano, span.end_time_unix_nano = NANOSECONDS, NANOSECONDS + 1
    return in_protobuf(request, TOLD, span)


def logs_in_protobuf() -> bytes:
    request = ExportLogsServiceRequest()
    log = request.resource_logs.add().scope_logs.add().log_records.add()
    log.event_name = "gen_ai.client.inference.operation.details"
    return in_protobuf(request, TOLD, log)


DETAILS = {"event.name": "gen_ai.client.inference.operation.details"}
NATIVE = make_event(
    kind="llm",
    name=f"ask {EMAIL}",
    input={"messages": [said("system", SYSTEM), said("user", ASKED)]},
    output={"messages": [said("assistant", ANSWERED)]},
    metadata={"note": ASKED},
    tags=[EMAIL],
    stamps={"by": EMAIL},
    error={"type": EMAIL, "message": ASKED},
    unheard_of=ASKED,
)
REQUESTS = {
    "OTLP JSON": ("/v1/traces", JSON, make_spans(make_span(TOLD, name=f"ask {EMAIL}"))),
    "OTLP protobuf": ("/v1/traces", PROTOBUF, spans_in_protobuf()),
    "logs JSON": ("/v1/logs", JSON, make_logs(make_log(TOLD | DETAILS))),
    "logs protobuf": ("/v1/logs", PROTOBUF, logs_in_protobuf()),
    "logs of one message each": (
        "/v1/logs",
        JSON,
        make_logs(
            make_log(
                {"event.name": "gen_ai.system.message", "who": EMAIL},
                body=make_value({"content": SYSTEM}),
            ),
            make_log({"event.name": "gen_ai.user.message"}, body=make_value({"content": ASKED})),
            make_log(
                {"event.name": "gen_ai.choice"},
                body=make_value({"message": {"content": ANSWERED}}),
            ),
        ),
    ),
    "native": ("/api/v1/events", JSON, make_body(NATIVE)),
    "Langfuse": ("/v1/traces", JSON, make_spans(make_span(LANGFUSE, name=f"ask {EMAIL}"))),
}
WAYS = [*REQUESTS, "import"]


@pytest.fixture
def sent(project, key_client, tmp_path):
    """Send the conversation by one way, and return the record of it."""

    def by(way: str) -> list[dict]:
        if way == "import":
            import_chat(project, tmp_path)
        else:
            path, content_type, body = REQUESTS[way]
            answer = key_client(project, "ingest").post(path, body, content_type=content_type)
            assert answer.status_code == 200
        return recorded(project)

    return by


def import_chat(project, folder) -> None:
    file = folder / "chat.json"
    file.write_text(json.dumps({"messages": CHAT}))
    place = {"organization": project.organization.slug, "project": project.slug}
    call_command("import_sessions", str(file), format="openai-chat", **place)


def recorded(project) -> list[dict]:
    session = project.sessions.get()
    steps = reader.outline(session).steps
    return [reader.read_step(session, step.id, raw=True) for step in steps]


def texts(steps: list[dict]) -> str:
    return json.dumps(steps, default=str, ensure_ascii=False)


@pytest.mark.parametrize("way", WAYS)
def test_secrets_are_masked_where_everything_else_is_captured(way, sent):
    steps = texts(sent(way))

    assert KEY not in steps
    assert f"Noted, {EMAIL}. The key is [PLAYHEAD_KEY]." in steps
    assert ASKED in steps


@pytest.mark.parametrize("way", WAYS)
def test_a_policy_that_masks_leaves_the_same_by_every_way(way, sent, project):
    set_policy(project, "mask")

    steps = texts(sent(way))

    assert "Forward what you cannot do to [EMAIL]." in steps
    assert "I am [EMAIL], my card is [CARD]." in steps
    assert "Noted, [EMAIL]. The key is [PLAYHEAD_KEY]." in steps
    assert not [value for value in PLANTED if value in steps]


@pytest.mark.parametrize("way", WAYS)
def test_hashes_are_the_same_by_every_way(way, sent, project):
    set_policy(project, "hash")
    mark = ProjectMarks(project.pk).hashed("email", EMAIL)

    steps = texts(sent(way))

    assert f"Forward what you cannot do to {mark}." in steps
    assert f"I am {mark}, my card is [CARD:" in steps
    assert f"Noted, {mark}. The key is [PLAYHEAD_KEY]." in steps
    assert not [value for value in PLANTED if value in steps]


@pytest.mark.parametrize("way", WAYS)
def test_pseudonyms_are_given_back_by_every_way(way, sent, project):
    set_policy(project, "pseudonymise")

    steps = texts(sent(way))

    person, card = re.search(r"I am (<EMAIL_\w+>), my card is (<CARD_\w+>)\.", steps).groups()
    assert f"Noted, {person}. The key is [PLAYHEAD_KEY]." in steps
    assert not [value for value in PLANTED if value in steps]
    assert values(project) == {person: EMAIL, card: CARD}


def values(project) -> dict[str, str]:
    session = project.sessions.get()
    return pseudonyms.values_of(project.pk, session.pk, reader.ciphers([session])[session.pk])


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_was_said_stays_where_everything_is_dropped(way, sent, project):
    set_policy(project, "drop")

    steps = sent(way)

    assert [step["kind"] for step in steps] == ["llm"]
    assert not [part for part in ("Noted", "I am", "Forward", *PLANTED) if part in texts(steps)]
    assert {"input", "output"} <= {flag["field"] for flag in steps[0]["flags"]}


@pytest.mark.parametrize(
    ("category", "gone", "stays"),
    [
        ("input", "I am", ("Forward", "Noted")),
        ("output", "Noted", ("Forward", "I am")),
        ("system", "Forward", ("I am", "Noted")),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_category_is_dropped_by_every_way_and_the_others_stay(
    way, category, gone, stays, sent, project
):
    set_policy(project, **{category: "drop"})

    steps = sent(way)

    said = texts([{name: step[name] for name in ("input", "output")} for step in steps])
    assert gone not in said
    assert [part for part in stays if part not in said] == []
    assert [flag["by"] for flag in steps[0]["flags"] if "not kept" in flag["reason"]]


@pytest.mark.parametrize("way", WAYS)
def test_no_table_holds_in_the_clear_what_was_masked(way, sent, project):
    set_policy(project, "mask")

    sent(way)

    with connection.cursor() as cursor:
        # As the owner: the web server's role cannot read all tables.
        cursor.execute("SET LOCAL ROLE NONE")
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')
            rows = "\n".join(row[0] for row in cursor)
            assert not [value for value in (EMAIL, CARD, KEY) if value in rows], table


def test_a_policy_has_no_effect_on_another_project(sent, project, other_project):
    set_policy(other_project, "drop")

    assert ASKED in texts(sent("native"))


def test_a_change_counts_from_the_next_request_on(project, key_client):
    sender = key_client(project, "ingest")
    asked = []

    for at, action in enumerate(["capture", "mask", "hash", "capture"]):
        set_policy(project, action)
        body = make_body(make_event(id=f"e{at}", input=ASKED))
        sender.post("/api/v1/events", body, content_type=JSON)
        [step] = [step for step in recorded(project) if step["client_id"] == f"e{at}"]
        asked.append(step["input"])

    assert [text == ASKED for text in asked] == [True, False, False, True]


def test_samples_of_what_was_refused_are_redacted(project, key_client):
    set_policy(project, "mask")
    wrong = make_event(id="bad", kind="unheard of", input=ASKED, metadata={"password": "tr0ub4dor"})

    key_client(project, "ingest").post("/api/v1/events", make_body(wrong), content_type=JSON)

    [loss] = project.ingest_losses.filter(reason="invalid")
    sample = losses.opened(project, loss.sample)
    assert "I am [EMAIL], my card is [CARD]." in sample
    assert "tr0ub4dor" not in sample


def test_a_finding_at_the_end_of_a_sample_is_not_cut_before_it_is_seen(project, key_client):
    set_policy(project, "mask")
    for at in range(1_480, 1_760, 17):
        wrong = make_event(id="bad", kind="unheard of", input="x" * at + f" {CARD} {EMAIL}")
        body = make_body(wrong)
        key_client(project, "ingest").post("/api/v1/events", body, content_type=JSON)

        loss = project.ingest_losses.filter(reason="invalid").latest("pk")
        assert not re.search("4111|jane", losses.opened(project, loss.sample)), at
        project.ingest_losses.all().delete()


def test_names_that_nobody_knows_are_redacted_where_they_are_counted(project, key_client):
    set_policy(project, "mask")
    event = make_event(**{EMAIL: 1})

    key_client(project, "ingest").post("/api/v1/events", make_body(event), content_type=JSON)

    [loss] = project.ingest_losses.filter(reason="unmapped")
    assert losses.opened(project, loss.sample) == "[EMAIL]"


def test_what_is_redacted_is_counted_and_nothing_else_is(project, key_client):
    set_policy(project, "mask")
    events = [make_event(id=f"e{at}", input=ASKED if at < 2 else "Hello") for at in range(5)]

    key_client(project, "ingest").post("/api/v1/events", make_body(*events), content_type=JSON)

    assert dict(project.ingest_losses.values_list("reason", "count")) == {"redacted": 2}


def test_sessions_are_found_by_the_user_that_was_masked(project, key_client):
    set_policy(project, "mask")
    body = make_body(make_event(user=EMAIL), make_event(id="e2", session="c2", user="joe@x.org"))
    client = key_client(project, "ingest", "read:content")
    client.post("/api/v1/events", body, content_type=JSON)

    [found] = client.get("/api/v1/sessions", {"user": EMAIL}).json()["results"]

    [event] = client.get(f"/api/v1/sessions/{found['id']}/events").json()["results"]
    assert event["user"] == "[EMAIL]"


def test_events_that_the_database_refuses_take_no_pseudonyms_with_them(project, key_client):
    set_policy(project, "pseudonymise")
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE NONE; {REFUSE_POISON}; SET ROLE {APP_ROLE}")
    events = [make_event(id=name, input=f"{name} {EMAIL}") for name in ("e0", "poison", "e2")]

    answer = key_client(project, "ingest").post(
        "/api/v1/events", make_body(*events), content_type=JSON
    )

    assert [one["index"] for one in answer.json()["rejected"]] == [1]
    assert [step["input"] for step in recorded(project)] == ["e0 <EMAIL_1>", "e2 <EMAIL_1>"]
    assert values(project) == {"<EMAIL_1>": EMAIL}
