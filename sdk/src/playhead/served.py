"""What a replay's own session says of its steps: what answered each, and what it was recorded as.

The facts of such a step are those of the replay: how long it took now, and that it cost nothing.
What it took and cost when it was recorded stands beside, under ``metadata.recorded``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from playhead.calls import Answer
from playhead.tapes import EXACT, MADE_LIVE, Recorded

Json = Any
# Of the answer, kept beside it in an event.
SAID = ("model_returned", "reasoning", "request_id", "provider")
# What belongs to the one time at which the call was made.
ONCE = ("usage", "cost", "time_to_first_token_ms")


def about_served(recorded: Recorded, how: str) -> dict[str, Json]:
    """Return the metadata of a step that the record answered."""
    event = recorded.event
    once = {name: event[name] for name in ONCE if event.get(name) is not None}
    told = {
        "step": recorded.seq,
        "event": event.get("client_id") or event.get("id"),
        "duration_ms": duration_ms(event),
        **once,
    }
    known = {name: value for name, value in told.items() if value is not None}
    found = {} if how == EXACT else {"found": how}
    return {"served": True, **found, "recorded": known}


def about_given(how: str) -> dict[str, Json]:
    """Return the metadata of a step that something else answered than the record."""
    return {} if how == MADE_LIVE else {"tainted": how}


def costless(answer: Answer, recorded: Recorded) -> Answer:
    """Return a served answer as the replay's event tells it: what was paid once is not paid now."""
    event = recorded.event
    said = {name: event[name] for name in SAID if event.get(name) is not None}
    was_paid = event.get("usage") or event.get("cost") is not None
    return replace(answer, extra={**said, **({"cost": 0} if was_paid else {})})


def duration_ms(event: Mapping[str, Json]) -> float | None:
    """Return how long a recorded step took; None where that is unknown."""
    if event.get("duration_ms") is not None:
        return float(event["duration_ms"])
    start, end = (_moment(event.get(name)) for name in ("started_at", "ended_at"))
    if start is None or end is None:
        return None
    return round((end - start).total_seconds() * 1000, 3)


def _moment(told: Json) -> datetime | None:
    if not isinstance(told, str):
        return None
    return datetime.fromisoformat(told.replace("Z", "+00:00"))
