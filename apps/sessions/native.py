"""An event in the shape of the native API: as it was sent, and its place in the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from apps.sessions.models import Session
from apps.sessions.rows import BODY_FIELDS, EventRow
from apps.sessions.sent import Sent, shown
from apps.sessions.steps import Step

Json = Any

# Fields of the body that go into an event under their own name.
_OWN = [name for name in BODY_FIELDS if name not in {"extra", "sent", "inputs"}]


class Said(msgspec.Struct):
    """The content of an event."""

    input: Json
    output: Json
    body: Mapping[str, Json]


def event(session: Session, step: Step, row: EventRow, said: Said | None = None) -> dict[str, Json]:
    """Return an event; without ``said`` only what is no content."""
    shape = _place(session, step) | _facts(step, row) | _stamped(row)
    if said is not None:
        _say(shape, said)
    return shape


def raw(said: Said, sent: Sequence[Sent]) -> dict[str, Json]:
    """Return what no field of an event holds, and the spans and records that made it."""
    extra: dict[str, Json] = said.body.get("extra", {})
    return extra | ({"sent": [shown(one) for one in sent]} if sent else {})


def moment(value: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC with microseconds."""
    if value is None:
        return None
    # strftime does not pad years before 1000.
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _place(session: Session, step: Step) -> dict[str, Json]:
    return {
        "seq": step.seq,
        "id": step.id,
        "parent": step.parent,
        "client_id": step.client_id,
        "client_parent": step.client_parent,
        "trace": step.trace,
        "session": session.external_id,
        "claimed_session": step.claimed_session,
        "lane": step.lane,
        "depth": step.depth,
        "children": step.children,
    }


def _facts(step: Step, row: EventRow) -> dict[str, Json]:
    return {
        "kind": step.kind,
        "name": step.name,
        "started_at": moment(step.started_at),
        "ended_at": moment(step.ended_at),
        "duration_ms": step.duration_ms,
        "status": step.status,
        "error": None if row.status != "error" else {"type": step.error_type},
        "provider": step.provider,
        "model": step.model,
        "model_returned": step.model_returned,
        "usage": _usage(row),
        "cost": None if row.cost is None else format(row.cost, "f"),
        "is_counted": row.is_counted,
        "time_to_first_token_ms": step.ttft_ms,
        "agent": step.agent,
    }


def _usage(row: EventRow) -> dict[str, int | None] | None:
    usage = {
        "input": row.input_tokens,
        "output": row.output_tokens,
        "cache_read": row.cache_read,
        "cache_write": row.cache_write,
        "reasoning": row.reasoning,
    }
    return usage if any(count is not None for count in usage.values()) else None


def _stamped(row: EventRow) -> dict[str, Json]:
    """Return the fields that are left out where the sender gave none."""
    fields = {
        "prompt": row.prompt_name and {"name": row.prompt_name, "version": _version(row)},
        "stamps": row.stamps,
        "effects": row.effects,
        "confidence": row.confidence,
        "request_id": row.request_id,
        "response_id": row.response_id,
        "environment": row.environment,
        "release": row.release,
        "outcome": row.outcome and {"status": row.outcome},
        "ends_session": row.ends_session or None,
        "schema": row.schema if row.schema != 1 else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _version(row: EventRow) -> int | str | None:
    version = row.prompt_version
    return int(version) if version is not None and version.isdigit() else version


def _say(shape: dict[str, Json], said: Said) -> None:
    shape["input"], shape["output"] = said.input, said.output
    body = said.body
    for name in _OWN:
        if name in body:
            shape[name] = body[name]
    if "inputs" in body:
        shape["inputs"] = body["inputs"]
    for name in ("error", "outcome", "prompt"):
        if name in body:
            shape[name] = (shape.get(name) or {}) | body[name]
    if "extra" in body:
        shape["extra"] = body["extra"]
