"""Reading OTLP in JSON: ids are hex, whole numbers may be text, enums may be names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import msgspec

from apps.core.bodies import check_depth
from apps.core.errors import DomainError
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal, check_bytes, mistyped
from apps.ingest.otlp.protobuf import finite
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
from apps.ingest.text import (
    MAX_WHOLE,
    MIN_WHOLE,
    UnfitError,
    check_json,
    clean_json,
    may_need_cleaning,
    read_json,
)

Nanoseconds = int | Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,20}$")] | None
SPAN_KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
STATUS_CODES = ["UNSET", "OK", "ERROR"]


class Pair(msgspec.Struct):
    """KeyValue of OTLP."""

    key: str
    value: dict[str, Json] | None = None


Pairs = list[Pair] | None


class ResourceJson(msgspec.Struct):
    attributes: Pairs = None


class ScopeJson(msgspec.Struct):
    name: str | None = None
    version: str | None = None


class ScopePart(msgspec.Struct, rename="camel"):
    scope: ScopeJson | None = None
    spans: list[Json] | None = None
    log_records: list[Json] | None = None


class ResourcePart(msgspec.Struct, rename="camel"):
    resource: ResourceJson | None = None
    scope_spans: list[ScopePart] | None = None
    scope_logs: list[ScopePart] | None = None


class RequestJson(msgspec.Struct, rename="camel"):
    """ExportTraceServiceRequest and ExportLogsServiceRequest in one."""

    resource_spans: list[ResourcePart] | None = None
    resource_logs: list[ResourcePart] | None = None


class StatusJson(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None


class EventJson(msgspec.Struct, rename="camel"):
    name: str | None = None
    time_unix_nano: Nanoseconds = None
    attributes: Pairs = None


class LinkJson(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""


class SpanJson(msgspec.Struct, rename="camel", kw_only=True):
    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: Nanoseconds = None
    end_time_unix_nano: Nanoseconds = None
    status: StatusJson | None = None
    attributes: Pairs = None
    events: list[EventJson] | None = None
    links: list[LinkJson] | None = None
    dropped_attributes_count: int | None = None
    dropped_events_count: int | None = None


class LogJson(msgspec.Struct, rename="camel", kw_only=True):
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str | None = None
    time_unix_nano: Nanoseconds = None
    observed_time_unix_nano: Nanoseconds = None
    severity_text: str | None = None
    body: dict[str, Json] | None = None
    attributes: Pairs = None


def read_spans(body: bytes, batch: Batch) -> list[RawSpan]:
    """Return the readable spans of a request; the others are refused in ``batch``."""
    return spans_of(_request(body), batch)


def read_logs(body: bytes, batch: Batch) -> list[RawLog]:
    """Return the readable log records of a request; the others are refused in ``batch``."""
    return logs_of(_request(body), batch)


def spans_of(request: RequestJson, batch: Batch) -> list[RawSpan]:
    """Return the readable spans of a request that is no bytes any more."""
    spans: list[RawSpan] = []
    for part in request.resource_spans or []:
        resource = _resource(part.resource)
        for scoped in part.scope_spans or []:
            scope = _scope(scoped.scope)
            for span in scoped.spans or []:
                spans += _taken(_span, span, resource, scope, batch)
    return spans


def logs_of(request: RequestJson, batch: Batch) -> list[RawLog]:
    """Return the readable log records of a request that is no bytes any more."""
    logs: list[RawLog] = []
    for part in request.resource_logs or []:
        resource = _resource(part.resource)
        for scoped in part.scope_logs or []:
            scope = _scope(scoped.scope)
            for record in scoped.log_records or []:
                logs += _taken(_log, record, resource, scope, batch)
    return logs


def _request(body: bytes) -> RequestJson:
    check_depth(body)
    try:
        sent = read_json(body)
        if may_need_cleaning(body):
            sent = _cleaned(sent)
    except UnicodeDecodeError:
        raise DomainError("The body is not UTF-8.") from None
    except ValueError as error:
        raise DomainError(f"The body is not JSON: {error}.") from None
    return request_of(sent)


def request_of(sent: Json) -> RequestJson:
    """Return a request, its spans and log records still unread."""
    try:
        return msgspec.convert(sent, RequestJson)
    except msgspec.ValidationError as error:
        raise DomainError(f"The body is not an OTLP request in JSON: {error}.") from None


def _cleaned(sent: Json) -> Json:
    """Replace NUL and lone surrogates, leaving a mark in each span whose text had any."""
    if isinstance(sent, list):
        return [_cleaned(inner) for inner in sent]
    if not isinstance(sent, dict):
        return clean_json(sent)
    if "spanId" in sent and "attributes" in sent:
        fit = clean_json(sent)
        return fit if fit == sent else fit | {"isCleaned": True}
    return {clean_json(key): _cleaned(inner) for key, inner in sent.items()}


def _taken(
    read: Callable[..., Any], sent: Json, resource: Resource, scope: Scope, batch: Batch
) -> Iterator[Any]:
    index = batch.sent
    batch.sent += 1
    try:
        check_json(sent)
        yield read(sent, index, resource, scope)
    except UnfitError as error:
        batch.refuse(Rejection.of(index, Refusal(str(error), error.path)))
    except msgspec.ValidationError as error:
        batch.refuse(Rejection.of(index, mistyped(error)))
    except Refusal as refusal:
        batch.refuse(Rejection.of(index, refusal))


def _resource(sent: ResourceJson | None) -> Resource:
    return resource_of(_attributes, sent.attributes if sent else None)


def _scope(sent: ScopeJson | None) -> Scope:
    return Scope(sent.name or "", sent.version or "") if sent else Scope()


def _span(sent: Json, index: int, resource: Resource, scope: Scope) -> RawSpan:
    span = msgspec.convert(sent, SpanJson)
    status = span.status or StatusJson()
    attributes = _attributes(span.attributes)
    _check_size(attributes, span.events)
    return RawSpan(
        index=index,
        trace_id=check_id(span.trace_id, 32, "traceId"),
        span_id=check_id(span.span_id, 16, "spanId"),
        parent_id=_parent_id(span.parent_span_id),
        name=span.name or "",
        kind=_enum(span.kind, "SPAN_KIND_", SPAN_KINDS, "kind"),
        start=int(span.start_time_unix_nano or 0),
        end=int(span.end_time_unix_nano or 0),
        status=_enum(status.code, "STATUS_CODE_", STATUS_CODES, "status.code"),
        message=status.message or "",
        attributes=attributes,
        events=[_event(event) for event in span.events or []],
        links=[{"trace": link.trace_id, "span": link.span_id} for link in span.links or []],
        dropped=(span.dropped_attributes_count or 0) + (span.dropped_events_count or 0),
        resource=resource,
        scope=scope,
        is_cleaned="isCleaned" in sent,
        is_repeating=len(attributes) < len(span.attributes or []),
    )


def _log(sent: Json, index: int, resource: Resource, scope: Scope) -> RawLog:
    record = msgspec.convert(sent, LogJson)
    attributes = _attributes(record.attributes)
    _check_size([attributes, record.body])
    return RawLog(
        index=index,
        trace_id=check_id(record.trace_id, 32, "traceId") if record.trace_id else None,
        span_id=check_id(record.span_id, 16, "spanId") if record.span_id else None,
        event_name=record.event_name or "",
        at=int(record.time_unix_nano or record.observed_time_unix_nano or 0),
        severity=record.severity_text or "",
        body=_value(record.body, "body"),
        attributes=attributes,
        resource=resource,
        scope=scope,
        is_cleaned="isCleaned" in sent,
    )


def _check_size(*parts: Json) -> None:
    check_bytes(len(msgspec.json.encode(parts)))


def _parent_id(sent: str | None) -> str | None:
    return check_id(sent, 16, "parentSpanId") if sent and sent.strip("0") else None


def _enum(sent: int | str | None, prefix: str, names: list[str], path: str) -> int:
    if sent is None:
        return 0
    if isinstance(sent, int) and 0 <= sent < len(names):
        return sent
    name = str(sent).removeprefix(prefix)
    if name not in names:
        raise Refusal(
            f"Must be one of 0 to {len(names) - 1} or {prefix}{names[-1]} and so on.", path
        )
    return names.index(name)


def _event(sent: EventJson) -> SpanEvent:
    return SpanEvent(sent.name or "", int(sent.time_unix_nano or 0), _attributes(sent.attributes))


def _attributes(pairs: Pairs) -> Attributes:
    attributes = {pair.key: _value(pair.value, pair.key) for pair in pairs or []}
    check_attributes(attributes)
    return attributes


def _value(sent: dict[str, Json] | None, path: str) -> Json:
    """Return the plain value of an AnyValue; an empty one is null."""
    for name, value in (sent or {}).items():
        if name in READERS and value is not None:
            try:
                return READERS[name](value, path)
            except Refusal:
                raise
            except (TypeError, ValueError, AttributeError):
                raise Refusal(f"Not a {name} of OTLP.", path) from None
    return None


def _text(value: Json, path: str) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _boolean(value: Json, path: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(value: Json, path: str) -> int:
    number = int(value[:21]) if isinstance(value, str) else value
    if type(number) is not int or not MIN_WHOLE <= number <= MAX_WHOLE:
        raise ValueError
    return number


def _double(value: Json, path: str) -> float | str:
    number = float(value)
    return finite(number) if math.isfinite(number) or isinstance(value, str) else str(number)


def _array(value: Json, path: str) -> list[Json]:
    return [_value(inner, path) for inner in value.get("values") or []]


def _kvlist(value: Json, path: str) -> Attributes:
    return _attributes(msgspec.convert(value.get("values") or [], list[Pair]))


READERS: dict[str, Callable[[Json, str], Json]] = {
    "stringValue": _text,
    "intValue": _whole,
    "doubleValue": _double,
    "boolValue": _boolean,
    "arrayValue": _array,
    "kvlistValue": _kvlist,
    "bytesValue": _text,
}
