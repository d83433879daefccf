"""What clients send, made small."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apps.core.errors import DomainError
from apps.ingest.batch import Batch
from apps.ingest.otlp import wire_json
from apps.ingest.traces import read_spans
from apps.sessions.events import IncomingEvent

STARTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def make_event(**fields: Any) -> dict[str, Any]:
    """Return a native event as a client sends it."""
    started = {"started_at": STARTED.isoformat().replace("+00:00", "Z")}
    return {"id": "e1", "session": "chat-1", "kind": "tool", "name": "search"} | started | fields


def make_body(*events: Any) -> bytes:
    return json.dumps({"events": list(events)}).encode()


def status_of(read: Callable[[], object]) -> int:
    """Return the status that a reader of bodies answers with; any other error is a bug."""
    try:
        read()
    except DomainError as error:
        return error.status
    return 200


SPAN_ID = "00f067aa0ba902b7"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
NANOSECONDS = 1_772_600_767_000_000_000


def make_value(value: Any) -> dict[str, Any]:
    """Return an AnyValue of OTLP's JSON."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [make_value(one) for one in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": make_pairs(value)}}
    return {} if value is None else {"stringValue": value}


def make_pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": make_value(value)} for key, value in attributes.items()]


def make_span(told: dict[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return a span of OTLP's JSON."""
    return {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": str(NANOSECONDS),
        "endTimeUnixNano": str(NANOSECONDS + 1_200_000_000),
        "attributes": make_pairs(told or {}),
    } | fields


def make_spans(*spans: Any, resource: dict[str, Any] | None = None) -> bytes:
    """Return the body of a request with these spans."""
    scope = {"name": "a library", "version": "1"}
    part = {
        "resource": {"attributes": make_pairs(resource or {})},
        "scopeSpans": [{"scope": scope, "spans": list(spans)}],
    }
    return json.dumps({"resourceSpans": [part]}).encode()


def make_log(told: dict[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return a log record of OTLP's JSON."""
    return {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "timeUnixNano": str(NANOSECONDS),
        "attributes": make_pairs(told or {}),
    } | fields


def make_logs(*records: Any) -> bytes:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}).encode()


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def read(body: bytes, decoder: Any = wire_json) -> Batch:
    """Return what becomes of a request of spans."""
    batch = Batch(source="test")
    read_spans(decoder.read_spans(body, batch), batch, NOW)
    return batch


def event_of(told: Any = None, /, *, resource: Any = None, **fields: Any) -> IncomingEvent:
    """Return the event of a single span."""
    batch = read(make_spans(make_span(told, **fields), resource=resource))
    assert not batch.rejected
    return batch.events[0]


def numbered(number: int, parent: int | None = None, told: Any = None, **fields: Any) -> Any:
    """Return a span of that number, under another."""
    parent_id = f"{parent:016x}" if parent else ""
    return make_span(told, **{"spanId": f"{number:016x}", "parentSpanId": parent_id} | fields)
