"""The sums of a session and the metric deltas: minus what a row was, plus what it is."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from playhead.tapes import BOUNDARY

from apps.sessions.counting import REPORTED
from apps.sessions.fidelity import ANSWERS, CALLS, is_answered
from apps.sessions.rows import TOKENS, EventRow

# Buckets of durations grow by this factor, so a quantile is right within 0.8 %.
GROWTH = math.log(1.016)
COST = "cost"
ZERO = Decimal(0)


class Amounts(msgspec.Struct):
    """What a set of events adds up to."""

    events: int = 0
    errors: int = 0
    counts: dict[str, int] = {}
    sums: dict[str, Any] = {}
    # How many events contributed to each sum; and how many calls there are, and are answered.
    known: dict[str, int] = {}

    def add(self, row: EventRow, sign: int = 1) -> None:
        """Add a row, or take it away again."""
        self.events += sign
        if row.is_counted or row.kind not in REPORTED:
            self.counts[row.kind] = self.counts.get(row.kind, 0) + sign
            self.errors += sign if row.status == "error" else 0
            if row.kind in BOUNDARY:
                self._add_call(row, sign)
        for name, value in counted_values(row):
            self.sums[name] = self.sums.get(name, 0) + sign * value
            self.known[name] = self.known.get(name, 0) + sign

    def _add_call(self, row: EventRow, sign: int) -> None:
        self.known[CALLS] = self.known.get(CALLS, 0) + sign
        if is_answered(row):
            self.known[ANSWERS] = self.known.get(ANSWERS, 0) + sign

    def add_all(self, other: Amounts) -> None:
        """Add what other events add up to."""
        self.events += other.events
        self.errors += other.errors
        for mine, theirs in ((self.counts, other.counts), (self.known, other.known)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for name, value in other.sums.items():
            self.sums[name] = self.sums.get(name, 0) + value

    def total(self, name: str) -> Any:
        """Return a sum, or None where no event contributed to it."""
        return self.sums.get(name, 0) if self.known.get(name) else None


def counted_values(row: EventRow) -> list[tuple[str, Any]]:
    """Return the token counts and the cost that a row contributes."""
    if not row.is_counted:
        return []
    values = [
        ("input_tokens", row.input_tokens),
        ("output_tokens", row.output_tokens),
        ("cache_read", row.cache_read),
        ("cache_write", row.cache_write),
        ("reasoning", row.reasoning),
        (COST, row.cost),
    ]
    return [(name, value) for name, value in values if value is not None]


# (hour, kind, environment, agent, model, prompt): what deltas are grouped by.
Group = tuple[datetime | None, str, str, str, str, str]

DELTA_COLUMNS: list[tuple[str, str]] = [
    ("hour", "timestamptz"),
    ("kind", "text"),
    ("environment", "text"),
    ("agent", "text"),
    ("model", "text"),
    ("prompt", "text"),
    ("events", "bigint"),
    ("errors", "bigint"),
    ("input_tokens", "bigint"),
    ("output_tokens", "bigint"),
    ("cache_read", "bigint"),
    ("cache_write", "bigint"),
    ("reasoning", "bigint"),
    ("cost", "numeric"),
    ("priced", "bigint"),
    ("latency", "jsonb"),
]


class Delta:
    """What changes in one group."""

    __slots__ = ("amounts", "latency")

    def __init__(self) -> None:
        self.amounts = Amounts(counts={}, sums={}, known={})
        self.latency: dict[str, int] = defaultdict(int)

    def add(self, row: EventRow, sign: int) -> None:
        self.amounts.add(row, sign)
        duration = row.duration_ms
        if duration is not None and duration >= 0:
            self.latency[bucket_of(duration)] += sign

    def values(self) -> tuple[Any, ...]:
        """Return the columns after the group's, in the order of DELTA_COLUMNS."""
        amounts = self.amounts
        return (
            amounts.events,
            amounts.errors,
            *(amounts.sums.get(name, 0) for name in TOKENS),
            Decimal(amounts.sums.get(COST, ZERO)),
            amounts.known.get(COST, 0),
            {bucket: count for bucket, count in self.latency.items() if count},
        )

    @property
    def is_empty(self) -> bool:
        numbers = self.values()
        return not any(numbers)


class Ledger:
    """Every change of one append, by group: written as rows that are only ever added to."""

    def __init__(self) -> None:
        self._deltas: dict[Group, Delta] = defaultdict(Delta)

    def add(self, row: EventRow, sign: int = 1) -> None:
        self._deltas[group_of(row)].add(row, sign)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows of MetricDelta, in the order of DELTA_COLUMNS."""
        return [
            (*group, *delta.values()) for group, delta in self._deltas.items() if not delta.is_empty
        ]


def group_of(row: EventRow) -> Group:
    """Return the group in which a row is counted."""
    prompt = row.prompt_name or ""
    if row.prompt_version is not None:
        prompt = f"{prompt}@{row.prompt_version}"
    hour = row.started_at and row.started_at.replace(minute=0, second=0, microsecond=0)
    agent, model = row.agent or "", row.model_returned or row.model or ""
    return hour, row.kind, row.environment or "", agent, model, prompt


def bucket_of(duration_ms: float) -> str:
    """Return the bucket of a duration, as the text that JSON takes for a key."""
    return str(math.ceil(math.log(duration_ms) / GROWTH)) if duration_ms > 0 else "zero"


def duration_of(bucket: str) -> float:
    """Return the duration in the middle of a bucket."""
    return 0.0 if bucket == "zero" else math.exp((int(bucket) - 0.5) * GROWTH)
