"""How versions of a prompt did: exact sums over a time, and intervals of what they are a sample of.

Sums come from the deltas that every append writes, so they cost the same for ten calls and for ten
million. Intervals of means need single values: those of calls in the newest sessions.

Intervals are of 95 %. A share has Wilson's (Wilson 1927), which holds for few calls and for shares
near 0 and 1. A mean has the normal interval of its logarithm (the delta method): it is never
negative, and is wider above than below, as skewed costs and counts are. A quantile has the one of
its rank: which ordered calls the true quantile lies between.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from statistics import NormalDist, fmean, stdev

from apps.sessions.sql import rows
from apps.sessions.sums import duration_of
from apps.tenants.models import Project

Z = NormalDist().inv_cdf(0.975)
# Of each version: sessions, and calls in them, whose single values are read.
NEWEST_SESSIONS = 200
NEWEST_CALLS = 1_000
# Of fewer values a spread says nothing.
FEWEST = 5

TOTALS = """
SELECT prompt, sum(events)::bigint, sum(errors)::bigint,
    sum(input_tokens)::bigint, sum(output_tokens)::bigint, sum(cost), sum(priced)::bigint
FROM agent_sessions_metricdelta
WHERE project_id = $1 AND kind = 'llm' AND hour >= $2 AND prompt = ANY($3::text[])
GROUP BY prompt
"""
LATENCIES = """
SELECT prompt, taken.key, sum(taken.value::bigint)::bigint
FROM agent_sessions_metricdelta, jsonb_each_text(latency) AS taken
WHERE project_id = $1 AND kind = 'llm' AND hour >= $2 AND prompt = ANY($3::text[])
GROUP BY prompt, taken.key
"""
VALUES = """
SELECT wanted.value, call.tokens, call.cost
FROM unnest($3::text[], $4::text[]) AS wanted (value, version)
CROSS JOIN LATERAL (
    SELECT coalesce(event.input_tokens, 0) + coalesce(event.output_tokens, 0) AS tokens, event.cost
    FROM (
        SELECT session_id FROM agent_sessions_sessionfacet
        WHERE project_id = $1 AND facet = 'prompt' AND value = wanted.value AND started_at >= $5
        ORDER BY started_at DESC, session_id DESC LIMIT $6
    ) AS newest
    JOIN agent_sessions_event AS event
        ON event.project_id = $1 AND event.session_id = newest.session_id
    WHERE event.kind = 'llm' AND event.is_counted AND event.prompt_name = $2
        AND event.prompt_version = wanted.version
    LIMIT $7
) AS call
"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with the interval that the true one lies in, 95 times of 100; None: not known."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def is_sure(self) -> bool:
        return self.low is not None


@dataclass(frozen=True)
class VersionNumbers:
    """What became of the calls that one version made."""

    calls: int = 0
    errors: Estimate | None = None
    p50_ms: Estimate | None = None
    p95_ms: Estimate | None = None
    # Of one call.
    tokens: Estimate | None = None
    cost: Estimate | None = None
    total_cost: Decimal | None = None


@dataclass
class _Sums:
    calls: int = 0
    errors: int = 0
    tokens: int = 0
    cost: Decimal = field(default_factory=Decimal)
    priced: int = 0
    latency: dict[str, int] = field(default_factory=dict)
    token_values: list[float] = field(default_factory=list)
    cost_values: list[float] = field(default_factory=list)


def numbers_of(
    project: Project, name: str, versions: Sequence[int], *, since: datetime
) -> dict[int, VersionNumbers]:
    """Return the numbers of versions of a prompt since a time; three queries."""
    stamps = {f"{name}@{number}": number for number in versions}
    sums = {stamp: _Sums() for stamp in stamps}
    _read(project, name, sums, stamps, since)
    return {number: _numbers(sums[stamp]) for stamp, number in stamps.items()}


def _read(
    project: Project,
    name: str,
    sums: Mapping[str, _Sums],
    stamps: Mapping[str, int],
    since: datetime,
) -> None:
    wanted = list(stamps)
    for stamp, calls, errors, sent, made, cost, priced in rows(TOTALS, project.pk, since, wanted):
        one = sums[stamp]
        one.calls, one.errors, one.tokens = calls, errors, sent + made
        one.cost, one.priced = cost, priced
    for stamp, bucket, count in rows(LATENCIES, project.pk, since, wanted):
        sums[stamp].latency[bucket] = count
    numbers = [str(number) for number in stamps.values()]
    limits = (NEWEST_SESSIONS, NEWEST_CALLS)
    for stamp, tokens, cost in rows(VALUES, project.pk, name, wanted, numbers, since, *limits):
        if tokens:
            sums[stamp].token_values.append(float(tokens))
        if cost is not None:
            sums[stamp].cost_values.append(float(cost))


def _numbers(sums: _Sums) -> VersionNumbers:
    if not sums.calls:
        return VersionNumbers()
    return VersionNumbers(
        calls=sums.calls,
        errors=share(sums.errors, sums.calls),
        p50_ms=quantile(sums.latency, 0.5),
        p95_ms=quantile(sums.latency, 0.95),
        tokens=mean(sums.token_values),
        cost=mean(sums.cost_values),
        total_cost=sums.cost if sums.priced else None,
    )


def share(hits: int, of: int) -> Estimate | None:
    """Return a share with Wilson's interval (JASA 22, 1927); None of nothing."""
    if of <= 0:
        return None
    p = hits / of
    scale = 1 + Z**2 / of
    middle = (p + Z**2 / (2 * of)) / scale
    half = Z * math.sqrt(p * (1 - p) / of + Z**2 / (4 * of**2)) / scale
    return Estimate(p, max(0.0, middle - half), min(1.0, middle + half))


def mean(values: Sequence[float]) -> Estimate | None:
    """Return a mean with the interval of its logarithm; few or zero values have none."""
    if not values:
        return None
    middle = fmean(values)
    if len(values) < FEWEST or middle <= 0:
        return Estimate(middle)
    half = Z * stdev(values) / middle / math.sqrt(len(values))
    return Estimate(middle, middle * math.exp(-half), middle * math.exp(half))


def quantile(latency: Mapping[str, int], at: float) -> Estimate | None:
    """Return a quantile of durations in buckets with the interval of its rank."""
    ordered = sorted((duration_of(bucket), n) for bucket, n in latency.items() if n > 0)
    total = sum(count for _, count in ordered)
    if not total:
        return None
    value = _ranked(ordered, at * total)
    if total < FEWEST:
        return Estimate(value)
    half = Z * math.sqrt(total * at * (1 - at))
    return Estimate(value, _ranked(ordered, at * total - half), _ranked(ordered, at * total + half))


def _ranked(ordered: Sequence[tuple[float, int]], rank: float) -> float:
    seen = 0
    for duration, count in ordered:
        seen += count
        if seen >= rank:
            return duration
    return ordered[-1][0]
