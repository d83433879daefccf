"""The state of a project's ingest: what came in, what did not, why, and what would help."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from typing import Any

from apps.core.errors import InvalidError
from apps.ingest import buckets, queries, quotas
from apps.ingest.accounts import AGES, AGES_MS, MILLISECOND
from apps.ingest.advice import Advice, advice, package_of
from apps.ingest.queries import Row
from apps.ingest.quotas import Use
from apps.ingest.reasons import Effect, Reason, reason_of
from apps.tenants.models import Project

MAX_HOURS = 168
DEFAULT_HOURS = 24
WITHIN = {
    1_000: "within 1 s",
    10_000: "within 10 s",
    60_000: "within 1 min",
    600_000: "within 10 min",
    None: "after more than 10 min",
}


@dataclass(frozen=True, slots=True)
class Told:
    """How often one reason was given, and the newest sample of it."""

    reason: Reason
    source: str
    count: int
    first_seen: datetime
    last_seen: datetime
    # Content: None also for those who may not read it.
    sample: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not well: how bad it is, in words, and where the page says more."""

    level: str
    sentence: str
    place: str


@dataclass(frozen=True)
class Health:
    """Everything the page and the API tell, from a few sums over the account."""

    project: Project
    now: datetime
    since: datetime
    hours: int
    sums: Row
    reasons: list[Told]
    libraries: list[Row]
    uses: list[Use]
    is_uncounted: bool
    may_read: bool = field(default=False)

    @cached_property
    def refused(self) -> dict[str, int]:
        """Refused events by reason; together they are the rejected ones."""
        return self._counts(Effect.REFUSED)

    @cached_property
    def refused_requests(self) -> dict[str, int]:
        return self._counts(Effect.REQUEST)

    @cached_property
    def noted(self) -> dict[str, int]:
        """What was taken, though not as it was sent."""
        return self._counts(Effect.NOTED, Effect.WANTED)

    def _counts(self, *effects: Effect) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for told in self.reasons:
            if told.reason.effect in effects:
                counts[told.reason.code] += told.count
        return dict(counts)

    @cached_property
    def unmapped_names(self) -> list[str] | None:
        """The newest names without a meaning; None for those who may not read content."""
        if not self.may_read:
            return None
        told = [one.sample for one in self.reasons if one.reason.code == "unmapped" and one.sample]
        return sorted({name for sample in told for name in sample.split(", ")})

    @cached_property
    def advice(self) -> list[Advice]:
        return advice(self.libraries)

    @cached_property
    def by_source(self) -> list[Row]:
        return queries.by_source(self.project, self.since)

    @cached_property
    def by_hour(self) -> list[Row]:
        return queries.by_hour(self.project, self.since, self.now)

    @cached_property
    def clients(self) -> list[Row]:
        return queries.clients(self.project, self.since)

    @property
    def newest_age_ms(self) -> int | None:
        """How long ago the newest event that came had ended."""
        newest = self.sums["newest_event_at"]
        return None if newest is None else max(int((self.now - newest) / MILLISECOND), 0)

    def arrived_within_ms(self, share: float) -> int | None:
        """Return a time within which that share of the events came; None beyond the longest."""
        counts = [self.sums[name] for name in AGES]
        for bound, known in zip(AGES_MS, accumulate(counts), strict=False):
            if known >= share * sum(counts) > 0:
                return bound
        return None

    @property
    def half_within_ms(self) -> int | None:
        """A time within which half of the events came."""
        return self.arrived_within_ms(0.5)

    @property
    def most_within_ms(self) -> int | None:
        """A time within which 95 % of the events came."""
        return self.arrived_within_ms(0.95)

    @property
    def delay(self) -> str:
        """The same in words."""
        half, most = (WITHIN[bound] for bound in (self.half_within_ms, self.most_within_ms))
        return f"half {half}, 95 % {most}"

    @cached_property
    def problems(self) -> list[Problem]:
        """What is wrong, the worst first."""
        return [*self._quota_problems(), *self._losses(), *self._silences(), *self._notes()]

    def _quota_problems(self) -> list[Problem]:
        words = {"blocked": "is used up: requests are refused", "warn": "is nearly used up"}
        levels = {"blocked": "error", "warn": "warn"}
        found = [
            Problem(levels[use.state], f"The quota of a {use.period} {words[use.state]}.", "quotas")
            for use in self.uses
            if use.state in levels
        ]
        if self.is_uncounted:
            sentence = "Valkey is away, so the quota of a minute is not counted; all is taken."
            found.append(Problem("warn", sentence, "quotas"))
        return found

    def _losses(self) -> list[Problem]:
        found = []
        for counts, noun in ((self.refused, "event"), (self.refused_requests, "request")):
            if total := sum(counts.values()):
                worst = reason_of(max(counts, key=lambda code: counts[code])).title.lower()
                many = f"{noun}s were" if total > 1 else f"{noun} was"
                found.append(
                    Problem("error", f"{total:,} {many} refused, mostly: {worst}.", "reasons")
                )
        return found

    def _silences(self) -> list[Problem]:
        return [Problem("warn", one.sentence, "libraries") for one in self.advice]

    def _notes(self) -> list[Problem]:
        sentences = {
            "truncated": "Senders cut {} attributes or texts off.",
            "session_conflict": "{} events lie in another session than they say.",
        }
        return [
            Problem("warn", sentence.format(f"{self.noted[code]:,}"), "reasons")
            for code, sentence in sentences.items()
            if code in self.noted
        ]

    @property
    def state(self) -> str:
        """The worst of all levels; "none" while nothing came."""
        levels = [problem.level for problem in self.problems]
        if "error" in levels or "warn" in levels:
            return "error" if "error" in levels else "warn"
        return "ok" if self.sums["requests"] else "none"

    @property
    def headline(self) -> str:
        """The state in one sentence."""
        if self.problems:
            return self.problems[0].sentence
        if self.sums["requests"]:
            return "All is well: everything that was sent is recorded."
        last = queries.last_seen(self.project)
        if last is None:
            return "Nothing was sent yet."
        return f"Nothing was sent in this time; the last request came {last:%Y-%m-%d %H:%M} UTC."


