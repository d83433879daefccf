"""Entering one request in the account of what came in, in the transaction that records it.

One statement for all three tables. Rows of the same minute or hour are shared by requests,
so the statement comes last: it holds them until the commit.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from apps.ingest.clients import Client
from apps.ingest.libraries import FIELDS, Libraries
from apps.ingest.losses import LossRow
from apps.sessions import sql
from apps.sessions.arrays import arrays, selected, unnest
from apps.sessions.events import IncomingEvent
from apps.tenants.models import Project

# Spread over this many rows, so that two requests seldom wait for one another.
SLOTS = 8
# What is older than the last of them when it arrives is late.
AGES_MS = (1_000, 10_000, 60_000, 600_000)
AGES = ("within_second", "within_ten_seconds", "within_minute", "within_ten_minutes", "late")
MILLISECOND = timedelta(milliseconds=1)

LOSS_COLUMNS = [("reason", "text"), ("source", "text"), ("count", "bigint"), ("sample", "bytea")]
LIBRARY_COLUMNS = [("name", "text"), ("version", "text"), *((name, "bigint") for name in FIELDS)]
SUMS = ("requests", "refused_requests", "sent", "accepted", "duplicates", "rejected", *AGES)


def _statement() -> str:
    libraries = ", ".join(name for name, _ in LIBRARY_COLUMNS)
    added = ", ".join(f"{name} = ingest_ingestlibrary.{name} + excluded.{name}" for name in FIELDS)
    sums = ", ".join(f"{name} = ingest_ingestclient.{name} + excluded.{name}" for name in SUMS)
    first = 9 + len(LOSS_COLUMNS)
    places = first + len(LIBRARY_COLUMNS)
    values = ", ".join(f"${places + at}::bigint" for at in range(len(SUMS)))
    return f"""
WITH losses AS (
    INSERT INTO ingest_ingestloss (project_id, minute, slot, reason, source, count, sample)
    SELECT $1, date_trunc('minute', $2::timestamptz), $3, {selected(LOSS_COLUMNS)}
    FROM {unnest(LOSS_COLUMNS, 9)}
    ON CONFLICT (project_id, minute, reason, source, slot) DO UPDATE SET
        count = ingest_ingestloss.count + excluded.count,
        sample = coalesce(ingest_ingestloss.sample, excluded.sample)
), libraries AS (
    INSERT INTO ingest_ingestlibrary (project_id, hour, slot, source, {libraries})
    SELECT $1, date_trunc('hour', $2::timestamptz), $3, $4, {selected(LIBRARY_COLUMNS)}
    FROM {unnest(LIBRARY_COLUMNS, first)}
    ON CONFLICT (project_id, hour, name, version, source, slot) DO UPDATE SET {added}
)
INSERT INTO ingest_ingestclient (project_id, hour, slot, source, name, version, lag_ms,
    newest_event_at, first_seen_at, last_seen_at, {", ".join(SUMS)})
VALUES ($1, date_trunc('hour', $2::timestamptz), $3, $4, $5, $6, $7::bigint,
    $8::timestamptz, $2::timestamptz, $2::timestamptz, {values})
ON CONFLICT (project_id, hour, name, version, source, slot) DO UPDATE SET {sums},
    lag_ms = excluded.lag_ms,
    newest_event_at = greatest(ingest_ingestclient.newest_event_at, excluded.newest_event_at),
    last_seen_at = greatest(ingest_ingestclient.last_seen_at, excluded.last_seen_at)
"""  # noqa: S608 - names of our own columns


ENTER = _statement()


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of one request. What was sent is all of the other three."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    refused_requests: int = 0

    @property
    def sent(self) -> int:
        return self.accepted + self.duplicates + self.rejected


class Ages(msgspec.Struct):
    """How long ago the events of a request had ended when it came."""

    counts: list[int]
    newest: datetime | None = None
    lag_ms: int = 0

    @classmethod
    def of(cls, events: Sequence[IncomingEvent], now: datetime) -> Ages:
        """Count the events by their age; such as have no time are in none of the counts."""
        counts = [0] * len(AGES)
        ends = [at for at in (event.ended_at or event.started_at for event in events) if at]
        for at in ends:
            counts[bisect_left(AGES_MS, (now - at) / MILLISECOND)] += 1
        newest = max(ends, default=None)
        lag = max(int((now - newest) / MILLISECOND), 0) if newest else 0
        return cls(counts, newest, lag)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as far as the account is concerned."""

    source: str
    client: Client
    sums: Sums
    losses: Sequence[LossRow] = ()
    events: Sequence[IncomingEvent] = ()
    libraries: Libraries | None = None


def enter(project: Project, request: Request, now: datetime) -> None:
    """Add a request to the account."""
    client, ages, sums = request.client, Ages.of(request.events, now), request.sums
    libraries = request.libraries.rows((client.name, client.version)) if request.libraries else []
    slot = random.randrange(SLOTS)  # noqa: S311 - it spreads writers, nothing more
    values: list[Any] = [project.pk, now, slot, request.source[:64], client.name, client.version]
    values += [ages.lag_ms, ages.newest, *arrays(LOSS_COLUMNS, request.losses)]
    values += arrays(LIBRARY_COLUMNS, libraries)
    values += [1, sums.refused_requests, sums.sent]
    values += [sums.accepted, sums.duplicates, sums.rejected, *ages.counts]
    sql.run(ENTER, *values)
