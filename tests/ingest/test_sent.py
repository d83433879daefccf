"""What was sent is kept: spans and records can be told again as they came."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from apps.ingest.batch import Batch
from apps.ingest.otlp import wire_json
from apps.ingest.otlp.spans import RawSpan
from apps.ingest.sent_logs import log_of
from apps.ingest.sent_spans import span_of
from apps.ingest.text import json_in_text
from apps.sessions import reader
from apps.sessions.native import Said
from apps.sessions.sent import Sent
from tests.ingest.factories import make_log, make_logs, make_span, make_spans, make_value
from tests.ingest.recording import CLIENTS, record_logs, record_spans, spans_of
from tests.sessions.snapshots import listed, rows_of

pytestmark = pytest.mark.django_db


def kept_of(project) -> dict[str, list[Sent]]:
    """Return what is kept of all events, by their senders' ids."""
    kept = {}
    for session in listed(project):
        rows = rows_of(session)
        names = ("input_digest", "output_digest", "extra_digest")
        said = [Said(one[0], one[1], one[2] or {}) for one in reader.bodies(session, rows, names)]
        found = reader.sent_in(session, rows, said)
        kept |= {row.client_id: sent for row, sent in zip(rows, found, strict=True)}
    return kept


def comparable(span: RawSpan) -> dict[str, Any]:
    """Return a span with JSON in text read: spaces and the order of keys are not kept."""
    fields = {name: getattr(span, name) for name in span.__struct_fields__ if name != "index"}
    return fields | {
        "attributes": {
            name: (type(value), json_in_text(value) if isinstance(value, str) else value)
            for name, value in span.attributes.items()
        }
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_each_span_of_a_real_client_can_be_told_again(project, client):
    spans = spans_of(client)
    record_spans(project, spans)

    kept = kept_of(project)

    assert spans
    for span in spans:
        (sent,) = kept[span.span_id]
        assert comparable(span_of(sent, span.trace_id, span.span_id)) == comparable(span)


def in_a_log(body: Any, told: Any = None, **fields: Any) -> dict[str, Any]:
    return make_log(told, body=make_value(body), timeUnixNano="7", **fields)


DETAILS = "gen_ai.client.inference.operation.details"
SAID = [{"role": "user", "parts": [{"type": "text", "content": "Hi " * 200}]}]
RECORDS = {
    "content": [
        in_a_log(
            {"gen_ai.output.messages": SAID, "gen_ai.request.model": "gpt-4", "kept": "yes"},
            {"gen_ai.input.messages": json.dumps(SAID), "server.port": 1, "kept": "no"},
            eventName=DETAILS,
        )
    ],
    "messages": [
        in_a_log({"content": "Be kind."}, {"event.name": "gen_ai.system.message", "n": 1}),
        in_a_log({"role": "user", "content": ["Hi"]}, eventName="gen_ai.user.message"),
        in_a_log("Hi again", eventName="gen_ai.user.message"),
        in_a_log({"content": "", "id": "call"}, eventName="gen_ai.tool.message"),
        in_a_log(
            {"index": 0, "finish_reason": "stop", "message": {"content": "Hello"}},
            eventName="gen_ai.choice",
        ),
        in_a_log({"index": 1, "message": "odd"}, eventName="gen_ai.choice"),
    ],
    "apart": [in_a_log("full", {"a": 1}, eventName="cart.checked", severityText="WARN")],
    "json apart": [in_a_log('{"a": [1, 2]}', {"a": "b"})],
}


@pytest.mark.parametrize("name", RECORDS)
def test_each_log_record_can_be_told_again(project, name):
    body = make_logs(*RECORDS[name])
    logs = wire_json.read_logs(body, Batch(source="test"))
    record_logs(project, logs)

    ((client_id, kept),) = kept_of(project).items()

    span_id = None if client_id == logs[0].span_id else client_id
    told = [log_of(sent, logs[0].trace_id, logs[0].span_id, 0) for sent in kept]
    assert span_id is None or span_id.startswith("log-")
    assert sorted(map(alike, told)) == sorted(map(alike, logs))


def alike(log) -> str:
    fields = {name: getattr(log, name) for name in log.__struct_fields__ if name != "index"}
    fields |= {"resource": log.resource.attributes, "scope": msgspec.structs.asdict(log.scope)}
    opened = {name: json_in_text(v) if isinstance(v, str) else v for name, v in fields.items()}
    opened["attributes"] = {
        name: json_in_text(v) if isinstance(v, str) else v for name, v in log.attributes.items()
    }
    return json.dumps(opened, sort_keys=True)


def test_two_versions_of_a_span_are_both_kept(project):
    started = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(SAID)}
    ended = started | {"gen_ai.input.messages": "[]", "gen_ai.request.model": "gpt-4o"}
    versions = [
        wire_json.read_spans(make_spans(make_span(told, **fields)), Batch(source="test"))[0]
        for told, fields in ((started, {"endTimeUnixNano": "0"}), (ended, {"name": "chat"}))
    ]
    for version in versions:
        record_spans(project, [version])

    (kept,) = kept_of(project).values()

    spans = [span_of(sent, versions[0].trace_id, versions[0].span_id) for sent in kept]
    by_end = sorted(spans, key=lambda span: span.end)
    assert [comparable(span) for span in by_end] == [comparable(span) for span in versions]