def read_hours(text: str) -> int:
    """Return the window that was asked for, in hours."""
    if not text:
        return DEFAULT_HOURS
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MAX_HOURS):
        raise InvalidError(f"hours must be a whole number from 1 to {MAX_HOURS}.", "hours")
    return int(text[:4])


def health_of(project: Project, now: datetime, hours: int, *, may_read: bool) -> Health:
    """Return the state of a project's ingest; samples only for those who may read content."""
    since = queries.first_hour(now, hours)
    uses = quotas.uses(project)
    quota = quotas.quota_of(project)
    return Health(
        project=project,
        now=now,
        since=since,
        hours=hours,
        sums=queries.sums(project, since),
        reasons=_told(project, since, may_read),
        libraries=queries.libraries(project, since),
        uses=uses,
        is_uncounted=quota.events_per_minute is not None and buckets.is_away(),
        may_read=may_read,
    )


def _told(project: Project, since: datetime, may_read: bool) -> list[Told]:
    samples = queries.samples(project, since) if may_read else {}
    told = [
        Told(
            reason=reason_of(row["reason"]),
            source=row["source"],
            count=row["total"],
            first_seen=row["first_seen"],
            last_seen=row["last_seen"],
            sample=samples.get((row["reason"], row["source"])),
        )
        for row in queries.losses(project, since)
    ]
    order = list(Effect)
    return sorted(told, key=lambda one: order.index(one.reason.effect))


def answer(health: Health) -> dict[str, Any]:
    """Return what the API tells."""
    sums, noted = health.sums, health.noted
    return {
        "state": health.state,
        "headline": health.headline,
        "since": health.since,
        "until": health.now,
        "hours": health.hours,
        "requests": sums["requests"],
        "sent": sums["sent"],
        "accepted": sums["accepted"],
        "duplicates": sums["duplicates"],
        "rejected": sums["rejected"],
        "refused": health.refused,
        "refused_requests": health.refused_requests,
        "truncated": noted.get("truncated", 0),
        "unmapped": noted.get("unmapped", 0),
        "unmapped_names": health.unmapped_names,
        "conflicting": noted.get("session_conflict", 0),
        "set_right": noted.get("set_right", 0),
        "redacted": noted.get("redacted", 0),
        "noted": noted,
        "late": sums["late"],
        "lag_ms": sums["lag_ms"],
        "lag": {
            "newest_event_age_ms": health.newest_age_ms,
            "p50_within_ms": health.half_within_ms,
            "p95_within_ms": health.most_within_ms,
        },
        "sources": health.by_source,
        "series": health.by_hour,
        "clients": health.clients,
        "libraries": [_library(row) for row in health.libraries],
        "reasons": [_reason(told) for told in health.reasons],
        "advice": [_advice(one) for one in health.advice],
        "quotas": quotas_answer(health.project, health.uses),
        "quota_is_counted": not health.is_uncounted,
    }


def quotas_answer(project: Project, uses: list[Use]) -> dict[str, Any]:
    """Return what a project may send, and how much of it is used."""
    quota = quotas.quota_of(project)
    return {
        "events_per_minute": quota.events_per_minute,
        "events_per_month": quota.events_per_month,
        "uses": [
            {
                "period": use.period,
                "limit": use.limit,
                "used": use.used,
                "remaining": use.remaining,
                "reset_seconds": use.reset_seconds,
                "state": use.state,
            }
            for use in uses
        ],
    }


def _library(row: Row) -> dict[str, Any]:
    return {**row, "package": package_of(row["name"])}


def _reason(told: Told) -> dict[str, Any]:
    return {
        "reason": told.reason.code,
        "effect": told.reason.effect.value,
        "source": told.source,
        "count": told.count,
        "first_seen": told.first_seen,
        "last_seen": told.last_seen,
        "title": told.reason.title,
        "meaning": told.reason.meaning,
        "fix": told.reason.fix,
        "sample": told.sample,
    }


def _advice(one: Advice) -> dict[str, Any]:
    return {
        "library": one.library,
        "version": one.version,
        "missing": one.missing,
        "sentence": one.sentence,
        "fix": one.fix,
    }
