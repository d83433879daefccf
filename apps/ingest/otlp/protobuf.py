"""Reading OTLP in protobuf. Attributes are walked once, straight into plain values."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from apps.core.errors import DomainError
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal, check_bytes
from apps.ingest.otlp.spans import (
    Attributes,
    Json,
    RawLog,
    RawSpan,
    Resource,
    Scope,
    SpanEvent,
    check_attributes,
    check_id,
    resource_of,
)
from apps.ingest.text import clean_text


def read_spans(body: bytes, batch: Batch) -> list[RawSpan]:
    """Return the readable spans of a request; the others are refused in ``batch``."""
    request = ExportTraceServiceRequest()
    _parse(request, body)
    spans: list[RawSpan] = []
    for resource_spans in request.resource_spans:
        resource = resource_of(Values().attributes, resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = Scope(scope_spans.scope.name, scope_spans.scope.version)
            for span in scope_spans.spans:
                spans += _taken(_span, span, resource, scope, batch)
    return spans


def read_logs(body: bytes, batch: Batch) -> list[RawLog]:
    """Return the readable log records of a request; the others are refused in ``batch``."""
    request = ExportLogsServiceRequest()
    _parse(request, body)
    logs: list[RawLog] = []
    for resource_logs in request.resource_logs:
        resource = resource_of(Values().attributes, resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            scope = Scope(scope_logs.scope.name, scope_logs.scope.version)
            for record in scope_logs.log_records:
                logs += _taken(_log, record, resource, scope, batch)
    return logs


def _parse(request: Any, body: bytes) -> None:
    try:
        request.ParseFromString(body)
    except DecodeError:
        raise DomainError("The body is not an OTLP message in protobuf.") from None


def _taken(
    read: Any, message: Any, resource: Resource, scope: Scope, batch: Batch
) -> Iterator[Any]:
    index = batch.sent
    batch.sent += 1
    try:
        check_bytes(message.ByteSize())
        yield read(message, index, resource, scope)
    except Refusal as refusal:
        batch.refuse(Rejection.of(index, refusal), message.SerializeToString()[:4096])


def _span(span: Span, index: int, resource: Resource, scope: Scope) -> RawSpan:
    values = Values()
    attributes = values.attributes(span.attributes)
    return RawSpan(
        index=index,
        trace_id=check_id(span.trace_id.hex(), 32, "trace_id"),
        span_id=check_id(span.span_id.hex(), 16, "span_id"),
        parent_id=_parent_id(span.parent_span_id),
        name=values.text(span.name),
        kind=span.kind,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        status=span.status.code,
        message=values.text(span.status.message),
        attributes=attributes,
        events=values.events(span.events) if span.events else [],
        links=[_link(link) for link in span.links],
        dropped=span.dropped_attributes_count + span.dropped_events_count,
        resource=resource,
        scope=scope,
        is_cleaned=values.is_cleaned,
        is_repeating=len(attributes) < len(span.attributes),
    )


def _parent_id(sent: bytes) -> str | None:
    return check_id(sent.hex(), 16, "parent_span_id") if sent.strip(b"\0") else None


def _link(link: Span.Link) -> dict[str, str]:
    return {"trace": link.trace_id.hex(), "span": link.span_id.hex()}


def _log(record: LogRecord, index: int, resource: Resource, scope: Scope) -> RawLog:
    values = Values()
    return RawLog(
        index=index,
        trace_id=check_id(record.trace_id.hex(), 32, "trace_id") if record.trace_id else None,
        span_id=check_id(record.span_id.hex(), 16, "span_id") if record.span_id else None,
        event_name=values.text(record.event_name),
        at=record.time_unix_nano or record.observed_time_unix_nano,
        severity=values.text(record.severity_text),
        body=values.value(record.body),
        attributes=values.attributes(record.attributes),
        resource=resource,
        scope=scope,
        is_cleaned=values.is_cleaned,
    )


class Values:
    """Turns AnyValues into plain values, and remembers whether text had to be cleaned."""

    def __init__(self) -> None:
        self.is_cleaned = False

    def text(self, text: str) -> str:
        """Return the text without NUL. protobuf has checked that it is UTF-8."""
        if "\x00" not in text:
            return text
        self.is_cleaned = True
        return clean_text(text)

    def attributes(self, pairs: Iterable[KeyValue]) -> Attributes:
        """Return the attributes by name; the last of equal names wins."""
        attributes = {self.text(pair.key): self.value(pair.value) for pair in pairs}
        check_attributes(attributes)
        return attributes

    def events(self, events: Iterable[Span.Event]) -> list[SpanEvent]:
        """Return what happened in the span."""
        return [
            SpanEvent(
                self.text(event.name), event.time_unix_nano, self.attributes(event.attributes)
            )
            for event in events
        ]

    def value(self, value: AnyValue) -> Json:
        """Return the plain value; an empty one is null."""
        which = value.WhichOneof("value")
        if which == "string_value":
            return self.text(value.string_value)
        if which in ("int_value", "bool_value"):
            return getattr(value, which)
        if which is None:
            return None
        return self._rare_value(value, which)

    def _rare_value(self, value: AnyValue, which: str) -> Json:
        if which == "double_value":
            return finite(value.double_value)
        if which == "array_value":
            return [self.value(inner) for inner in value.array_value.values]
        if which == "kvlist_value":
            return self.attributes(value.kvlist_value.values)
        return base64.b64encode(value.bytes_value).decode() if which == "bytes_value" else None


def finite(number: float) -> float | str:
    """Return the number, or its name where JSON has no such number."""
    return number if math.isfinite(number) else str(number)
