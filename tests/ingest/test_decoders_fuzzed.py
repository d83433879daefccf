"""Damaged requests: whatever is left of one is read or refused, and every part is accounted for.

``pytest --hypothesis-profile=thorough`` tries a hundred times as much.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from apps.core.errors import DomainError
from apps.ingest.batch import Batch
from apps.ingest.logs import read_logs
from apps.ingest.native import read_events
from apps.ingest.otlp import protobuf, wire_json
from apps.ingest.traces import read_spans
from tests.hostile.requests import ATTRIBUTES
from tests.hostile.values import TEXTS, VALUES
from tests.ingest.factories import (
    NOW,
    SPAN_ID,
    TRACE_ID,
    make_body,
    make_event,
    make_log,
    make_logs,
    make_span,
    make_spans,
)

fuzzed = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example], deadline=None
)
TOLD = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": '[{"role": "user"}]', "a": [1]}
GOOD_JSON = {
    "spans": make_spans(make_span(TOLD), make_span({"openinference.span.kind": "LLM"})),
    "logs": make_logs(make_log(TOLD, eventName="gen_ai.client.inference.operation.details")),
    "events": make_body(make_event(), make_event(id="e2", kind="llm", usage={"input": 3})),
}


REASONED = {400, 413}


def any_value(value: Any) -> AnyValue:
    """Return a value as protobuf has it."""
    if isinstance(value, dict):
        pairs = [KeyValue(key=key, value=any_value(inner)) for key, inner in value.items()]
        return AnyValue(kvlist_value=KeyValueList(values=pairs))
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(inner) for inner in value]))
    slots = {bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}
    slot = slots.get(type(value), "string_value")
    return AnyValue() if value is None else AnyValue(**{slot: value})


def request_of(*told: dict[str, Any]) -> bytes:
    """Return a request of spans in protobuf."""
    spans = [
        Span(
            trace_id=bytes.fromhex(TRACE_ID),
            span_id=(index + 1).to_bytes(8, "big"),
            attributes=[KeyValue(key=key, value=any_value(value)) for key, value in one.items()],
        )
        for index, one in enumerate(told)
    ]
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def read(way: str, body: bytes, reader: Any) -> Batch | None:
    """Read a body; None where all of it was refused."""
    batch = Batch(source="test")
    try:
        if way == "spans":
            read_spans(reader.read_spans(body, batch), batch, NOW)
        elif way == "logs":
            read_logs(reader.read_logs(body, batch), batch, NOW)
        else:
            batch = read_events(body, NOW)
    except DomainError as error:
        return None if error.status in REASONED else batch
    return batch


def is_accounted(batch: Batch | None) -> bool:
    return batch is None or batch.sent <= len(batch.events) + len(batch.rejected)


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.binary(max_size=8)
    | st.sampled_from([text for text in TEXTS.values() if len(text) < 9_000])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
TREES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("a role b".split()), inner)
    ),
    max_leaves=6,
)
TOLD_BY_SPANS = st.lists(
    st.dictionaries(st.sampled_from(ATTRIBUTES), TREES, max_size=6), min_size=1, max_size=4
)


@st.composite
def damaged(draw: st.DrawFn, bodies: list[bytes]) -> bytes:
    """Draw a body with bytes changed, taken out, put in twice, or cut off."""
    body = bytearray(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 4))):
        at, size = draw(st.integers(0, len(body))), draw(st.integers(0, 12))
        new = draw(st.binary(max_size=8) | st.just(bytes(body[at : at + size]) * 2))
        body[at : at + size] = new
    return bytes(body[: draw(st.integers(0, len(body))) or None])


@fuzzed
@given(TOLD_BY_SPANS)
def test_attributes_of_any_type_become_events_or_refusals(told):
    batch = read("spans", request_of(*told), protobuf)

    assert batch is not None
    assert len(batch.events) + len(batch.rejected) == batch.sent == len(told)


@fuzzed
@given(damaged([request_of(TOLD, {"input.value": "{}"}), request_of(*[TOLD] * 5)]))
def test_damaged_protobuf_is_read_or_refused(body):
    assert is_accounted(read("spans", body, protobuf))
    assert is_accounted(read("logs", body, protobuf))


@fuzzed
@given(st.sampled_from(sorted(GOOD_JSON)), st.data())
def test_damaged_json_is_read_or_refused(way, data):
    body = data.draw(damaged([GOOD_JSON[way]]))

    assert is_accounted(read(way, body, wire_json))


@fuzzed
@given(st.sampled_from(sorted(GOOD_JSON)), st.sampled_from(sorted(VALUES)), st.data())
def test_a_hostile_value_in_place_of_any_other_is_read_or_refused(way, name, data):
    plain = json.loads(GOOD_JSON[way])
    place, key = data.draw(st.sampled_from(list(_places(plain))))
    place[key] = "here it goes"

    body = json.dumps(plain).replace('"here it goes"', VALUES[name]).encode()

    assert is_accounted(read(way, body, wire_json))


def _places(value: Any) -> Any:
    """Return every container in ``value`` with each of its keys."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def test_a_protobuf_request_of_logs_is_none_of_spans():
    logs = ExportLogsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add()
    record.span_id = bytes.fromhex(SPAN_ID)

    assert is_accounted(read("spans", logs.SerializeToString(), protobuf))
