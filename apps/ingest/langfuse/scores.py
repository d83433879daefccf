"""Scores: what people or programs thought of a trace, one of its steps, or a session."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from apps.ingest.checks import Refusal
from apps.ingest.conventions.attributes import known
from apps.ingest.langfuse.bodies import Fields, mapping, named, typed, unknown
from apps.sessions.events import IncomingEvent, Json

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Word = Annotated[str, msgspec.Meta(min_length=1)]
NOWHERE = "A score needs the id of a trace (traceId) or of a session (sessionId)."


class Score(msgspec.Struct, kw_only=True, rename="camel"):
    """A score as it is sent. Other fields are kept beside it."""

    name: Word
    value: float | bool | str
    id: str | None = None
    trace_id: str | None = None
    observation_id: str | None = None
    session_id: str | None = None
    comment: str | None = None
    metadata: Json = None
    environment: str | None = None
    data_type: str | None = None
    timestamp: Moment | None = None


def score_event(fields: Fields, at: datetime | None = None) -> IncomingEvent:
    """Return the event of a score; ``at`` is when it was sent, should it not say when it was."""
    score = typed(fields, Score)
    if not score.trace_id and not score.session_id:
        raise Refusal(NOWHERE, "traceId")
    given = score.timestamp or at
    more = unknown(fields, Score)
    return IncomingEvent(
        id=named(score.id, fields),
        kind="evaluator",
        name=score.name,
        session=score.session_id or None,
        trace=trace_of(score.trace_id),
        parent=score.observation_id or None,
        started_at=given,
        ended_at=given,
        output=known(
            {"value": score.value, "data_type": score.data_type, "comment": score.comment}
        ),
        metadata=mapping(score.metadata),
        environment=score.environment or None,
        extra={"score": more} if more else None,
    )


def trace_of(trace_id: str | None) -> str | None:
    """Return a trace's id as spans have it: hexadecimal in lower case."""
    return (trace_id.lower() if is_hexadecimal(trace_id) else trace_id) if trace_id else None


def is_hexadecimal(word: str) -> bool:
    """Whether a word is the id of a trace as OpenTelemetry writes it."""
    return len(word) == 32 and set(word.lower()) <= set("0123456789abcdef")
