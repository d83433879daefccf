from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from apps.ingest.otlp import protobuf, wire_json
from tests.ingest.factories import (
    NANOSECONDS,
    SPAN_ID,
    TRACE_ID,
    event_of,
    make_span,
    make_spans,
    numbered,
    read,
    status_of,
)

STARTED = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=NANOSECONDS // 1000)


def in_protobuf(attributes, **fields) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = bytes.fromhex(TRACE_ID), bytes.fromhex(SPAN_ID)
    span.start_time_unix_nano = NANOSECONDS
    for key, value in attributes.items():
        span.attributes.append(KeyValue(key=key, value=value))
    for name, value in fields.items():
        setattr(span, name, value)
    return request.SerializeToString()


def test_a_span_keeps_its_ids_times_and_place():
    event = event_of(parentSpanId="00f067aa0ba902b8")

    assert (event.id, event.trace, event.parent) == (SPAN_ID, TRACE_ID, "00f067aa0ba902b8")
    assert (event.started_at, event.ended_at) == (STARTED, STARTED + timedelta(seconds=1.2))
    assert (event.session, event.name, event.status) == (None, "chat gpt-4o", "ok")


@pytest.mark.parametrize(
    "sent",
    [{"kind": "SPAN_KIND_CLIENT"}, {"kind": 3}, {"kind": None}, {"startTimeUnixNano": NANOSECONDS},
     {"traceId": TRACE_ID.upper()}, {"parentSpanId": ""}, {"parentSpanId": "0" * 16},
     {"status": None}, {"attributes": None}, {"events": None}],
    ids=str,
)  # fmt: skip
def test_json_comes_with_names_or_numbers_and_text_or_whole_numbers(sent):
    event = event_of(**sent)

    assert (event.trace, event.parent, event.started_at) == (TRACE_ID, None, STARTED)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"traceId": "S/kvNXezTaajzpKdDg5HNg=="}, "traceId"),
        ({"traceId": "0" * 32}, "traceId"),
        ({"spanId": "xyz"}, "spanId"),
        ({"kind": "SPAN_KIND_ODD"}, "kind"),
        ({"kind": 77}, "kind"),
        ({"name": "x" * 600}, "name"),
        ({"startTimeUnixNano": "soon"}, "startTimeUnixNano"),
        ({"attributes": [{"key": "a", "value": {"intValue": "many"}}]}, "a"),
        ({"attributes": [{"key": "a", "value": {"intValue": str(2**63)}}]}, "a"),
        ({"attributes": [{"key": "k" * 300, "value": {}}]}, "attributes"),
        ({"attributes": {"a": 1}}, "attributes"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_wrong_span_is_refused_with_the_reason_and_the_others_go_in(wrong, path):
    batch = read(make_spans(make_span(spanId="1" * 16), make_span(**wrong), make_span()))

    assert len(batch.events) == 2
    (rejection,) = batch.rejected
    assert (rejection.index, rejection.path) == (1, path)
    assert batch.losses()[0].count == 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("text", "text"),
        (7, 7),
        (-(2**63), -(2**63)),
        (0.5, 0.5),
        (True, True),
        (None, None),
        (["a", 1], ["a", 1]),
        ({"a": {"b": [None]}}, {"a": {"b": [None]}}),
        ("a\x00b", "a\ufffdb"),
        ('{"a": 1}', {"a": 1}),
        ('{"a": ', '{"a": '),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ("[not json]", "[not json]"),
        ("12", "12"),
    ],
    ids=str,
)
def test_an_attribute_of_no_convention_is_kept_and_counted(value, kept):
    batch = read(make_spans(make_span({"my.attribute": value})))

    assert batch.events[0].extra["attributes"] == {"my.attribute": kept}
    assert batch.unmapped == {"my.attribute": 1}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (AnyValue(double_value=float("nan")), "nan"),
        (AnyValue(double_value=float("-inf")), "-inf"),
        (AnyValue(bytes_value=b"\xff\x00"), "/wA="),
        (AnyValue(), None),
        (AnyValue(string_value="a\x00"), "a\ufffd"),
    ],
    ids=str,
)
def test_values_that_only_protobuf_has_are_kept_as_text(value, kept):
    (event,) = read(in_protobuf({"odd": value}), protobuf).events

    assert event.extra["attributes"] == {"odd": kept}


