"""Traces and observations, as SDKs before version 3 send them: made once, then updated.

An update adds to what was made, in whichever order the two come.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from apps.ingest.checks import Refusal
from apps.ingest.conventions.attributes import known
from apps.ingest.conventions.langfuse import KINDS, call_said, cost_of
from apps.ingest.conventions.langfuse_usage import usage_of
from apps.ingest.conventions.quoted import arguments
from apps.ingest.langfuse.bodies import Fields, mapping, named, typed, unknown
from apps.ingest.langfuse.scores import Moment, trace_of
from apps.sessions.events import ErrorInfo, IncomingEvent, Json, PromptStamp, Usage

COSTS = ("inputCost", "outputCost", "totalCost")


class Trace(msgspec.Struct, kw_only=True, rename="camel"):
    """A trace: what one request to the application was asked and answered."""

    id: str | None = None
    timestamp: Moment | None = None
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    input: Json = None
    output: Json = None
    release: str | None = None
    version: str | None = None
    metadata: Json = None
    tags: list[str] | None = None
    environment: str | None = None


class Observation(msgspec.Struct, kw_only=True, rename="camel"):
    """One step of a trace. Which fields mean something depends on its type."""

    id: str | None = None
    trace_id: str | None = None
    type: str | None = None
    name: str | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    completion_start_time: Moment | None = None
    parent_observation_id: str | None = None
    input: Json = None
    output: Json = None
    model: str | None = None
    model_parameters: Fields | None = None
    usage: Fields | None = None
    usage_details: Fields | None = None
    cost_details: Fields | None = None
    prompt_name: str | None = None
    prompt_version: int | str | None = None
    level: str | None = None
    status_message: str | None = None
    version: str | None = None
    metadata: Json = None
    environment: str | None = None


def trace_event(fields: Fields, at: datetime | None) -> IncomingEvent:
    """Return the event of a trace: the step above its observations, with the trace's own id."""
    trace = typed(fields, Trace)
    name = named(trace_of(trace.id), fields)
    more = unknown(fields, Trace)
    return IncomingEvent(
        id=name,
        kind="chain",
        trace=name,
        name=trace.name,
        session=trace.session_id or None,
        user=trace.user_id or None,
        started_at=trace.timestamp or at,
        input=trace.input,
        output=trace.output,
        tags=trace.tags,
        metadata=mapping(trace.metadata),
        environment=trace.environment or None,
        release=trace.release or None,
        stamps=_stamps(trace.version),
        extra={"trace": more} if more else None,
    )


def observation_event(
    kind: str, fields: Fields, at: datetime | None, *, is_update: bool
) -> IncomingEvent:
    """Return the event of an observation, or of an update of one."""
    seen = typed(fields, Observation)
    trace = trace_of(seen.trace_id)
    if trace is None:
        raise Refusal("An observation needs the id of its trace.", "traceId")
    if is_update and not seen.id:
        raise Refusal("An update needs the id of what it updates.", "id")
    kind = KINDS.get((seen.type or "").lower(), kind) if kind == "observation" else kind
    usage = _usage(seen)
    more = unknown(fields, Observation)
    if seen.start_time is None and seen.completion_start_time is not None:
        more["completionStartTime"] = fields["completionStartTime"]
    return IncomingEvent(
        id=named(seen.id, fields),
        kind="chain" if kind == "observation" else kind,
        trace=trace,
        # What stands first in a trace lies below the trace itself.
        parent=None if is_update else seen.parent_observation_id or trace,
        name=seen.name,
        started_at=seen.start_time or (None if is_update else at),
        ended_at=seen.end_time,
        status=_status(seen),
        error=ErrorInfo(message=seen.status_message) if seen.level == "ERROR" else None,
        model=seen.model or None,
        params=seen.model_parameters or None,
        usage=usage,
        cost=_cost(seen, usage),
        time_to_first_token_ms=_first_token(seen),
        prompt=_prompt(seen),
        environment=seen.environment or None,
        metadata=mapping(seen.metadata),
        stamps=_stamps(seen.version),
        extra=known({"observation": more, "level": _level(seen)}) or None,
        **_said(kind, seen),
    )


def _said(kind: str, seen: Observation) -> Fields:
    if kind == "llm":
        return call_said(seen.input, seen.output)
    return {"input": arguments(seen.input, kind), "output": seen.output}


def _status(seen: Observation) -> Literal["ok", "error"] | None:
    if seen.level == "ERROR":
        return "error"
    return "ok" if seen.end_time else None


def _level(seen: Observation) -> Fields | None:
    """Return what is worth a look and no error."""
    if seen.level in (None, "DEFAULT", "ERROR"):
        return None
    return known({"level": seen.level, "message": seen.status_message})


def _usage(seen: Observation) -> Usage | None:
    """Return the tokens; other units, such as characters, are none."""
    told = seen.usage_details or seen.usage or {}
    return usage_of(told) if told.get("unit") in (None, "TOKENS") else None


def _cost(seen: Observation, usage: Usage | None) -> Decimal | None:
    if seen.cost_details:
        return cost_of(seen.cost_details, usage)
    told = {name: (seen.usage or {}).get(name) for name in COSTS}
    total = told.pop("totalCost")
    return cost_of({"total": total} if total is not None else told, usage)


def _first_token(seen: Observation) -> float | None:
    if seen.completion_start_time is None or seen.start_time is None:
        return None
    waited = (seen.completion_start_time - seen.start_time).total_seconds() * 1000
    return waited if waited >= 0 else None


def _prompt(seen: Observation) -> PromptStamp | None:
    if not seen.prompt_name:
        return None
    return PromptStamp(name=seen.prompt_name, version=seen.prompt_version)


def _stamps(version: str | None) -> dict[str, str] | None:
    return {"version": version} if version else None
