"""An event as a row: narrow columns and three digests, made from what arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from apps.core.canonical import canonical_json
from apps.sessions.events import IncomingEvent, PromptStamp
from apps.sessions.models import UNKNOWN_TIME

Json = Any

# A count above this is no count of tokens; sums of such would leave the range of a column.
MOST_TOKENS = 10**12
# US dollars of one call.
MOST_COST = Decimal(10) ** 9

# The columns that an append writes, in the order of EventRow's fields.
COLUMNS: list[tuple[str, str]] = [
    ("id", "uuid"),
    ("client_id", "text"),
    ("client_parent", "text"),
    ("trace", "text"),
    ("parent_id", "uuid"),
    ("claimed_session", "text"),
    ("lane", "text"),
    ("kind", "text"),
    ("name", "text"),
    ("started_at", "timestamptz"),
    ("ended_at", "timestamptz"),
    ("order_at", "timestamptz"),
    ("position", "bigint"),
    ("status", "text"),
    ("error_type", "text"),
    ("provider", "text"),
    ("model", "text"),
    ("model_returned", "text"),
    ("prompt_name", "text"),
    ("prompt_version", "text"),
    ("agent", "text"),
    ("environment", "text"),
    ("release", "text"),
    ("user_ref", "text"),
    ("input_tokens", "bigint"),
    ("output_tokens", "bigint"),
    ("cache_read", "bigint"),
    ("cache_write", "bigint"),
    ("reasoning", "bigint"),
    ("cost", "numeric"),
    ("is_cost_sent", "boolean"),
    ("is_counted", "boolean"),
    ("ttft_ms", "float8"),
    ("effects", "text"),
    ("confidence", "float8"),
    ("outcome", "text"),
    ("ends_session", "boolean"),
    ("response_id", "text"),
    ("request_id", "text"),
    ("schema", "bigint"),
    ("ordinal", "bigint"),
    ("request_mac", "bytea"),
    ("loose_mac", "bytea"),
    ("stamps", "jsonb"),
    ("field_ends", "jsonb"),
    ("input_digest", "bytea"),
    ("output_digest", "bytea"),
    ("extra_digest", "bytea"),
    ("digest", "bytea"),
]
TOKENS = ("input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning")

# Fields of an event that are no column: kept together as one body.
BODY_FIELDS = (
    "params",
    "tools",
    "decision",
    "state_patch",
    "state",
    "code_change",
    "inputs",
    "reasoning",
    "memory",
    "user",
    "user_role",
    "tags",
    "metadata",
    "consent",
    "replay",
    "extra",
    "sent",
    "flags",
)


class EventRow(msgspec.Struct, kw_only=True):
    """The columns of one event. Ids are 16 bytes; derived columns are set by ``settle``."""

    id: bytes
    client_id: str
    client_parent: str | None = None
    trace: str | None = None
    parent_id: bytes | None = None
    claimed_session: str | None = None
    lane: str | None = None
    kind: str
    name: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    order_at: datetime = UNKNOWN_TIME
    position: int = 0
    status: str | None = None
    error_type: str | None = None
    provider: str | None = None
    model: str | None = None
    model_returned: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    agent: str | None = None
    environment: str | None = None
    release: str | None = None
    user_ref: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    cost: Decimal | None = None
    is_cost_sent: bool = False
    is_counted: bool = True
    ttft_ms: float | None = None
    effects: str | None = None
    confidence: float | None = None
    outcome: str | None = None
    ends_session: bool = False
    response_id: str | None = None
    request_id: str | None = None
    schema: int = 1
    ordinal: int | None = None
    request_mac: bytes | None = None
    loose_mac: bytes | None = None
    stamps: dict[str, Json] | None = None
    field_ends: dict[str, int | None] | None = None
    input_digest: bytes | None = None
    output_digest: bytes | None = None
    extra_digest: bytes | None = None
    digest: bytes = b""

    @property
    def order(self) -> tuple[datetime, int, bytes]:
        """The event's place in replay order."""
        return self.order_at, self.position, self.id

    @property
    def has_usage(self) -> bool:
        return (
            self.input_tokens is not None
            or self.output_tokens is not None
            or self.cache_read is not None
            or self.cache_write is not None
            or self.reasoning is not None
            or self.is_cost_sent
        )

    @property
    def duration_ms(self) -> float | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds() * 1000


