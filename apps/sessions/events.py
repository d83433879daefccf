"""The one shape in which events reach the record, whatever client sent them.

Every decoder and importer makes ``IncomingEvent``; only ``store.append`` reads it.
Text is clean when it gets here (no NUL, no lone surrogates), numbers are finite, and
unknown is None. Names of fields are those of the native API.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

Json = Any

KINDS = (
    "llm tool agent chain retriever embedding reranker guardrail evaluator decision memory state "
    "code_change handoff human http time random env error event"
).split()


class Usage(msgspec.Struct, kw_only=True):
    """Tokens of one call. ``input`` includes cached tokens, whoever counted them."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


class ErrorInfo(msgspec.Struct, kw_only=True):
    """What went wrong, in the sender's words. The message is content."""

    type: str | None = None
    message: str | None = None
    code: str | None = None


class PromptStamp(msgspec.Struct, kw_only=True):
    """Which prompt of the library made a call."""

    name: str
    version: int | str | None = None
    variables: Json = None


class Outcome(msgspec.Struct, kw_only=True):
    """How a session ended for the person it served."""

    status: Literal["success", "failure", "abandoned"]
    reason: str | None = None
    code: str | None = None


class IncomingEvent(msgspec.Struct, kw_only=True):
    """One step as it arrived: identity, place, times, and what was said."""

    id: str
    kind: str
    # The sender's session id. None for a span of a trace that has named no session (yet).
    session: str | None = None
    # True where the name is only that of a conversation: frameworks invent such names, so a
    # session id that another event of the trace gives takes its place.
    is_conversation: bool = False
    trace: str | None = None
    parent: str | None = None
    lane: str | None = None
    name: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    # The sender's own order among events without times (index in a file or a batch).
    position: int = 0
    # Of how many things that were sent it is made: log records of one call become one event.
    records: int = 1

    status: Literal["ok", "error"] | None = None
    error: ErrorInfo | None = None
    input: Json = None
    output: Json = None

    model: str | None = None
    model_returned: str | None = None
    provider: str | None = None
    params: dict[str, Json] | None = None
    tools: list[Json] | None = None
    usage: Usage | None = None
    # US dollars as the sender says; None lets the price table decide.
    cost: Decimal | None = None
    time_to_first_token_ms: float | None = None
    response_id: str | None = None

    prompt: PromptStamp | None = None
    stamps: dict[str, str] | None = None
    agent: str | None = None
    effects: Literal["none", "read", "write", "external"] | None = None
    decision: dict[str, Json] | None = None
    state_patch: list[Json] | None = None
    state: Json = None
    code_change: dict[str, Json] | None = None
    inputs: list[str] | None = None
    confidence: float | None = None
    reasoning: str | None = None
    request_id: str | None = None
    memory: dict[str, Json] | None = None
    outcome: Outcome | None = None

    user: str | None = None
    # The user's id as it was sent where redaction changed ``user``: only its keyed hash is
    # kept, so that a person's sessions are still found, and can be erased.
    sent_user: str | None = None
    user_role: str | None = None
    environment: str | None = None
    release: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Json] | None = None
    consent: dict[str, Json] | None = None
    replay: dict[str, Json] | None = None
    schema: int = 1
    # True on the event that says its session is over (a sender's explicit end).
    ends_session: bool = False
    # What no field above holds: raw attributes of a span, unknown fields of a native event.
    extra: dict[str, Json] | None = None
    # The spans and log records that made the event, written short: see apps/sessions/sent.py.
    sent: list[dict[str, Json]] | None = None
    # Notes made on the way in, shown with the event: {"field": "started_at", "reason": "..."}.
    flags: list[dict[str, str]] | None = None


class Loss(msgspec.Struct, kw_only=True):
    """Something that was refused, cut or not understood, to be counted and shown."""

    reason: str
    source: str
    count: int = 1
    sample: bytes | None = None


class AppendResult(msgspec.Struct, kw_only=True):
    """What became of the events of one append, by counts and by session id (UUID text).

    An event counts as often as it has ``records``, so that nothing sent is left out of the
    account. ``accepted`` counts new and completed events, ``completed`` those that added
    something to an event that was there. ``losses`` are session conflicts, for the caller to
    record.
    """

    accepted: int
    duplicates: int
    completed: int
    sessions: list[str]
    losses: list[Loss] = msgspec.field(default_factory=list)
