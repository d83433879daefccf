"""From the spans of one request to events: each by its convention, then each by its trace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import ModuleType

import msgspec

from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal, check_event, flag
from apps.ingest.conventions.attributes import Fields, Json
from apps.ingest.normalising import CONVENTIONS, Read, normalise
from apps.ingest.otlp.spans import RawSpan, Scope, SpanEvent, moment
from apps.ingest.sent_spans import entry_of, note_clock
from apps.ingest.trace_pass import relate
from apps.sessions.events import IncomingEvent


def read_spans(
    spans: Sequence[RawSpan],
    batch: Batch,
    now: datetime,
    conventions: Sequence[ModuleType] = CONVENTIONS,
) -> None:
    """Put the events of ``spans`` into ``batch``, and what was not understood."""
    read = [normalise(span, batch.unmapped, conventions) for span in spans]
    relate(read)
    for one in read:
        try:
            event, truncated = checked_event(one, now)
            batch.truncated += truncated
            batch.add(event, one.span.index, library=one.span.scope.named)
        except Refusal as refusal:
            batch.refuse(Rejection.of(one.span.index, refusal))


def checked_event(one: Read, now: datetime) -> tuple[IncomingEvent, int]:
    """Return the event of a span as it may be kept, and how much its sender left out."""
    event = event_of(one)
    truncated = count_truncated(event, one.span.dropped)
    check_event(event, now)
    note_clock(event, now)
    return event, truncated


def event_of(one: Read) -> IncomingEvent:
    """Return the event of a span whose fields are known."""
    span, fields = one.span, one.fields
    fields.pop("conversation", None)
    name = fields.pop("name", None) or span.name or None
    event = IncomingEvent(
        id=span.span_id,
        trace=span.trace_id,
        parent=span.parent_id,
        name=name,
        started_at=moment(span.start),
        ended_at=moment(span.end),
        extra=_extra(one, fields.pop("tool_call", None)),
        **fields,
    )
    event.sent = [entry_of(one, event)]
    _count_cached_tokens(event)
    if span.is_cleaned:
        flag_cleaned(event)
    if span.is_repeating:
        flag(event, "attributes", "An attribute came more than once; the last one was kept.")
    return event


def flag_cleaned(event: IncomingEvent) -> None:
    """Note that text of the event was made fit."""
    flag(event, "", "NUL or broken surrogates in its text were replaced by U+FFFD.")


def count_truncated(event: IncomingEvent, dropped: int) -> int:
    """Return how much the sender cut off or left out because of its own limits; flag it."""
    if dropped:
        flag(event, "attributes", f"The sender left out {dropped} attributes or events.")
    cut = [name for name in ("input", "output") if is_cut(getattr(event, name))]
    for name in cut:
        flag(event, name, "The sender cut its JSON in the middle; it is kept as text.")
    return dropped + len(cut)


def is_cut(value: Json) -> bool:
    """Whether a value is the start of JSON that does not go on to its end."""
    return isinstance(value, str) and value.startswith(('[{"', '{"'))


def _count_cached_tokens(event: IncomingEvent) -> None:
    """Include cached tokens in the input, where the sender plainly left them out."""
    usage = event.usage
    if usage is None or usage.input is None:
        return
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    if cached > usage.input:
        event.usage = msgspec.structs.replace(usage, input=usage.input + cached)
        flag(event, "usage.input", "Cached tokens were added; the sender had left them out.")


def _extra(one: Read, tool_call: Fields | None) -> Fields | None:
    span = one.span
    events = [_span_event(event) for event in span.events]
    extra = {
        "attributes": one.kept,
        "resource": span.resource.attributes,
        "scope": scope_of(span.scope),
        "events": events,
        "links": span.links,
        "tool_call": tool_call,
    }
    return {name: value for name, value in extra.items() if value} or None


def scope_of(scope: Scope) -> Fields:
    """Return the library that made a span, as it is shown."""
    return {"name": scope.name, "version": scope.version} if scope.name else {}


def _span_event(event: SpanEvent) -> Fields:
    at = moment(event.at)
    return {
        "name": event.name,
        "at": at.isoformat() if at else None,
        "attributes": event.attributes,
    }
