"""A span as an entry of its event, written short, and the span again from there."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from itertools import chain

from apps.ingest.conventions.attributes import Fields, Json, Reading
from apps.ingest.normalising import FLAT, Read
from apps.ingest.otlp.spans import RawSpan, Resource, Scope, SpanEvent
from apps.sessions.events import IncomingEvent
from apps.sessions.flattened import SHAPES
from apps.sessions.sent import SPAN, Entry, Sent, attributes_of, value_at

# Parts of an input or output that are looked at; more are no parts that a convention made.
MAX_PARTS = 8
# Characters of JSON in text that is kept as text.
SHORT_TEXT = 1_000
FLAT_STARTS = tuple(FLAT)


def entry_of(one: Read, event: IncomingEvent) -> Entry:
    """Return what has to be kept of a span beside the event that it became."""
    span = one.span
    told = {
        "of": SPAN,
        "start": span.start,
        "end": span.end,
        "kind": span.kind,
        "status": span.status,
        "dropped": span.dropped,
        "cleaned": span.is_cleaned,
        "repeating": span.is_repeating,
        "event_times": [happened.at for happened in span.events],
        **_message(span, event),
        **attributes_in(one.reading, event),
    }
    told["held"] += len(span.resource.attributes)
    told["held"] += sum(len(happened.attributes) for happened in span.events)
    entry = {name: value for name, value in told.items() if value}
    if span.name != (event.name or ""):
        entry["name"] = span.name
    if span.parent_id != event.parent:
        entry["parent"] = span.parent_id
    return entry


def _message(span: RawSpan, event: IncomingEvent) -> Entry:
    if event.error is not None and event.error.message is span.message:
        return {"message_at": "error.message"}
    return {"message": span.message}


def attributes_in(reading: Reading, event: IncomingEvent) -> Entry:
    """Return the attributes that were used: by the paths of their fields, else by themselves."""
    places = places_in(event)
    used = reading.used & reading.attributes.keys()
    flat = dict(_flattened(used, reading, event))
    attributes: dict[str, Json] = {}
    fields: dict[str, str] = {}
    for name in used.difference(*flat.values()) if flat else used:
        value = reading.attributes[name]
        path = places.get(id(reading.parsed.get(name, value)))
        if path is None:
            attributes[name] = value
        else:
            fields[name] = path
    placed = {*fields, *chain(*flat.values())}
    marks = _keep_texts(attributes, reading, placed)
    return {
        "attributes": attributes,
        "fields": fields,
        "flat": {start: FLAT[start] for start in flat},
        "json": marks,
        "held": len(reading.attributes) - len(placed),
    }


def _keep_texts(attributes: dict[str, Json], reading: Reading, placed: Container[str]) -> list[str]:
    """Keep short JSON in text as the text that it was; return the names of the other.

    Long JSON repeats what others say: as JSON its parts are stored once, and only spaces and
    the order of keys are lost.
    """
    marks = []
    for name, value in reading.parsed.items():
        text = reading.attributes[name]
        if name not in placed and _length(text) <= SHORT_TEXT:
            attributes[name] = text
            continue
        marks.append(name)
        if name in attributes:
            attributes[name] = value
    return sorted(marks)


def _length(text: str) -> int:
    """Return how long JSON is, however it is spaced out."""
    return len(text) - text.count(" ") - text.count("\n")


def places_in(event: IncomingEvent) -> dict[int, str]:
    """Return the paths of an event's values by their identities."""
    found: dict[int, str] = {}
    for name in ("metadata", "user", "tools", "output", "input"):
        value = getattr(event, name)
        if isinstance(value, dict) and len(value) <= MAX_PARTS:
            for key, inner in value.items():
                if isinstance(inner, list | dict | str) and "." not in key:
                    found[id(inner)] = f"{name}.{key}"
        if value is not None:
            found[id(value)] = name
    return found


def _flattened(
    used: set[str], reading: Reading, event: IncomingEvent
) -> Iterator[tuple[str, set[str]]]:
    """Yield flattened lists that the event's field gives back, with the names of each."""
    listed = {name for name in used if name.startswith(FLAT_STARTS)}
    for start in FLAT if listed else ():
        names = {name for name in listed if name.startswith(start)}
        sent = {
            name[len(start) :]: reading.parsed.get(name, reading.attributes[name]) for name in names
        }
        if names and sent == _flat_again(start, event):
            yield start, names


def _flat_again(start: str, event: IncomingEvent) -> Fields | None:
    path, shape = FLAT[start]
    field = path.partition(".")[0]
    listed = value_at({field: getattr(event, field)}, path)
    return SHAPES[shape](listed) if isinstance(listed, list) else None


def span_of(sent: Sent, trace_id: str, span_id: str) -> RawSpan:
    """Return the span that an entry was made of."""
    entry, said = sent.entry, sent.said
    return RawSpan(
        index=0,
        trace_id=trace_id,
        span_id=span_id,
        parent_id=entry["parent"] if "parent" in entry else said["parent"],
        name=entry["name"] if "name" in entry else said["name"] or "",
        kind=entry.get("kind", 0),
        start=entry.get("start", 0),
        end=entry.get("end", 0),
        status=entry.get("status", 0),
        message=_message_of(sent),
        attributes=attributes_of(sent),
        events=list(_events(sent)),
        links=said["links"] or [],
        resource=Resource(said["resource"] or {}),
        scope=scope_again(said["scope"]),
        dropped=entry.get("dropped", 0),
        is_cleaned=entry.get("cleaned", False),
        is_repeating=entry.get("repeating", False),
    )


def scope_again(said: Mapping[str, str] | None) -> Scope:
    """Return the library from what is shown of it."""
    told = said or {}
    return Scope(told.get("name", ""), told.get("version", ""))


def _message_of(sent: Sent) -> str:
    entry = sent.entry
    path = entry.get("message_at")
    return (value_at(sent.said, path) if path else entry.get("message")) or ""


def _events(sent: Sent) -> Iterator[SpanEvent]:
    happened = sent.said["events"] or []
    for told, at in zip(happened, sent.entry.get("event_times", ()), strict=False):
        yield SpanEvent(told.get("name") or "", at, told.get("attributes") or {})


def note_clock(event: IncomingEvent, now: datetime) -> None:
    """Keep the server's time with an event that had a time far ahead of it."""
    if now in (event.started_at, event.ended_at):
        for entry in event.sent or ():
            entry["received"] = now.isoformat()
