"""Drafts: events made ready before anything is locked, so that locks are held briefly."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from apps.core.errors import InvalidError
from apps.providers.pricing import price
from apps.sessions.content import Parts
from apps.sessions.events import IncomingEvent, Usage
from apps.sessions.facets import facets_of
from apps.sessions.fidelity import features_of
from apps.sessions.keys import ProjectKeys
from apps.sessions.rows import (
    EventRow,
    body_of,
    cost_of,
    event_id,
    row_digest,
    scope_of,
    tokens_of,
)
from apps.sessions.titles import title_in

Json = Any

MOST_SESSION_ID = 512
BIGINT = 2**63
# An explicit end without a time is after everything.
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)


class Draft(msgspec.Struct, kw_only=True):
    """One version of an event: its row, its bodies, and what it adds to its session."""

    row: EventRow
    # Names the session in which the row lies once that is known.
    claim: str | None
    body: dict[str, Json]
    parts: dict[bytes, bytes]
    facets: set[tuple[str, str]]
    features: int
    # What a list would show the session by, if this is its first input.
    title: str | None
    # (source event id, the sender's name of it)
    sources: list[tuple[bytes, str]]
    # The latest start that any version gave, and the end of the session if one said so.
    latest_start: datetime | None = None
    session_end: datetime | None = None
    # How often it counts in what is told of the append.
    records: int = 1
    # True where a session id that the trace gives elsewhere takes the place of the claim.
    is_weak: bool = False


def draft(event: IncomingEvent, keys: ProjectKeys, environment: str) -> Draft:
    """Make an event ready to be stored."""
    row, body = _row(event, keys, environment)
    parts = Parts(keys.digest)
    if event.input is not None:
        row.input_digest = parts.store("input", event.input)
    if event.output is not None:
        row.output_digest = parts.store("output", event.output)
    if body:
        row.extra_digest = parts.store("extra", body)
    settle(row)
    return Draft(
        row=row,
        claim=event.session,
        is_weak=event.is_conversation and event.trace is not None,
        body=body,
        parts=parts.by_digest,
        facets=facets_of(row, event.tags),
        features=features_of(row, body),
        title=title_in(row.kind, event.input),
        sources=_sources(event),
        latest_start=row.started_at,
        session_end=_session_end(row),
        records=event.records,
    )


def _session_end(row: EventRow) -> datetime | None:
    return (row.ended_at or row.started_at or END_OF_TIME) if row.ends_session else None


def settle(row: EventRow) -> None:
    """Set the columns that follow from the others."""
    row.order_at = row.started_at or row.order_at
    if not row.is_cost_sent:
        row.cost = price_of(row)
    row.digest = row_digest(row)


def price_of(row: EventRow) -> Any:
    """Return what the price table says the call cost."""
    model = row.model_returned or row.model
    if model is None or row.input_tokens is None:
        return None
    usage = Usage(
        input=row.input_tokens,
        output=row.output_tokens,
        cache_read=row.cache_read,
        cache_write=row.cache_write,
    )
    cost = price(row.provider, model, usage, row.started_at)
    if cost is None and row.model is not None and row.model != model:
        return price(row.provider, row.model, usage, row.started_at)
    return cost


def _row(
    event: IncomingEvent, keys: ProjectKeys, environment: str
) -> tuple[EventRow, dict[str, Json]]:
    scope, is_trace = scope_of(event)
    check_names(event)
    flags: list[dict[str, str]] = []
    tokens, cost = tokens_of(event, flags), cost_of(event, flags)
    row = EventRow(
        id=event_id(scope, is_trace, event.id),
        client_id=event.id,
        client_parent=event.parent,
        trace=event.trace,
        parent_id=event_id(scope, is_trace, event.parent) if event.parent is not None else None,
        lane=event.lane,
        kind=event.kind,
        name=event.name,
        started_at=event.started_at,
        ended_at=event.ended_at,
        position=event.position,
        status="error" if event.error is not None else event.status,
        error_type=event.error.type if event.error else None,
        provider=event.provider,
        model=event.model,
        model_returned=event.model_returned,
        agent=event.agent,
        environment=environment or event.environment,
        release=event.release or (event.stamps or {}).get("release"),
        user_ref=_user_ref(event, keys),
        cost=cost,
        is_cost_sent=cost is not None,
        ttft_ms=event.time_to_first_token_ms,
        effects=event.effects,
        confidence=event.confidence,
        outcome=event.outcome.status if event.outcome else None,
        ends_session=event.ends_session,
        response_id=event.response_id,
        request_id=event.request_id,
        schema=event.schema,
        stamps=event.stamps,
    )
    for column, count in tokens.items():
        setattr(row, column, count)
    _add_prompt(row, event)
    _add_replay(row, event, keys)
    body = body_of(event, flags)
    if environment and event.sent:
        body["sent"] = [entry | {"environment": environment} for entry in event.sent]
    return row, body


def _user_ref(event: IncomingEvent, keys: ProjectKeys) -> str | None:
    user = event.user if event.sent_user is None else event.sent_user
    return None if user is None else keys.identity("user", user).hex()


def check_names(event: IncomingEvent) -> None:
    """Refuse an event that belongs nowhere, or to a session whose name cannot be indexed."""
    if event.session is None and event.trace is None:
        raise InvalidError("An event needs a session or a trace.", "session")
    if event.session is not None and len(event.session) > MOST_SESSION_ID:
        raise InvalidError(f"session may have {MOST_SESSION_ID} characters at most.", "session")


def _add_prompt(row: EventRow, event: IncomingEvent) -> None:
    if event.prompt is None:
        return
    row.prompt_name = event.prompt.name
    row.prompt_version = None if event.prompt.version is None else str(event.prompt.version)


def _add_replay(row: EventRow, event: IncomingEvent, keys: ProjectKeys) -> None:
    replay = event.replay or {}
    ordinal = replay.get("ordinal")
    if isinstance(ordinal, int) and -BIGINT <= ordinal < BIGINT:
        row.ordinal = int(ordinal)
    if isinstance(sent := replay.get("request_hash"), str):
        row.request_mac = keys.identity("request", sent)
    if isinstance(sent := replay.get("loose_hash"), str):
        row.loose_mac = keys.identity("loose", sent)


def _sources(event: IncomingEvent) -> list[tuple[bytes, str]]:
    scope, is_trace = scope_of(event)
    return [(event_id(scope, is_trace, name), name) for name in dict.fromkeys(event.inputs or ())]


def drafts(events: Iterable[IncomingEvent], keys: ProjectKeys, environment: str) -> list[Draft]:
    """Make the events of one append ready."""
    return [draft(event, keys, environment) for event in events]
