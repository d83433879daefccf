"""A request of many things of several types, each in an envelope that says which."""

from __future__ import annotations

from datetime import datetime

import msgspec

from apps.core.errors import InvalidError
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal
from apps.ingest.conventions.langfuse import KINDS
from apps.ingest.langfuse.bodies import Fields, check_count, fit, read_whole, settled, typed
from apps.ingest.langfuse.observations import observation_event, trace_event
from apps.ingest.langfuse.scores import Moment, score_event
from apps.ingest.native import bytes_of
from apps.ingest.text import clean_text
from apps.sessions.events import IncomingEvent, Json

MADE, UPDATED = "-create", "-update"
# What SDKs tell of themselves; nothing of a session.
LOG = "sdk-log"
OBSERVED = KINDS | {"observation": "observation"}
TYPES = ", ".join(f"{name}{MADE}" for name in ("trace", "score", *OBSERVED))
Library = tuple[str, str]
SDK = "langfuse-sdk"
Starts = dict[str, Json]


class Envelope(msgspec.Struct, kw_only=True):
    """One thing of a request, its body still unread."""

    type: str
    body: Fields
    id: str | None = None
    timestamp: Moment | None = None


def read_envelopes(body: bytes) -> tuple[list[Json], Library]:
    """Return what lies in the envelopes' list, and the SDK as the body names it."""
    whole = read_whole(body)
    things = whole.get("batch") if isinstance(whole, dict) else None
    if not isinstance(things, list):
        raise InvalidError('The body must be {"batch": [...]}, a list of events.', "batch")
    check_count(things)
    return things, _library(whole.get("metadata"))


def _library(metadata: Json) -> Library:
    told = metadata if isinstance(metadata, dict) else {}
    version = told.get("sdk_version")
    return (SDK, clean_text(version)) if isinstance(version, str) else ("", "")


def read_ingestion(things: list[Json], batch: Batch, now: datetime, library: Library) -> None:
    """Put the events in the envelopes into ``batch``."""
    starts = _starts(things)
    for index, thing in enumerate(things):
        if isinstance(thing, dict) and thing.get("type") == LOG:
            continue
        batch.sent += 1
        try:
            event = read_envelope(thing, index, now, starts)
        except Refusal as refusal:
            batch.refuse(Rejection.of(index, refusal), bytes_of(thing))
        else:
            batch.add(event, index, library=library)


def _starts(things: list[Json]) -> Starts:
    """Return when each thing began, which an update of it does not say again."""
    bodies = [one.get("body") for one in things if isinstance(one, dict)]
    starts = [one for one in bodies if isinstance(one, dict) and one.get("startTime")]
    return {one["id"]: one["startTime"] for one in starts if isinstance(one.get("id"), str)}


def read_envelope(thing: Json, index: int, now: datetime, starts: Starts) -> IncomingEvent:
    """Return the event in one envelope."""
    unread = fit(thing)
    envelope = typed(unread.fields, Envelope)
    event = _event(envelope, starts)
    event.position = index
    return settled(event, unread, thing, now)


def _event(envelope: Envelope, starts: Starts) -> IncomingEvent:
    fields, at = envelope.body, envelope.timestamp
    if envelope.type == "score-create":
        return score_event(fields, at)
    if envelope.type == "trace-create":
        return trace_event(fields, at)
    for suffix in (MADE, UPDATED):
        kind = OBSERVED.get(envelope.type.removesuffix(suffix))
        if kind is not None and envelope.type.endswith(suffix):
            fields = _with_start(fields, starts)
            return observation_event(kind, fields, at, is_update=suffix == UPDATED)
    raise Refusal(f"Unknown; known are {TYPES}, and updates of all but the first two.", "type")


def _with_start(fields: Fields, starts: Starts) -> Fields:
    """Return an update with the start from which its first token is timed."""
    name = fields.get("id")
    start = starts.get(name) if isinstance(name, str) else None
    if start is None or fields.get("startTime") or not fields.get("completionStartTime"):
        return fields
    return fields | {"startTime": start}
