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
from apps.sessions.events import IncomingEvent, Json

MADE, UPDATED = "-create", "-update"
# What SDKs tell of themselves; nothing of a session.
LOG = "sdk-log"
OBSERVED = KINDS | {"observation": "observation"}
TYPES = ", ".join(f"{name}{MADE}" for name in ("trace", "score", *OBSERVED))
Library = tuple[str, str]


class Envelope(msgspec.Struct, kw_only=True):
    """One thing of a request, its body still unread."""

    type: str
    body: Fields
    id: str | None = None
    timestamp: Moment | None = None


def read_envelopes(body: bytes) -> list[Json]:
    """Return what lies in the envelopes' list."""
    whole = read_whole(body)
    things = whole.get("batch") if isinstance(whole, dict) else None
    if not isinstance(things, list):
        raise InvalidError('The body must be {"batch": [...]}, a list of events.', "batch")
    check_count(things)
    return things


def read_ingestion(things: list[Json], batch: Batch, now: datetime, library: Library) -> None:
    """Put the events in the envelopes into ``batch``."""
    for index, thing in enumerate(things):
        if isinstance(thing, dict) and thing.get("type") == LOG:
            continue
        batch.sent += 1
        try:
            event = read_envelope(thing, index, now)
        except Refusal as refusal:
            batch.refuse(Rejection.of(index, refusal), bytes_of(thing))
        else:
            batch.add(event, index, library=library)


def read_envelope(thing: Json, index: int, now: datetime) -> IncomingEvent:
    """Return the event in one envelope."""
    unread = fit(thing)
    envelope = typed(unread.fields, Envelope)
    event = _event(envelope)
    event.position = index
    return settled(event, unread, thing, now)


def _event(envelope: Envelope) -> IncomingEvent:
    fields, at = envelope.body, envelope.timestamp
    if envelope.type == "score-create":
        return score_event(fields, at)
    if envelope.type == "trace-create":
        return trace_event(fields, at)
    for suffix in (MADE, UPDATED):
        kind = OBSERVED.get(envelope.type.removesuffix(suffix))
        if kind is not None and envelope.type.endswith(suffix):
            return observation_event(kind, fields, at, is_update=suffix == UPDATED)
    raise Refusal(f"Unknown; known are {TYPES}, and updates of all but the first two.", "type")