# What a row says regardless of how it got there: derived and bookkeeping columns left out.
_SAID = [
    name
    for name, _ in COLUMNS
    if name not in {"order_at", "position", "cost", "is_counted", "stamps", "field_ends", "digest"}
]
_SAID_AT = [at for at, (name, _) in enumerate(COLUMNS) if name in _SAID]
_encoder = msgspec.msgpack.Encoder(decimal_format="string")


def row_digest(row: EventRow) -> bytes:
    """Return 16 bytes that stand for everything the row says."""
    values = msgspec.structs.astuple(row)
    said = [values[at] for at in _SAID_AT]
    said.append(row.cost if row.is_cost_sent else None)
    said.append(canonical_json([row.stamps, row.field_ends]))
    return hashlib.blake2b(_encoder.encode(said), digest_size=16).digest()


def event_id(scope: str, is_trace: bool, client_id: str) -> bytes:
    """Return the id of an event: any version of it, from anywhere, has the same.

    So a child can name its parent's row before the parent arrives.
    """
    text = f"{'t' if is_trace else 's'}{len(scope)}:{scope}{client_id}"
    return hashlib.blake2b(text.encode(), digest_size=16, person=b"playhead event").digest()


def scope_of(event: IncomingEvent) -> tuple[str, bool]:
    """Return within what the event's client id is unique: its trace, or else its session."""
    if event.trace is not None:
        return event.trace, True
    return event.session or "", False


def body_of(event: IncomingEvent, row_flags: list[dict[str, str]]) -> dict[str, Json]:
    """Return what of an event is no column, input and output aside."""
    body = {name: value for name in BODY_FIELDS if (value := getattr(event, name)) is not None}
    if event.error is not None:
        _put(body, "error", {"message": event.error.message, "code": event.error.code})
    if event.outcome is not None:
        _put(body, "outcome", {"reason": event.outcome.reason, "code": event.outcome.code})
    if event.prompt is not None:
        _put(body, "prompt", _prompt(event.prompt))
    if row_flags:
        body["flags"] = [*body.get("flags", []), *row_flags]
    return body


def _put(body: dict[str, Json], name: str, value: Mapping[str, Json]) -> None:
    known = {key: inner for key, inner in value.items() if inner is not None}
    if known:
        body[name] = known


def _prompt(prompt: PromptStamp) -> dict[str, Json]:
    version = prompt.version
    # The column holds text; text that reads like a number is kept as what it was.
    is_ambiguous = isinstance(version, str) and version.isdigit()
    return {"variables": prompt.variables, "version": version if is_ambiguous else None}


def tokens_of(event: IncomingEvent, flags: list[dict[str, str]]) -> dict[str, int | None]:
    """Return the five token counts; one that cannot be a count is unknown, and flagged."""
    usage = event.usage
    if usage is None:
        return {}
    names = ("input", "output", "cache_read", "cache_write", "reasoning")
    counts: dict[str, int | None] = {}
    for column, name in zip(TOKENS, names, strict=True):
        count = getattr(usage, name)
        if count is not None and not 0 <= count <= MOST_TOKENS:
            flags.append({"field": f"usage.{name}", "reason": "out_of_range"})
            count = None
        counts[column] = count
    return counts


def cost_of(event: IncomingEvent, flags: list[dict[str, str]]) -> Decimal | None:
    """Return the cost that the sender gave; one that cannot be is unknown, and flagged."""
    if event.cost is None or 0 <= event.cost <= MOST_COST:
        return event.cost
    flags.append({"field": "cost", "reason": "out_of_range"})
    return None
