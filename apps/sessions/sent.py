"""What was sent: the spans and log records of an event, kept so that they can be read again.

An event's ``sent`` has one entry for each. It holds what no field of the event says; the
rest is told by the event: attributes that no convention used lie in ``extra``, and those
that became a field are a path to it, so that content is kept, and redacted, once. Where
versions of an event were merged, an entry says itself (``own``) what the merged event says
otherwise. Keys of an entry:

``of``          span, content (a record with all of a call), message (one of its messages), log
``attributes``  used ones that are in no field, JSON in text as JSON
``fields``      {attribute: path of the field that it became}
``flat``        {beginning of the names: (path of the list, its shape in ``flattened``)}
``json``        names of attributes that came as JSON in text
``body``        of a log record, as far as no field holds it
``parts``       {key of the body, "" for all of it: (path, keys that reading it has added)}
``in_body``     names of attributes that were in the record's body
``is_json``     true where the body came as JSON in text
``held``        how many attributes lie here, in ``extra`` and in what lies beside them there
``own``         what the merged event says otherwise; input and output by digest

and what a span or record is besides: ``kind``, ``status``, ``start``, ``end``, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from apps.core.canonical import canonical_json
from apps.sessions.flattened import SHAPES
from apps.sessions.rows import EventRow

Json = Any
Entry = dict[str, Json]
# The row of a version of an event, and its body.
Version = tuple[EventRow, Mapping[str, Json]]

SPAN, CONTENT, MESSAGE, LOG = "span", "content", "message", "log"
# What each kind of entry leaves to its event, beside what its paths name.
LEFT_OUT = {
    SPAN: ("name", "parent", "attributes", "resource", "scope", "events", "links"),
    CONTENT: ("log",),
    MESSAGE: (),
    LOG: ("parent", "attributes", "resource", "scope", "severity"),
}
# Keys of an entry that stand for others.
_SHORT = {"fields", "flat", "json", "parts", "in_body", "is_json", "held", "own", "message_at"}
_KEPT = {"attributes", "log"}
# Where attributes lie that no convention used.
_UNUSED = {SPAN: "attributes", CONTENT: "log", LOG: "attributes"}
_IN_BODY = ("tools", "metadata", "user", "error", "prompt")
_IN_EXTRA = ("attributes", "log", "resource", "scope", "events", "links", "severity")


class Sent(msgspec.Struct, frozen=True):
    """One entry, and all that it leaves to its event, in values."""

    entry: Entry
    said: dict[str, Json]


def united(a: Version, b: Version, merged: Version) -> list[Entry]:
    """Return the entries of two versions as the entries of the event that they became."""
    said = _said(*merged)
    entries: dict[bytes, Entry] = {}
    for row, body in (a, b):
        for entry in body.get("sent", ()):
            alone = _standing_alone(entry, _said(row, body), said)
            entries[canonical_json(alone)] = alone
    return [entries[key] for key in sorted(entries)]


def sent_of(
    row: EventRow, body: Mapping[str, Json], content: Callable[[bytes], Json]
) -> list[Sent]:
    """Return what an event was made of; ``content`` opens what lies under a digest."""
    return [_filled(row, body, content, entry) for entry in body.get("sent", ())]


def digests_in(body: Mapping[str, Json]) -> Iterator[bytes]:
    """Yield the digests of contents that entries of an event name themselves."""
    for entry in body.get("sent", ()):
        for name in ("input", "output"):
            if (digest := entry.get("own", {}).get(name)) is not None:
                yield bytes.fromhex(digest)


def _filled(
    row: EventRow,
    body: Mapping[str, Json],
    content: Callable[[bytes], Json],
    entry: Entry,
) -> Sent:
    said = _said(row, body) | entry.get("own", {})
    for name in ("input", "output"):
        digest = said[name]
        said[name] = None if digest is None else content(bytes.fromhex(digest))
    return Sent(entry, said)


def _said(row: EventRow, body: Mapping[str, Json]) -> dict[str, Json]:
    """Return what an event says for its entries; input and output by digest."""
    extra = body.get("extra", {})
    return {
        "name": row.name,
        "parent": row.client_parent,
        "input": row.input_digest and row.input_digest.hex(),
        "output": row.output_digest and row.output_digest.hex(),
        **{name: body.get(name) for name in _IN_BODY},
        **{name: extra.get(name) for name in _IN_EXTRA},
    }


def _standing_alone(entry: Entry, its: Mapping[str, Json], merged: Mapping[str, Json]) -> Entry:
    values = dict(its) | entry.get("own", {})
    own = {
        name: values[name]
        for name in _named(entry)
        if canonical_json(values[name]) != canonical_json(merged[name])
    }
    rest = {name: value for name, value in entry.items() if name != "own"}
    return rest | {"own": own} if own else rest


def _named(entry: Entry) -> set[str]:
    """Return the names of all that an entry leaves to its event."""
    return {*LEFT_OUT[entry["of"]], *(path.partition(".")[0] for path in _paths(entry))}


def _paths(entry: Entry) -> Iterator[str]:
    yield from entry.get("fields", {}).values()
    for path, _ in entry.get("flat", {}).values():
        yield path
    for path, _ in entry.get("parts", {}).values():
        yield path
    if "message_at" in entry:
        yield entry["message_at"]


def is_whole(sent: Sent) -> bool:
    """Whether all is there that was: a project may have dropped some of it on the way in.

    What became of a field is not asked: of a field that was dropped nothing can be read.
    """
    said = sent.said
    happened = [event.get("attributes") or {} for event in said["events"] or ()]
    held = len(_held(sent)) + len(said["resource"] or {}) + sum(map(len, happened))
    return held >= int(sent.entry.get("held", 0))


def _held(sent: Sent) -> dict[str, Json]:
    entry = sent.entry
    kept = sent.said[_UNUSED[entry["of"]]] if entry["of"] in _UNUSED else None
    return {**(kept or {}), **entry.get("attributes", {})}


def attributes_of(sent: Sent) -> dict[str, Json]:
    """Return all attributes of a span or record as they were sent."""
    entry, said = sent.entry, sent.said
    attributes = _held(sent)
    for name, path in entry.get("fields", {}).items():
        if (value := value_at(said, path)) is not None:
            attributes[name] = value
    for start, (path, shape) in entry.get("flat", {}).items():
        found = value_at(said, path)
        for rest, value in SHAPES[shape](found if isinstance(found, list) else []).items():
            attributes[start + rest] = value
    for name in entry.get("json", ()):
        if isinstance(attributes.get(name), dict | list):
            attributes[name] = canonical_json(attributes[name]).decode()
    return attributes


def shown(sent: Sent) -> dict[str, Json]:
    """Return a span or record as it was sent, in names like those of OTLP."""
    entry, said = sent.entry, sent.said
    rest = {name: value for name, value in entry.items() if name not in _SHORT}
    told = {
        **{name: said[name] for name in LEFT_OUT[entry["of"]] if name not in _KEPT},
        **rest,
        "attributes": attributes_of(sent),
        "message": value_at(said, entry["message_at"]) if "message_at" in entry else None,
        "body": body_of(sent),
    }
    return {name: value for name, value in told.items() if value or name == "attributes"}


def body_of(sent: Sent) -> Json:
    """Return the body of a log record as it was sent."""
    body = sent.entry.get("body")
    for key, (path, added) in sent.entry.get("parts", {}).items():
        value = value_at(sent.said, path)
        if isinstance(value, dict):
            value = {name: inner for name, inner in value.items() if name not in added}
        body = {**(body or {}), key: value} if key else value
    return canonical_json(body).decode() if sent.entry.get("is_json") else body


def value_at(said: Mapping[str, Json], path: str) -> Json:
    """Return what lies at a path, or None: the field may have been dropped since."""
    value: Json = said
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
