"""A session as it is held, locked, during an append: its sums, its times, its firsts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from apps.sessions.fidelity import fidelity_of
from apps.sessions.keys import SessionCipher, WrappedKey
from apps.sessions.models import UNKNOWN_NUMBER, UNKNOWN_TIME, Status
from apps.sessions.rows import TOKENS, EventRow
from apps.sessions.sums import COST, Amounts

Json = Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
FIRSTS = ("environment", "release", "agent", "user_ref")
TITLE = b"title"
REASON = b"outcome reason"
PERSON = "person"
UNKNOWN_START = 2**62

# What an append reads and writes, in the order of SessionRow's fields.
COLUMNS: list[tuple[str, str]] = [
    ("id", "uuid"),
    ("status", "text"),
    ("environment", "text"),
    ("release", "text"),
    ("agent", "text"),
    ("user_ref", "text"),
    ("title", "bytea"),
    ("firsts", "jsonb"),
    ("started_at", "timestamptz"),
    ("last_event_at", "timestamptz"),
    ("last_started_at", "timestamptz"),
    ("ended_at", "timestamptz"),
    ("duration_ms", "float8"),
    ("event_count", "bigint"),
    ("error_count", "bigint"),
    ("counts", "jsonb"),
    ("input_tokens", "bigint"),
    ("output_tokens", "bigint"),
    ("cache_read", "bigint"),
    ("cache_write", "bigint"),
    ("reasoning", "bigint"),
    ("cost", "numeric"),
    ("known", "jsonb"),
    ("sort_started", "timestamptz"),
    ("sort_cost", "numeric"),
    ("sort_duration", "float8"),
    ("features", "bigint"),
    ("fidelity", "bigint"),
    ("outcome", "text"),
    ("outcome_code", "text"),
    ("outcome_reason", "bytea"),
    ("outcome_by", "text"),
    ("outcome_from", "jsonb"),
    ("chunk_number", "bigint"),
    ("chunk_count", "bigint"),
]


class SessionRow(msgspec.Struct, kw_only=True):
    """The columns of a session that events change."""

    id: bytes
    status: str
    environment: str | None
    release: str | None
    agent: str | None
    user_ref: str | None
    title: bytes | None
    firsts: dict[str, list[Json]]
    started_at: datetime | None
    last_event_at: datetime | None
    last_started_at: datetime | None
    ended_at: datetime | None
    duration_ms: float | None
    event_count: int
    error_count: int
    counts: dict[str, int]
    input_tokens: int | None
    output_tokens: int | None
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None
    cost: Decimal | None
    known: dict[str, int]
    sort_started: datetime
    sort_cost: Decimal
    sort_duration: float
    features: int
    fidelity: int
    outcome: str | None
    outcome_code: str | None
    outcome_reason: bytes | None
    outcome_by: str | None
    outcome_from: dict[str, Json] | None
    chunk_number: int
    chunk_count: int

    def amounts(self) -> Amounts:
        """Return the sums as they are stored."""
        sums = {name: getattr(self, name) or 0 for name in (*TOKENS, COST)}
        return Amounts(
            events=self.event_count,
            errors=self.error_count,
            counts=dict(self.counts),
            sums=sums,
            known=dict(self.known),
        )

    def set_amounts(self, amounts: Amounts) -> None:
        """Store sums; what no event contributes to is unknown, not 0."""
        self.event_count, self.error_count = amounts.events, amounts.errors
        self.counts = {kind: count for kind, count in amounts.counts.items() if count}
        self.known = {name: count for name, count in amounts.known.items() if count}
        for name in (*TOKENS, COST):
            setattr(self, name, amounts.total(name))
        self.sort_cost = Decimal(UNKNOWN_NUMBER) if self.cost is None else self.cost

    def take_version(
        self, row: EventRow, features: int, start: datetime | None, end: datetime | None
    ) -> bool:
        """Widen the session by what any version of an event said, even one that lost.

        ``start`` is the latest start that a version gave, ``end`` the session's own end.
        Tells whether it was news.
        """
        before = self.features, self.started_at, self.last_started_at, self.last_event_at
        ended = self.ended_at
        self.features |= features
        self.started_at = earliest(self.started_at, row.started_at)
        self.last_started_at = latest(self.last_started_at, start)
        self.last_event_at = latest(self.last_event_at, latest(start, row.ended_at))
        self.ended_at = latest(self.ended_at, end)
        after = self.features, self.started_at, self.last_started_at, self.last_event_at
        return before != after or ended != self.ended_at

    def settle(self) -> None:
        """Set what follows from times and features."""
        self.sort_started = self.started_at or UNKNOWN_TIME
        self.duration_ms = None
        # One instant tells when something happened, not how long it took.
        if self.started_at and self.last_event_at and self.last_event_at > self.started_at:
            self.duration_ms = (self.last_event_at - self.started_at).total_seconds() * 1000
        self.sort_duration = UNKNOWN_NUMBER if self.duration_ms is None else self.duration_ms
        self.fidelity = fidelity_of(self.features, self.known)
        self.status = Status.CLOSED if self.has_ended else Status.OPEN

    @property
    def has_ended(self) -> bool:
        """The sender said that it is over, and nothing started after that."""
        if self.ended_at is None:
            return False
        return self.last_started_at is None or self.last_started_at <= self.ended_at

    def offer_firsts(self, row: EventRow) -> None:
        """Let an event be the one that the session's environment, agent, ... are taken from."""
        place = place_of(row)
        for name in FIRSTS:
            value = getattr(row, name)
            if value is not None and self._takes(name, place):
                setattr(self, name, value)

    def offer_title(self, row: EventRow, text: str | None, cipher: SessionCipher) -> None:
        """Let an event's input be the session's title."""
        place, source = place_of(row), self.firsts.get("title")
        if text is None:
            if source is not None and source[2] == place[2]:
                self.firsts["title"] = place
        elif self._takes("title", place):
            self.title = cipher.seal(text.encode(), TITLE)

    def _takes(self, name: str, place: list[Json]) -> bool:
        source = self.firsts.get(name)
        if source is not None and source[2] != place[2] and source <= place:
            return False
        self.firsts[name] = place
        return True

    def offer_outcome(self, row: EventRow, said: Mapping[str, Json], cipher: SessionCipher) -> None:
        """Let an event say how the session ended; the latest one does, people over all."""
        if row.outcome is None or (self.outcome_from or {}).get("by") == PERSON:
            return
        source = {"by": "event", "end": microseconds(row.ended_at), "id": row.id.hex()}
        if self.outcome_from is not None and outcome_rank(self.outcome_from) > outcome_rank(source):
            return
        self.outcome, self.outcome_code, self.outcome_by = row.outcome, said.get("code"), "event"
        reason = said.get("reason")
        self.outcome_reason = None if reason is None else cipher.seal(reason.encode(), REASON)
        self.outcome_from = source


