"""Nothing is lost without a trace: sent = stored + duplicates + refused, by every way in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from apps.audit.actors import SYSTEM
from apps.core.database import APP_ROLE
from apps.ingest import services
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal
from apps.ingest.imports.local import import_local_file
from apps.sessions.events import IncomingEvent
from tests.hostile import requests
from tests.hostile.requests import with_values
from tests.hostile.values import VALUES
from tests.ingest.captures import BODIES, captured
from tests.ingest.factories import (
    STARTED,
    TRACE_ID,
    make_body,
    make_event,
    make_log,
    make_logs,
    make_span,
    make_spans,
    numbered,
)
from tests.ingest.test_ingest_api import REFUSE_POISON

JSON, PROTOBUF = "application/json", "application/x-protobuf"
COUNTS = ("sent", "accepted", "duplicates", "rejected")


@pytest.fixture
def sender(project, key_client) -> Client:
    return key_client(project, "ingest")


def account(project) -> tuple[int, ...]:
    """Return sent, stored, duplicates and refused, after comparing the two tables."""
    row = project.ingest_clients.aggregate(**{name: Sum(name, default=0) for name in COUNTS})
    assert row["sent"] == row["accepted"] + row["duplicates"] + row["rejected"]
    assert not project.ingest_losses.filter(reason="unaccounted").exists()
    return tuple(row[name] for name in COUNTS)


def refused_by_reason(sender) -> dict[str, int]:
    told = sender.get("/api/v1/ingest/health").json()
    assert sum(told["refused"].values()) == told["rejected"]
    assert told["sent"] == told["accepted"] + told["duplicates"] + told["rejected"]
    return told["refused"]


@pytest.mark.parametrize("way", [requests.native, requests.spans], ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", VALUES)
def test_hostile_values_are_all_accounted_for_also_when_sent_again(project, sender, way, name):
    hostile = way(name)

    answers = [sender.post(hostile.path, hostile.body, content_type=JSON) for _ in range(2)]

    if answers[0].status_code >= 400:
        told = sender.get("/api/v1/ingest/health").json()
        assert (told["sent"], sum(told["refused_requests"].values())) == (0, 2)
        return
    refused_by_reason(sender)
    assert account(project)[0] == 2 * hostile.sent


def test_spans_in_protobuf_are_accounted_for_and_the_partial_success_is_exact(project, sender):
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for trace_id, span_id in ((b"\1" * 16, b"\1" * 8), (b"\1" * 15, b"\2" * 8), (b"", b"")):
        spans.add(trace_id=trace_id, span_id=span_id, name="a")

    answer = sender.post("/v1/traces", request.SerializeToString(), content_type=PROTOBUF)

    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert told.rejected_spans == 2
    assert account(project) == (3, 1, 0, 2)
    assert refused_by_reason(sender) == {"invalid_id": 2}


def message(role: str, text: str, **fields) -> dict:
    told = {"event.name": f"gen_ai.{role}.message"}
    return make_log(told, body={"stringValue": text}, **fields)


def test_log_records_that_make_one_event_count_each(project, sender):
    body = make_logs(
        message("user", "Where is my parcel?"), message("assistant", "On its way."), make_log(),
        make_log(traceId="", spanId=""), message("user", "x", traceId="short"),
    )  # fmt: skip

    first = sender.post("/v1/logs", body, content_type=JSON).json()
    assert account(project) == (5, 3, 0, 2)
    second = sender.post("/v1/logs", body, content_type=JSON).json()

    assert first["partialSuccess"]["rejectedLogRecords"] == "2"
    assert second == first
    assert account(project) == (10, 3, 3, 4)


def test_a_log_record_and_its_span_are_two_things_that_were_sent(project, sender):
    sender.post("/v1/logs", make_logs(message("user", "Hello")), content_type=JSON)
    sender.post("/v1/traces", make_spans(make_span()), content_type=JSON)

    assert account(project) == (2, 2, 0, 0)
    assert project.sessions.get().event_count == 1


def test_two_versions_of_an_event_in_one_request_are_both_stored_and_a_third_is_known(
    project, sender
):
    first, second = make_event(kind="llm"), make_event(kind="llm", output="done")

    answer = sender.post("/api/v1/events", make_body(first, second, second), content_type=JSON)

    assert answer.json() == {"accepted": 2, "duplicates": 1, "rejected": []}
    assert account(project) == (3, 2, 1, 0)


def test_spans_of_one_trace_in_two_sessions_are_stored_and_the_conflict_is_counted(project, sender):
    sender.post("/v1/traces", make_spans(numbered(1, None, {"session.id": "a"})), content_type=JSON)
    sender.post("/v1/traces", make_spans(numbered(2, 1, {"session.id": "b"})), content_type=JSON)

    told = sender.get("/api/v1/ingest/health").json()
    assert account(project) == (2, 2, 0, 0)
    assert told["conflicting"] == 1
    assert {one["source"] for one in told["reasons"]} == {"otlp_traces"}


def test_what_a_sender_claims_to_have_cut_off_never_fills_the_account(project, sender):
    body = make_spans(make_span(droppedAttributesCount=2**63 - 1))

    # Often enough that some meet in one row of the account.
    answers = {sender.post("/v1/traces", body, content_type=JSON).status_code for _ in range(24)}

    assert answers == {200}
    assert account(project) == (24, 1, 23, 0)
    assert sender.get("/api/v1/ingest/health").json()["truncated"] == 24 * 10**9


LOG_FIELDS = "traceId spanId eventName timeUnixNano severityText body attributes".split()
LOG_KINDS = ("gen_ai.client.inference.operation.details", "gen_ai.user.message", "other")


@pytest.mark.parametrize("name", VALUES)
def test_hostile_log_records_are_all_accounted_for(project, sender, name):
    records = [
        with_values(make_log(spanId=f"{number:016x}", eventName=kind), {field: VALUES[name]})
        for number, kind in enumerate(LOG_KINDS, start=1)
        for field in LOG_FIELDS
    ]
    body = f'{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{", ".join(records)}]}}]}}]}}'

    answers = [sender.post("/v1/logs", body.encode(), content_type=JSON) for _ in range(2)]

    if answers[0].status_code >= 400:
        assert account(project) == (0, 0, 0, 0)
        return
    told = int(answers[1].json().get("partialSuccess", {}).get("rejectedLogRecords", 0))
    sent, _, _, rejected = account(project)
    assert (sent, rejected) == (2 * len(records), 2 * told)


def test_log_records_that_the_database_refuses_count_each(project, sender):
    with connection.cursor() as cursor:
        poison = REFUSE_POISON.replace("'poison%'", "'aaaa%'")
        cursor.execute(f"SET ROLE NONE; {poison}; SET ROLE {APP_ROLE}")
    spoilt = {"spanId": "aaaaaaaaaaaaaaaa"}
    body = make_logs(message("user", "a", **spoilt), message("user", "b", **spoilt), make_log())

    answer = sender.post("/v1/logs", body, content_type=JSON).json()

    assert answer["partialSuccess"]["rejectedLogRecords"] == "2"
    assert account(project) == (3, 1, 0, 2)
    assert refused_by_reason(sender) == {"unstorable": 2}


def test_an_import_accounts_for_its_records(project, sender, tmp_path: Path):
    chat = {"messages": [{"role": "user", "content": "Hi"}]}
    lines = [json.dumps(chat), "{", json.dumps(chat | {"id": "other"}), json.dumps([])]
    (path := tmp_path / "chats.jsonl").write_text("\n".join(lines))

    for _ in range(2):
        import_local_file(project, path, "openai-chat", actor=SYSTEM, tell=lambda done: None)

    sent, accepted, duplicates, rejected = account(project)
    assert (accepted, rejected) == (duplicates, 4)
    assert sent == 2 * accepted + 4
    refused_by_reason(sender)


def test_scores_are_accounted_for(project, sender):
    score = {"id": "1", "traceId": TRACE_ID, "name": "helpful", "value": 1}
    event = {"id": "2", "type": "score-create", "timestamp": "2026-11-21T00:00:00Z", "body": score}
    scores = json.dumps([score, score, {"name": 1}, None])

    sender.post("/api/public/scores", scores, content_type=JSON)
    assert account(project) == (4, 1, 1, 2)
    sender.post("/api/public/ingestion", {"batch": [event, {}, event]}, content_type=JSON)

    assert account(project)[::3] == (7, 3)
    assert sum(refused_by_reason(sender).values()) == 3


def resend(sender, client: str) -> None:
    """Send what a real client sent, once more."""
    for sent in captured(client):
        if sent.body:
            sender.generic("POST", sent.path, sent.body, headers=sent.headers)


@pytest.mark.parametrize("name", sorted(path.name.split(".")[0] for path in BODIES.iterdir()))
def test_all_that_a_real_client_sends_is_stored_once_and_known_the_second_time(
    project, sender, name
):
    resend(sender, name)
    sent, accepted, duplicates, rejected = account(project)
    resend(sender, name)

    assert sent > 0 == rejected
    assert account(project) == (2 * sent, accepted, sent + duplicates, 0)


@pytest.mark.parametrize(
    ("path", "body", "content_type", "reason"),
    [
        ("/api/v1/events", b"{", JSON, "request_unreadable"),
        ("/v1/traces", b"\xff", PROTOBUF, "request_unreadable"),
        ("/v1/logs", b"x", "text/plain", "request_encoding"),
        ("/v1/traces", make_spans(*[{}] * 5001), JSON, "request_too_large"),
    ],
)
def test_a_request_that_cannot_be_read_counts_apart_from_events(
    project, sender, path, body, content_type, reason
):
    sender.post(path, body, content_type=content_type)

    told = sender.get("/api/v1/ingest/health").json()
    assert account(project) == (0, 0, 0, 0)
    assert told["refused_requests"] == {reason: 1}
    assert told["clients"][0]["refused_requests"] == 1


def test_what_a_reader_forgets_to_tell_is_counted_as_lost(project):
    batch = Batch(source="events", sent=4)
    batch.add(IncomingEvent(id="e1", kind="tool", session="s", started_at=STARTED), 0)
    batch.refuse(Rejection.of(1, Refusal("Required.", "kind")))

    services.ingest(project, batch, client=services.Client("test"))

    (row,) = project.ingest_clients.all()
    assert (row.sent, row.accepted, row.rejected) == (4, 1, 3)
    assert project.ingest_losses.get(reason="unaccounted").count == 2


def test_the_database_refuses_an_account_that_does_not_add_up(project, sender):
    sender.post("/api/v1/events", make_body(make_event()), content_type=JSON)

    with pytest.raises(IntegrityError, match="ingest_client_adds_up"), transaction.atomic():
        project.ingest_clients.update(sent=2)


def test_a_trace_that_is_told_by_many_is_accounted_for_at_its_end(project, sender):
    spans = [numbered(number, None, {"session.id": TRACE_ID}) for number in range(1, 40)]

    for start in range(0, 39, 3):
        sender.post("/v1/traces", make_spans(*spans[start : start + 6]), content_type=JSON)

    assert account(project) == (75, 39, 36, 0)