def test_protobuf_and_json_say_the_same():
    said = {"gen_ai.operation.name": "chat", "n": 1, "list": ["a"], "object": {"b": 0.5}}
    values = {"gen_ai.operation.name": AnyValue(string_value="chat"), "n": AnyValue(int_value=1)}
    values["list"] = AnyValue()
    values["list"].array_value.values.add(string_value="a")
    values["object"] = AnyValue()
    values["object"].kvlist_value.values.add(key="b", value=AnyValue(double_value=0.5))

    (one,) = read(in_protobuf(values, name="chat gpt-4o", kind=3), protobuf).events
    other = event_of(said, endTimeUnixNano=0)

    other.extra.pop("scope")
    assert one == other


def test_dotted_names_and_proto_keys_build_nothing():
    event = event_of({"__proto__.polluted": 1, "a.b.c": 2, "a.b": 3})

    assert event.extra["attributes"] == {"__proto__.polluted": 1, "a.b.c": 2, "a.b": 3}


def test_cleaned_text_is_flagged():
    event = event_of({"gen_ai.input.messages": '[{"role": "user\x00"}]'})

    assert "U+FFFD" in event.flags[0]["reason"]


def test_a_zero_time_is_unknown_and_a_false_end_is_flagged():
    running = event_of(endTimeUnixNano="0")
    wrong = event_of(endTimeUnixNano=str(NANOSECONDS - 1000))

    assert (running.ended_at, running.status, running.flags) == (None, None, None)
    assert (wrong.ended_at, wrong.flags[0]["field"]) == (None, "ended_at")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["gen_ai.operation.name", "gen_ai.input.messages", "gen_ai.usage.input_tokens", "session.id",
     "gen_ai.request.model", "openinference.span.kind", "llm.input_messages.0.message.content",
     "llm.input_messages.0.message.tool_calls.0.tool_call.id", "llm.invocation_parameters",
     "input.value", "metadata", "tag.tags", "llm.tools.0.tool.json_schema", "error.type",
     "gen_ai.tool.definitions", "gen_ai.prompt.name", "output.value", "user.id", "llm.cost.total"]
)  # fmt: skip
ATTRIBUTES = st.dictionaries(
    NAMES | st.text(), st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | JSON.map(
        lambda value: json.dumps(value)
    ) | st.sampled_from(["LLM", "chat", "execute_tool", "TOOL", "RETRIEVER"]),
)  # fmt: skip


@given(st.lists(ATTRIBUTES, max_size=3))
def test_any_attributes_become_events_or_refusals(spans):
    sent = [numbered(n + 1, n, attributes) for n, attributes in enumerate(spans)]

    batch = read(make_spans(*sent))

    assert len(batch.events) + len(batch.rejected) == len(spans) == batch.sent


@given(st.binary(), st.sampled_from([protobuf, wire_json]))
def test_any_bytes_are_spans_or_a_bad_request(body, decoder):
    assert status_of(lambda: read(body, decoder)) in {200, 400}


@given(JSON, JSON)
def test_any_json_is_a_request_or_a_bad_one(span, request):
    assert status_of(lambda: read(json.dumps(request).encode())) in {200, 400}
    assert status_of(lambda: read(make_spans(span, make_span() | {"attributes": span}))) == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("user.id", "x" * 600), ("session.id", "x" * 600), ("tag.tags", ["a"] * 101)],
    ids=lambda value: str(value)[:10],
)
def test_what_one_span_says_too_long_is_refused_with_that_span_alone(name, value):
    root, child = numbered(1, told={name: value}), numbered(2, parent=1)

    batch = read(make_spans(root, child))

    assert [event.id for event in batch.events] == [f"{2:016x}"]
    assert len(batch.rejected) == 1