class HeldSession(msgspec.Struct, kw_only=True):
    """A session that this transaction has locked, and its key."""

    row: SessionRow
    external_id: str | None
    key: WrappedKey
    cipher: SessionCipher
    amounts: Amounts
    # Made by this transaction; ``is_new`` as long as no event is in it.
    was_made: bool = False
    is_new: bool = False
    is_changed: bool = False
    # Whether its origin can be found by already.
    is_published: bool = False
    old_sort_started: datetime = UNKNOWN_TIME
    # Digests of its newest contents, which need not be stored again.
    recent: set[bytes] = msgspec.field(default_factory=set)


def outcome_rank(source: Mapping[str, Json]) -> tuple[int, str]:
    end = source["end"]
    return (-(2**63) if end is None else end), source["id"]


def place_of(row: EventRow) -> list[Json]:
    """Return how early an event was, as JSON that compares alike.

    Other than in replay order an unknown time is late here: once it is known, the event can
    only move forward, so whoever is first stays so until somebody earlier comes.
    """
    started = UNKNOWN_START if row.started_at is None else microseconds(row.started_at)
    return [started, row.position, row.id.hex()]


def microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def earliest(a: datetime | None, b: datetime | None) -> datetime | None:
    return min(a, b) if a and b else a or b


def latest(a: datetime | None, b: datetime | None) -> datetime | None:
    return max(a, b) if a and b else a or b


# JSON comes as text and ids as 16 bytes: both are taken apart here, once.
SELECTED = ", ".join(
    f"uuid_send(s.{name})"
    if type_name == "uuid"
    else f"s.{name}::text"
    if type_name == "jsonb"
    else f"s.{name}"
    for name, type_name in COLUMNS
)
_JSON_AT = {at for at, (_, type_name) in enumerate(COLUMNS) if type_name == "jsonb"}
_NAMES = [name for name, _ in COLUMNS]


def session_row(values: Sequence[Any]) -> SessionRow:
    """Return the row read with ``SELECTED``."""
    read = {
        name: orjson.loads(value) if at in _JSON_AT and value is not None else value
        for at, (name, value) in enumerate(zip(_NAMES, values, strict=True))
    }
    return SessionRow(**read)
