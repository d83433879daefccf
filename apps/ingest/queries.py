"""The account of what came in, for those who send and for those who miss something."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Sum

from apps.tenants.models import Project

WINDOW = timedelta(hours=24)
MAX_CLIENTS = 100
COUNTS = ("requests", "accepted", "duplicates", "rejected", "late")
# Losses of detail; the events themselves were taken.
NOTED = ("truncated", "unmapped", "set_right", "session_conflict")


def ingest_health(project: Project, now: datetime) -> dict[str, Any]:
    """Return what came in during the last 24 hours, what was refused, and who sent it."""
    since = (now - WINDOW).replace(minute=0, second=0, microsecond=0)
    clients = project.ingest_clients.filter(hour__gte=since)
    sums = clients.aggregate(**{name: Sum(name, default=0) for name in COUNTS})
    newest = clients.order_by("-last_seen_at").values_list("lag_ms", flat=True).first()
    losses = _losses(project, since)
    return {
        "since": since,
        "accepted": sums["accepted"],
        "duplicates": sums["duplicates"],
        "refused": {reason: count for reason, count in losses.items() if reason not in NOTED},
        "truncated": losses.get("truncated", 0),
        "unmapped": losses.get("unmapped", 0),
        "noted": {reason: count for reason, count in losses.items() if reason in NOTED},
        "late": sums["late"],
        "lag_ms": newest,
        "clients": _clients(project, since),
    }


def _losses(project: Project, since: datetime) -> dict[str, int]:
    found = project.ingest_losses.filter(minute__gte=since).values("reason")
    return dict(found.annotate(total=Sum("count")).values_list("reason", "total"))


def _clients(project: Project, since: datetime) -> list[dict[str, Any]]:
    """Return who sent, the one seen last before the others."""
    found = project.ingest_clients.filter(hour__gte=since).values("version", "source")
    rows = found.annotate(
        user_agent=F("name"),
        last_seen=Max("last_seen_at"),
        **{name: Sum(name) for name in ("requests", "accepted", "duplicates", "rejected")},
    )
    return [dict(row) for row in rows.order_by("-last_seen")[:MAX_CLIENTS]]
