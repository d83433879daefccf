"""Which client software sends, how much of it was taken, and how late it came."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.ingest.losses import SLOTS
from apps.sessions.events import IncomingEvent
from apps.tenants.models import Project

LATE = timedelta(minutes=10)
PRODUCT = re.compile(r"(?P<name>[^\s/();]{1,120})(?:/(?P<version>[^\s();]{1,60}))?")

ADD_SIGHTING = """
INSERT INTO ingest_ingestclient (project_id, hour, name, version, source, slot, requests,
    accepted, duplicates, rejected, late, lag_ms, last_seen_at)
VALUES (%(project)s, date_trunc('hour', %(now)s::timestamptz), %(name)s, %(version)s, %(source)s,
    %(slot)s, 1, %(accepted)s, %(duplicates)s, %(rejected)s, %(late)s, %(lag_ms)s, %(now)s)
ON CONFLICT (project_id, hour, name, version, source, slot) DO UPDATE SET
    requests = ingest_ingestclient.requests + 1,
    accepted = ingest_ingestclient.accepted + excluded.accepted,
    duplicates = ingest_ingestclient.duplicates + excluded.duplicates,
    rejected = ingest_ingestclient.rejected + excluded.rejected,
    late = ingest_ingestclient.late + excluded.late,
    lag_ms = excluded.lag_ms,
    last_seen_at = greatest(ingest_ingestclient.last_seen_at, excluded.last_seen_at)
"""


@dataclass(frozen=True, slots=True)
class Client:
    """A client software, as it names itself."""

    name: str
    version: str = ""

    @classmethod
    def of(cls, user_agent: str) -> Client:
        """Return the client of a User-Agent header; its first product is what it is."""
        product = PRODUCT.match(user_agent.replace("\x00", "").strip())
        if product is None:
            return cls("unknown")
        return cls(product["name"], product["version"] or "")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What became of one request."""

    source: str
    accepted: int
    duplicates: int
    rejected: int


def record(
    project: Project,
    client: Client,
    sighting: Sighting,
    events: Sequence[IncomingEvent],
    now: datetime,
) -> None:
    """Add one request to the client's hour, in the caller's transaction.

    The row stays locked until the commit, so this comes last.
    """
    ends = [at for at in (event.ended_at or event.started_at for event in events) if at]
    lag = now - max(ends) if ends else timedelta(0)
    values: dict[str, Any] = {
        "project": project.pk,
        "now": now,
        "name": client.name,
        "version": client.version,
        "source": sighting.source,
        "slot": random.randrange(SLOTS),  # noqa: S311 - it spreads writers, nothing more
        "accepted": sighting.accepted,
        "duplicates": sighting.duplicates,
        "rejected": sighting.rejected,
        "late": sum(now - at > LATE for at in ends),
        "lag_ms": max(int(lag / timedelta(milliseconds=1)), 0),
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD_SIGHTING, values)
