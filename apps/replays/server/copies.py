"""Steps of the new session: the record's own, and in their places those that were asked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from playhead.served import duration_ms

from apps.replays.server.models import ServerStep, StepState
from apps.replays.server.tools import EXACT, SIMULATED, UNANSWERED
from apps.sessions.events import ErrorInfo, IncomingEvent, PromptStamp, Usage

Json = Any

# What a step of the new session has from the record as it is.
COPIED = (
    "kind lane name status input output model model_returned provider params tools agent effects "
    "decision state_patch state code_change confidence reasoning memory environment release"
).split()
# What belongs to the one time at which the call was made.
ONCE = ("usage", "cost", "time_to_first_token_ms")
FREE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Copy:
    """A recorded step, what came of asking it again, and what was answered."""

    event: Mapping[str, Json]
    # None: the step is the record's.
    step: ServerStep | None = None
    answer: Mapping[str, Json] | None = None
    # Of a free replay: the recorded step that it is or stands beside, and how it was found.
    beside: Mapping[str, Json] | None = None
    # Whether it is no step of the record.
    is_new: bool = False
    how: str = ""
    # Of an answer from another session: where it is from.
    source: Mapping[str, Json] = field(default_factory=dict)

    @property
    def recorded(self) -> Mapping[str, Json] | None:
        """The recorded step; None where the record has none."""
        return None if self.is_new else self.beside or self.event

    @property
    def is_tainted(self) -> bool:
        """Whether something answered that proves nothing."""
        return self.how == SIMULATED

    @property
    def is_asked(self) -> bool:
        return self.step is not None and self.step.state != StepState.SKIPPED

    @property
    def latency_ms(self) -> float | None:
        return self.answer.get("latency_ms") if self.answer else None


def as_incoming(copy: Copy, session: str) -> IncomingEvent:
    """Return the step as an event of the named session; its id is that of the recorded one."""
    event = copy.event
    plain = {name: event[name] for name in COPIED if event.get(name) is not None}
    incoming = IncomingEvent(
        id=event["id"],
        session=session,
        parent=event.get("parent"),
        started_at=_moment(event.get("started_at")),
        ended_at=_moment(event.get("ended_at")),
        position=event["seq"],
        inputs=event.get("inputs"),
        metadata=_about(copy),
        error=_error(event.get("error")),
        prompt=_stamp(event.get("prompt")),
        **plain,
    )
    return _asked_again(incoming, copy) if copy.is_asked else _served(incoming, event)


def _served(incoming: IncomingEvent, event: Mapping[str, Json]) -> IncomingEvent:
    if event.get("usage") or event.get("cost") is not None:
        incoming.cost = FREE
    return incoming


def _asked_again(incoming: IncomingEvent, copy: Copy) -> IncomingEvent:
    answer = copy.answer
    if answer is None:
        reason = copy.step.reason if copy.step else ""
        incoming.output, incoming.status = None, "error"
        incoming.error = ErrorInfo(type="ReplayError", message=reason)
        return incoming
    incoming.output, incoming.status, incoming.error = answer["output"], "ok", None
    incoming.model, incoming.model_returned = answer["model"], answer["model_returned"]
    incoming.usage = Usage(**answer["usage"])
    incoming.cost = None if answer["cost"] is None else Decimal(answer["cost"])
    incoming.prompt = _stamp(answer["prompt"])
    incoming.request_id, incoming.reasoning = answer["request_id"], None
    if incoming.started_at is not None and copy.latency_ms is not None:
        incoming.ended_at = incoming.started_at + timedelta(milliseconds=copy.latency_ms)
    return incoming


def _about(copy: Copy) -> dict[str, Json]:
    """Return what is said of the step beside the record's own facts."""
    known = _recorded(copy)
    if not copy.is_asked:
        return _about_served(copy) | known
    told = {"asked_again": True, **known}
    if copy.answer is None:
        return told
    names = ("cached", "finish_reason", "fingerprint", "notes")
    return told | {name: copy.answer[name] for name in names if copy.answer[name]}


def _recorded(copy: Copy) -> dict[str, Json]:
    event = copy.recorded
    if event is None:
        return {}
    once = {name: event[name] for name in ONCE if event.get(name) is not None}
    told = {"step": event["seq"], "event": event["id"], "duration_ms": duration_ms(event), **once}
    return {"recorded": {name: value for name, value in told.items() if value is not None}}


def _about_served(copy: Copy) -> dict[str, Json]:
    if copy.how == UNANSWERED:
        return {"stopped": True}
    if copy.is_tainted:
        return {"tainted": copy.how}
    found = {"found": copy.how} if copy.how not in ("", EXACT) else {}
    source = {"from": dict(copy.source)} if copy.source else {}
    skipped = {"skipped": copy.step.reason} if copy.step else {}
    return {"served": True, **found, **source, **skipped}


def _error(told: Json) -> ErrorInfo | None:
    if not isinstance(told, Mapping):
        return None
    return ErrorInfo(**{name: told.get(name) for name in ("type", "message", "code")})


def _stamp(told: Json) -> PromptStamp | None:
    if not isinstance(told, Mapping) or not told.get("name"):
        return None
    return PromptStamp(
        name=told["name"], version=told.get("version"), variables=told.get("variables")
    )


def _moment(told: Json) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)