START = "llm.input_messages.0.message."
FLAT = {
    "llm.input_messages.": {
        "openinference.span.kind": "LLM",
        f"{START}role": "assistant",
        f"{START}contents.0.message_content.type": "text",
        f"{START}contents.0.message_content.text": "word " * 99,
        f"{START}contents.1.message_content.type": "image",
        f"{START}contents.1.message_content.image.image.url": "data:x",
        f"{START}tool_calls.0.tool_call.id": "call",
        f"{START}tool_calls.0.tool_call.function.arguments": '{"a": 1}',
    },
    "llm.tools.": {
        "openinference.span.kind": "LLM",
        "llm.tools.0.tool.json_schema": json.dumps({"name": "search", "more": "word " * 99}),
        "llm.tools.1.tool.json_schema": "no JSON",
    },
    "retrieval.documents.": {
        "openinference.span.kind": "RETRIEVER",
        "retrieval.documents.0.document.content": "word " * 99,
        "retrieval.documents.0.document.metadata": json.dumps({"page": "word " * 99}),
        "retrieval.documents.1.document.score": 0.5,
    },
}


@pytest.mark.parametrize("start", FLAT)
def test_flattened_lists_are_kept_once(project, start):
    (span,) = wire_json.read_spans(make_spans(make_span(FLAT[start])), Batch(source="test"))
    record_spans(project, [span])

    ((sent,),) = kept_of(project).values()

    kind = FLAT[start]["openinference.span.kind"]
    assert list(sent.entry["flat"]) == [start]
    assert sent.entry["attributes"] == {"openinference.span.kind": kind}
    assert comparable(span_of(sent, span.trace_id, span.span_id)) == comparable(span)


def test_a_list_that_is_not_flattened_as_usual_is_kept_name_by_name(project):
    told = {"openinference.span.kind": "LLM", f"{START}role": "user"}
    told["llm.input_messages.7.message.content"] = "There is no second."
    (span,) = wire_json.read_spans(make_spans(make_span(told)), Batch(source="test"))
    record_spans(project, [span])

    ((sent,),) = kept_of(project).values()

    assert "flat" not in sent.entry
    assert comparable(span_of(sent, span.trace_id, span.span_id)) == comparable(span)


def test_what_was_sent_is_shown_on_demand(project, key_client):
    told = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(SAID), "own": 1}
    record_spans(project, wire_json.read_spans(make_spans(make_span(told)), Batch(source="test")))
    (session,) = listed(project)
    url = f"/api/v1/sessions/{session.pk}/events"
    client = key_client(project, "read:content")

    (plain,) = client.get(url).json()["results"]
    (whole,) = client.get(url, {"raw": "1"}).json()["results"]

    assert "raw" not in plain
    assert whole["raw"]["attributes"] == {"own": 1}
    (sent,) = whole["raw"]["sent"]
    assert {name: json_in_text(str(value)) for name, value in sent["attributes"].items()} == {
        name: json_in_text(str(value)) for name, value in told.items()
    }
