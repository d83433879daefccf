"""From log records to events: content that a client sends apart from its spans.

A GenAI client may put content on log records only. Such a record names its span, so it
becomes the same event with only its content; whichever comes first, the record merges
the two. Other records of a trace become events of their own under their span.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from apps.core.canonical import canonical_json
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal, check_event
from apps.ingest.conventions import genai
from apps.ingest.conventions.attributes import Fields, Json, Reading, known
from apps.ingest.normalising import is_kept
from apps.ingest.otlp.spans import RawLog, RawSpan, moment
from apps.ingest.sent_logs import content_entry, log_entry, message_entry
from apps.ingest.sent_spans import note_clock
from apps.ingest.text import json_in_text
from apps.ingest.traces import flag_cleaned, scope_of
from apps.sessions.events import ErrorInfo, IncomingEvent

DETAILS = "gen_ai.client.inference.operation.details"
CHOICE = "gen_ai.choice"
# The form before: one record for each message.
MESSAGE_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}


def read_logs(logs: Sequence[RawLog], batch: Batch, now: datetime) -> None:
    """Put the events of ``logs`` into ``batch``; records that belong to no trace are refused."""
    single_messages: defaultdict[tuple[str, str], list[RawLog]] = defaultdict(list)
    for log in logs:
        if _is_message(log):
            single_messages[str(log.trace_id), str(log.span_id)].append(log)
        else:
            _take([log], batch, now)
    for together in single_messages.values():
        _take(together, batch, now)


def event_name(log: RawLog) -> str:
    """Return what kind of record it is; older clients say so in an attribute."""
    return log.event_name or str(log.attributes.get("event.name", ""))


def _is_message(log: RawLog) -> bool:
    """Whether the record is a single message of a call that it names."""
    name = event_name(log)
    is_one = name in MESSAGE_ROLES or name == CHOICE
    return is_one and log.trace_id is not None and log.span_id is not None


def event_of_logs(logs: list[RawLog], now: datetime) -> IncomingEvent:
    """Return the event of one record, or of the single messages of one call."""
    event = _joined(logs) if _is_message(logs[0]) else _event_of(logs[0])
    if any(log.is_cleaned for log in logs):
        flag_cleaned(event)
    check_event(event, now)
    note_clock(event, now)
    return event


def _take(logs: list[RawLog], batch: Batch, now: datetime) -> None:
    try:
        event = event_of_logs(logs, now)
        batch.unmapped.update(list((event.extra or {}).get("log", ())))
        indexes = [log.index for log in logs]
        batch.add(event, *indexes, library=logs[0].scope.named)
    except Refusal as refusal:
        for log in logs:
            batch.refuse(Rejection.of(log.index, refusal))


def _event_of(log: RawLog) -> IncomingEvent:
    if log.trace_id is None:
        raise Refusal(
            "This log record belongs to no trace, so to no session.", "trace_id", "no_trace"
        )
    if event_name(log) == DETAILS and log.span_id:
        return _content(log.trace_id, log.span_id, log)
    return _plain(log.trace_id, log)


def _content(trace_id: str, span_id: str, log: RawLog) -> IncomingEvent:
    """Return the event of the span that the record names, with what the record says of it."""
    body = log.body if isinstance(log.body, dict) else {}
    attributes = {**body, **log.attributes}
    span = RawSpan(index=log.index, trace_id=trace_id, span_id=span_id, attributes=attributes)
    reading = Reading(span)
    fields = genai.normalise(reading)
    session = fields.pop("conversation", None)
    fields.pop("tool_call", None)
    fields.setdefault("kind", "llm")
    if (failed := reading.text("error.type")) is not None:
        fields |= {"status": "error", "error": ErrorInfo(type=failed)}
    # Apart from the span's own attributes: the record merges what is beside each other.
    kept = {
        name: attributes[name] for name in attributes.keys() - reading.used if not is_kept(name)
    }
    extra = {"log": kept} if kept else None
    event = IncomingEvent(
        id=span_id,
        trace=trace_id,
        session=session,
        is_conversation=session is not None,
        extra=extra,
        **fields,
    )
    event.sent = [content_entry(log, reading, event)]
    return event


def _joined(logs: list[RawLog]) -> IncomingEvent:
    """Return the content of a span from its records of one message each."""
    ordered = sorted(logs, key=lambda log: (log.at, log.index))
    asked = [(log, _message(log)) for log in ordered if event_name(log) != CHOICE]
    answered = [(log, _choice(log)) for log in ordered if event_name(log) == CHOICE]
    entries = [
        message_entry(log, place, f"{field}.messages.{place}", message)
        for field, said in (("input", asked), ("output", answered))
        for place, (log, message) in enumerate(said)
    ]
    return IncomingEvent(
        id=str(logs[0].span_id),
        trace=logs[0].trace_id,
        kind="llm",
        input={"messages": [message for _, message in asked]} if asked else None,
        output={"messages": [message for _, message in answered]} if answered else None,
        sent=entries,
    )


def _message(log: RawLog) -> Fields:
    """Return a message in OpenAI's shape, which these records have."""
    said = log.body if isinstance(log.body, dict) else {"content": log.body}
    return {"role": MESSAGE_ROLES[event_name(log)]} | said


def _choice(log: RawLog) -> Fields:
    said = log.body if isinstance(log.body, dict) else {"message": {"content": log.body}}
    message = said.get("message")
    finish = known({"finish_reason": said.get("finish_reason")})
    return {"role": "assistant"} | (message if isinstance(message, dict) else {}) | finish


def _plain(trace_id: str, log: RawLog) -> IncomingEvent:
    """Return a record as an event of its own. Its id is its content, so a resend is the same."""
    at = moment(log.at)
    extra = {
        "attributes": log.attributes,
        "resource": log.resource.attributes,
        "scope": scope_of(log.scope),
        "severity": log.severity,
    }
    event = IncomingEvent(
        id=f"log-{_digest(log)}",
        trace=trace_id,
        parent=log.span_id,
        kind="event",
        name=event_name(log) or log.severity or "log",
        started_at=at,
        ended_at=at,
        output=_opened(log.body),
        extra={name: value for name, value in extra.items() if value},
    )
    event.sent = [log_entry(log, event)]
    return event


def _digest(log: RawLog) -> str:
    told = [log.trace_id, log.span_id, log.at, event_name(log), log.body, log.attributes]
    return hashlib.blake2b(canonical_json(told), digest_size=8).hexdigest()


def _opened(value: Json) -> Json:
    return json_in_text(value) if isinstance(value, str) else value
