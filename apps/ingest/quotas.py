"""How much a project may send: events a minute, and events stored a month.

A request is admitted before its body is read, while anything is left; what it then brings
is charged, even beyond what was left, and has to run off before the next one is admitted.
So no request is split and nothing is read in vain, and over time no more comes in than the
quota says. The minute is kept in Valkey; while that is away, ingest goes on uncounted. The
month is counted by the account in PostgreSQL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import InvalidError, QuotaError
from apps.ingest import buckets
from apps.ingest.recent import Recent
from apps.tenants.models import Project

MINUTE, MONTH = "minute", "month"
# Of what is allowed; from here on people are warned.
WARN_AT = 0.8
# A sender looks again at least this often, since somebody may raise the quota.
LONGEST_WAIT = 3600
LARGEST = {"events_per_minute": 2**31 - 1, "events_per_month": 2**53 - 1}
# For so many seconds a process uses what it knows, so that ingest asks nobody.
REMEMBER_QUOTA, REMEMBER_MONTH = 10.0, 30.0


@dataclass(frozen=True, slots=True)
class Quota:
    """What a project may send; None is as much as comes."""

    events_per_minute: int | None
    events_per_month: int | None


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one quota is used up."""

    period: str
    limit: int
    used: int
    # Until something is left again, or the period begins anew.
    reset_seconds: float

    @property
    def remaining(self) -> int:
        return max(self.limit - self.used, 0)

    @property
    def state(self) -> str:
        if self.used >= self.limit:
            return "blocked"
        return "warn" if self.used >= WARN_AT * self.limit else "ok"

    @property
    def headers(self) -> dict[str, str]:
        """What every answer to a sender says of it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(math.ceil(self.reset_seconds)),
        }


class QuotaSpentError(QuotaError):
    """Nothing more is taken before ``retry_after_seconds``."""

    def __init__(self, use: Use) -> None:
        super().__init__(
            f"The project's quota of {use.limit} events a {use.period} is used up. "
            "Send this again later, or ask an admin of the project to raise it."
        )
        self.use = use
        self.retry_after_seconds = min(max(math.ceil(use.reset_seconds), 1), LONGEST_WAIT)

    @property
    def reason(self) -> str:
        """The word under which the request is counted."""
        return f"request_quota_{self.use.period}"


_quotas: Recent[Quota] = Recent(REMEMBER_QUOTA)
_months: Recent[int] = Recent(REMEMBER_MONTH)


def admit(project: Project) -> Use | None:
    """Return the quota that is nearest to its end, or raise QuotaSpentError if one is there."""
    found = uses(project)
    for use in found:
        if use.state == "blocked":
            raise QuotaSpentError(use)
    return min(found, key=lambda use: use.remaining / use.limit, default=None)


def charge(project: Project, *, sent: int, stored: int) -> None:
    """Count what a request brought. Resent events take time too, but are stored once."""
    quota = quota_of(project)
    if quota.events_per_minute is not None and sent:
        buckets.take(project.pk, quota.events_per_minute, sent)
    if quota.events_per_month is not None and stored:
        _months.change(project.pk, lambda count: count + stored)


def uses(project: Project) -> list[Use]:
    """Return how much is used of each quota that is known now."""
    quota, found = quota_of(project), []
    if quota.events_per_minute is not None:
        level = buckets.level(project.pk, quota.events_per_minute)
        if level is not None:
            found.append(_minute(quota.events_per_minute, level))
    if quota.events_per_month is not None:
        found.append(_month(project, quota.events_per_month, timezone.now()))
    return found


def quota_of(project: Project) -> Quota:
    """Return the quota of a project, at most a few seconds old."""
    return _quotas.get(project.pk, lambda: read_quota(project))


def read_quota(project: Project) -> Quota:
    """Return the quota of a project as it is now."""
    row = project.ingest_quotas.first()
    if row is not None:
        return Quota(row.events_per_minute, row.events_per_month)
    return Quota(
        settings.PLAYHEAD_EVENTS_PER_MINUTE or None, settings.PLAYHEAD_EVENTS_PER_MONTH or None
    )


@transaction.atomic
def set_quota(
    project: Project,
    *,
    events_per_minute: int | None,
    events_per_month: int | None,
    actor: Actor,
) -> Quota:
    """Set how much may be sent; None is as much as comes. Other processes follow in seconds."""
    limits = {"events_per_minute": events_per_minute, "events_per_month": events_per_month}
    _check(limits)
    before = read_quota(project)
    project.ingest_quotas.update_or_create(defaults=limits)
    audit.record(
        actor,
        "project.set_quota",
        organization_id=project.organization_id,
        project_id=project.pk,
        detail={
            **limits,
            "events_per_minute_before": before.events_per_minute,
            "events_per_month_before": before.events_per_month,
        },
    )
    transaction.on_commit(lambda: _quotas.forget(project.pk))
    return Quota(events_per_minute, events_per_month)


def _check(limits: Mapping[str, int | None]) -> None:
    for name, limit in limits.items():
        if limit is not None and not 1 <= limit <= LARGEST[name]:
            raise InvalidError(f"Must be from 1 to {LARGEST[name]}, or null for none.", name)


def _minute(limit: int, level: float) -> Use:
    # Less than one event is none.
    used = limit - math.floor(level)
    until = max(1 - level, 0) if level < 1 else limit - level
    return Use(MINUTE, limit, used, until * 60 / limit)


def _month(project: Project, limit: int, now: datetime) -> Use:
    stored = _months.get(project.pk, lambda: stored_this_month(project, now))
    return Use(MONTH, limit, stored, (month_after(now) - now).total_seconds())


def stored_this_month(project: Project, now: datetime) -> int:
    """Return how many events were stored since the month began, in UTC."""
    rows = project.ingest_clients.filter(hour__gte=month_of(now))
    return int(rows.aggregate(stored=Sum("accepted", default=0))["stored"])


def month_of(now: datetime) -> datetime:
    """Return when the month began."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(now: datetime) -> datetime:
    """Return when the next month begins."""
    return month_of(month_of(now) + timedelta(days=32))
