"""Requests that carry the hostile values, one for each value, to each way in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from apps.ingest.native import NativeEvent
from tests.hostile.values import VALUES
from tests.ingest.factories import make_event, make_span

JSON = "application/json"
FIELDS = sorted(NativeEvent.__struct_fields__)
KINDS = ("llm", "tool", "state", "decision", "memory")
# What conventions read, each from a span of its own.
ATTRIBUTES = (
    "gen_ai.operation.name gen_ai.conversation.id gen_ai.input.messages gen_ai.output.messages "
    "gen_ai.system_instructions gen_ai.tool.definitions gen_ai.tool.call.arguments "
    "gen_ai.usage.input_tokens gen_ai.usage.cost gen_ai.request.model gen_ai.request.temperature "
    "gen_ai.response.model gen_ai.response.time_to_first_chunk gen_ai.prompt.name "
    "gen_ai.agent.name gen_ai.retrieval.documents openinference.span.kind input.value "
    "output.value llm.input_messages.0.message.role llm.input_messages.0.message.content "
    "llm.input_messages.99999.message.content llm.invocation_parameters llm.model_name "
    "llm.token_count.prompt llm.tools.0.tool.json_schema llm.cost.total "
    "retrieval.documents.0.document.content embedding.embeddings.0.embedding.vector tool.name "
    "langfuse.observation.type langfuse.observation.input langfuse.observation.usage_details "
    "langfuse.observation.completion_start_time langfuse.trace.tags langfuse.trace.metadata.a "
    "traceloop.span.kind traceloop.entity.input traceloop.association.properties.session_id "
    "mlflow.spanType mlflow.spanInputs mlflow.chat.tokenUsage pydantic_ai.all_messages "
    "operation.cost mcp.method.name session.id user.id tag.tags metadata error.type "
    "exception.message __proto__ __proto__.polluted constructor.prototype.x a..b . http.method"
).split()
SPAN_FIELDS = (
    "traceId spanId parentSpanId name kind startTimeUnixNano endTimeUnixNano status attributes "
    "events links droppedAttributesCount"
).split()


@dataclass(frozen=True)
class Hostile:
    """One request and how many events it carries."""

    path: str
    body: bytes
    sent: int


def with_values(fields: dict[str, object], values: dict[str, str]) -> str:
    """Return JSON of ``fields`` with ``values``, which may be no JSON, put in as they are."""
    plain = {key: field for key, field in fields.items() if key not in values}
    put_in = "".join(f", {json.dumps(name)}: {value}" for name, value in values.items())
    return f"{json.dumps(plain)[:-1]}{put_in}}}"


def native(name: str) -> Hostile:
    """Return events that hold the value in each of their fields, and in input by each kind."""
    value = VALUES[name]
    events = [
        with_values(make_event(id=f"{field}-{name}", session=f"native {name}"), {field: value})
        for field in FIELDS
    ]
    events += [
        with_values(
            make_event(id=f"{kind}-{name}", session=f"native {name}", kind=kind), {"input": value}
        )
        for kind in KINDS
    ]
    return Hostile("/api/v1/events", f'{{"events": [{", ".join(events)}]}}'.encode(), len(events))


def spans(name: str) -> Hostile:
    """Return spans that hold the value in each attribute and each field."""
    found = [*_attribute_spans(name), *_field_spans(name)]
    body = f'{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{", ".join(found)}]}}]}}]}}'
    return Hostile("/v1/traces", body.encode(), len(found))


def _attribute_spans(name: str) -> Iterator[str]:
    session = {"key": "session.id", "value": {"stringValue": f"spans {name}"}}
    numbers = count(1)
    for attribute in ATTRIBUTES:
        for value in _any_values(VALUES[name]):
            pair = f'{{"key": {json.dumps(attribute)}, "value": {value}}}'
            told = {"traceId": _trace(name), "spanId": f"{next(numbers):016x}"}
            attributes = f"[{json.dumps(session)}, {pair}]"
            yield with_values(make_span(**told), {"attributes": attributes})


def _any_values(value: str) -> list[str]:
    """Return the value in the slot of OTLP that it is for, and where it is none in that of text."""
    if value.startswith('"'):
        return [f'{{"stringValue": {value}}}']
    if value[0] in "-0123456789NI":
        return [f'{{"{slot}": {value}}}' for slot in ("intValue", "doubleValue")]
    if value[0] in "[{":
        return [f'{{"arrayValue": {{"values": [{{"kvlistValue": {value}}}]}}}}']
    return [f'{{"boolValue": {value}}}', f'{{"stringValue": {value}}}']


def _field_spans(name: str) -> Iterator[str]:
    for number, field in enumerate(SPAN_FIELDS, start=1_000_000):
        told = {"traceId": _trace(name), "spanId": f"{number:016x}"}
        span = make_span({"session.id": f"spans {name}"}, **told)
        yield with_values(span, {field: VALUES[name]})


def _trace(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
