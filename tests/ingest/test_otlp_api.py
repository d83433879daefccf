from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.ingest.factories import make_log, make_logs, make_span, make_spans, numbered

JSON, PROTOBUF = "application/json", "application/x-protobuf"
TRACES, LOGS = "/v1/traces", "/v1/logs"


@pytest.fixture
def sender(project, key_client):
    return key_client(project, "ingest")


def in_protobuf(*trace_ids: bytes) -> bytes:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, trace_id in enumerate(trace_ids, start=1):
        spans.add(trace_id=trace_id, span_id=number.to_bytes(8, "big"), name="a")
    return request.SerializeToString()


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [(TRACES, JSON, b"{}"), (TRACES, PROTOBUF, b""), (LOGS, JSON, b"{}"), (LOGS, PROTOBUF, b""),
     (TRACES, JSON, b'{"resourceSpans": null}'), (TRACES, JSON, make_spans(make_span()))],
    ids=["empty JSON spans", "empty protobuf spans", "empty JSON logs", "empty protobuf logs",
         "null", "a span"],
)  # fmt: skip
def test_the_answer_comes_in_the_type_of_the_request(sender, path, content_type, body):
    answer = sender.generic("POST", path, body, headers={"Content-Type": content_type})

    assert (answer.status_code, answer["Content-Type"]) == (200, content_type)
    assert answer.content == (b"{}" if content_type == JSON else b"")


def test_refused_spans_are_told_in_protobuf(sender, project):
    body = in_protobuf(b"\x01" * 16, b"\x01" * 15)

    answer = sender.post(TRACES, body, content_type=PROTOBUF)

    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 1)
    assert "[1] trace_id: Must be 32 hexadecimal digits" in told.error_message
    assert project.sessions.get().event_count == 1


def test_refused_spans_are_told_in_json(sender):
    body = make_spans(make_span(), make_span(spanId="short"))

    answer = sender.post(TRACES, body, content_type=JSON)

    told = answer.json()["partialSuccess"]
    assert told["rejectedSpans"] == "1"
    assert "spanId" in told["errorMessage"]


def test_refused_log_records_are_told_and_counted_for_all_to_see(sender):
    answer = sender.post(LOGS, make_logs(make_log(traceId="", spanId="")), content_type=JSON)

    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    health = sender.get("/api/v1/ingest/health").json()
    assert health["refused"] == {"no_trace": 1}


@pytest.mark.parametrize("content_type", ["text/plain", "application/grpc", ""])
def test_another_content_type_is_a_415_that_names_both(sender, content_type):
    answer = sender.post(TRACES, b"x", content_type=content_type)

    assert answer.status_code == 415
    assert PROTOBUF in answer.json()["detail"]


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
def test_a_body_that_is_no_request_is_a_400(sender, content_type):
    answer = sender.post(TRACES, b"\xff\xff\xff", content_type=content_type)

    assert answer.status_code == 400


def test_more_than_5000_spans_are_a_413(sender):
    answer = sender.post(TRACES, make_spans(*[{}] * 5001), content_type=JSON)

    assert answer.status_code == 413
    assert "5000" in answer.json()["detail"]


def test_a_trace_without_a_session_is_shown_and_moves_once_one_is_named(sender, project):
    sender.post(TRACES, make_spans(numbered(2, 1)), content_type=JSON)
    assert project.sessions.get().external_id is None

    named = numbered(1, None, {"session.id": "chat-1"})
    sender.post(TRACES, make_spans(named), content_type=JSON)

    assert project.sessions.get(external_id="chat-1").event_count == 2


def test_spans_sent_again_one_by_one_double_nothing(sender, project):
    used = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 840, "session.id": "s"}
    spans = [numbered(number, None, used) for number in (1, 2, 3)]
    sender.post(TRACES, make_spans(*spans), content_type=JSON)

    for span in reversed(spans):
        sender.post(TRACES, make_spans(span), content_type=JSON)

    session = project.sessions.get(external_id="s")
    assert (session.event_count, session.input_tokens) == (3, 3 * 840)
    assert sender.get("/api/v1/ingest/health").json()["duplicates"] == 3


def test_refused_log_records_are_told_in_protobuf(sender):
    answer = sender.post(LOGS, b"\x0a\x06\x12\x04\x12\x02\x08\x01", content_type=PROTOBUF)

    told = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert told.rejected_log_records == 1
