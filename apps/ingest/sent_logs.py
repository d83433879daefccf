"""Log records as entries of their event, written short, and the records again from there."""

from __future__ import annotations

from collections.abc import Sequence

from apps.ingest.conventions.attributes import Fields, Json, Reading
from apps.ingest.otlp.spans import RawLog, Resource
from apps.ingest.sent_spans import attributes_in, scope_again
from apps.sessions.events import IncomingEvent
from apps.sessions.sent import CONTENT, LOG, MESSAGE, Entry, Sent, attributes_of, body_of


def content_entry(log: RawLog, reading: Reading, event: IncomingEvent) -> Entry:
    """Return what has to be kept of a record that holds all that was said in a call."""
    body = log.body if isinstance(log.body, dict) else {}
    hidden = {name: value for name, value in body.items() if name in log.attributes}
    told = {**_record(log, CONTENT), **_maker(log), **attributes_in(reading, event)}
    shown = (event.extra or {}).get("log", {})
    unseen = reading.attributes.keys() - reading.used - shown.keys()
    told["attributes"] |= {name: reading.attributes[name] for name in unseen}
    told |= {
        "in_body": sorted(body.keys() - hidden.keys()),
        "body": hidden if isinstance(log.body, dict) else log.body,
    }
    return _known(told)


def message_entry(log: RawLog, place: int, path: str, message: Fields) -> Entry:
    """Return what has to be kept of a record whose body became the message at ``path``.

    Records of one call can have one time: ``place`` is what they are told apart by then.
    """
    told = {**_record(log, MESSAGE), **_maker(log), "place": place, "attributes": log.attributes}
    told["held"] = len(log.attributes)
    return _known(told | _body_in(log.body, path, message))


def _body_in(body: Json, path: str, message: Fields) -> Entry:
    """Return where the body of a record lies in the message, and what of it lies nowhere."""
    if not isinstance(body, dict):
        return {"parts": {"": (f"{path}.content", [])}}
    inner = body.get("message")
    if isinstance(inner, dict) and inner.items() <= message.items():
        rest = {name: value for name, value in body.items() if name != "message"}
        return {"parts": {"message": (path, sorted(message.keys() - inner.keys()))}, "body": rest}
    if body.items() <= message.items():
        return {"parts": {"": (path, sorted(message.keys() - body.keys()))}}
    return {"body": body}


def log_entry(log: RawLog, event: IncomingEvent) -> Entry:
    """Return what has to be kept of a record that is an event of its own."""
    is_json = isinstance(log.body, str) and event.output is not log.body
    told = {**_record(log, LOG), "parts": {"": ("output", [])}, "is_json": is_json}
    told["held"] = len(log.attributes) + len(log.resource.attributes)
    # The event tells it.
    return _known(told | {"severity": ""})


def _record(log: RawLog, of: str) -> Entry:
    return {
        "of": of,
        "at": log.at,
        "event_name": log.event_name,
        "severity": log.severity,
        "cleaned": log.is_cleaned,
    }


def _maker(log: RawLog) -> Entry:
    """Return who made a record: its event is its span's, and tells that one's maker."""
    scope = {"name": log.scope.name, "version": log.scope.version} if log.scope.name else {}
    return {"resource": log.resource.attributes, "scope": scope}


def _known(told: Entry) -> Entry:
    return {name: value for name, value in told.items() if value}


def log_of(sent: Sent, trace_id: str, span_id: str | None, index: int) -> RawLog:
    """Return the record that an entry was made of."""
    entry, said = sent.entry, sent.said
    attributes, body = _attributes_and_body(sent)
    told = said if entry["of"] == LOG else entry
    return RawLog(
        index=index,
        trace_id=trace_id,
        span_id=span_id,
        event_name=entry.get("event_name", ""),
        at=entry.get("at", 0),
        severity=told.get("severity") or "",
        body=body,
        attributes=attributes,
        resource=Resource(told.get("resource") or {}),
        scope=scope_again(told.get("scope")),
        is_cleaned=entry.get("cleaned", False),
    )


def _attributes_and_body(sent: Sent) -> tuple[Fields, Json]:
    attributes, body = attributes_of(sent), body_of(sent)
    names = set(sent.entry.get("in_body", ()))
    if not names:
        return attributes, body
    inside = {name: value for name, value in attributes.items() if name in names}
    outside = {name: value for name, value in attributes.items() if name not in names}
    return outside, {**inside, **(body or {})}


def in_order(entries: Sequence[Sent]) -> list[Sent]:
    """Return the records of one call in the order in which they were written."""
    return sorted(entries, key=lambda sent: (sent.entry.get("at", 0), sent.entry.get("place", 0)))
