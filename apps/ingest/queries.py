"""The account of what came in, for those who send and for those who miss something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Min, Sum

from apps.ingest.accounts import AGES
from apps.ingest.libraries import FIELDS
from apps.ingest.losses import opened
from apps.tenants.models import Project

MAX_ROWS = 100
HOUR = timedelta(hours=1)
COUNTS = ("requests", "refused_requests", "sent", "accepted", "duplicates", "rejected", "late")

Row = dict[str, Any]


def first_hour(now: datetime, hours: int) -> datetime:
    """Return when a window of so many hours begins; the running one is the last of them."""
    return now.replace(minute=0, second=0, microsecond=0) - (hours - 1) * HOUR


def sums(project: Project, since: datetime) -> Row:
    """Return all counts of the window, and when the last request and the newest event came."""
    found = project.ingest_clients.filter(hour__gte=since)
    row = found.aggregate(
        **{name: Sum(name, default=0) for name in dict.fromkeys((*COUNTS, *AGES))},
        newest_event_at=Max("newest_event_at"),
        last_seen=Max("last_seen_at"),
    )
    newest = found.order_by("-last_seen_at").values_list("lag_ms", flat=True).first()
    return dict(row) | {"lag_ms": newest}


def last_seen(project: Project) -> datetime | None:
    """Return when the last request came, as far as the account goes back."""
    newest = project.ingest_clients.order_by("-last_seen_at")
    return newest.values_list("last_seen_at", flat=True).first()


def by_source(project: Project, since: datetime) -> list[Row]:
    """Return the counts of each way in."""
    found = project.ingest_clients.filter(hour__gte=since).values("source")
    return [dict(row) for row in found.annotate(**_sums(COUNTS)).order_by("source")]


def by_hour(project: Project, since: datetime, now: datetime) -> list[Row]:
    """Return the counts of every hour of the window; in hours that have none, none came."""
    found = project.ingest_clients.filter(hour__gte=since).values("hour")
    known = {row["hour"]: dict(row) for row in found.annotate(**_sums(COUNTS))}
    hours = [since + at * HOUR for at in range((now - since) // HOUR + 1)]
    return [known.get(hour, {"hour": hour} | dict.fromkeys(COUNTS, 0)) for hour in hours]


def clients(project: Project, since: datetime) -> list[Row]:
    """Return who sent, the one seen last before the others."""
    found = project.ingest_clients.filter(hour__gte=since).values("version", "source")
    rows = found.annotate(
        user_agent=F("name"),
        first_seen=Min("first_seen_at"),
        last_seen=Max("last_seen_at"),
        **_sums(COUNTS),
    )
    return [dict(row) for row in rows.order_by("-last_seen")[:MAX_ROWS]]


def libraries(project: Project, since: datetime) -> list[Row]:
    """Return what each library said, those with the most calls first."""
    found = project.ingest_libraries.filter(hour__gte=since).values("name", "version")
    rows = found.annotate(last_seen=Max("hour"), **_sums(FIELDS))
    first = rows.order_by("-llm", "-events", "name", "version")[:MAX_ROWS]
    return [dict(row) for row in first]


def losses(project: Project, since: datetime) -> list[Row]:
    """Return how much of what was refused or changed, by reason and way in."""
    found = project.ingest_losses.filter(minute__gte=since).values("reason", "source")
    rows = found.annotate(total=Sum("count"), first_seen=Min("minute"), last_seen=Max("minute"))
    return [dict(row) for row in rows.order_by("-total", "reason", "source")[:MAX_ROWS]]


def samples(project: Project, since: datetime) -> dict[tuple[str, str], str]:
    """Return the newest sample of each reason and way in. It is content."""
    found = project.ingest_losses.filter(minute__gte=since).exclude(sample=None)
    newest = found.order_by("reason", "source", "-minute").distinct("reason", "source")[:MAX_ROWS]
    return {
        (loss.reason, loss.source): opened(project, bytes(loss.sample or b"")) for loss in newest
    }


def _sums(names: Sequence[str]) -> dict[str, Sum]:
    return {name: Sum(name) for name in names}
