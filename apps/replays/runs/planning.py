"""What a run would try, what that may cost, and whether it could decide anything: nothing is spent.

Numbers are those of the record, from columns alone, so that a plan of thousands of calls is cheap.
Why a case cannot be tried is looked for in the first cases; of the others a run finds out when it
comes to them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from apps.core.canonical import canonical_json
from apps.core.errors import DomainError, InvalidError
from apps.providers.prices import PriceList, price_list
from apps.providers.protocol import Usage
from apps.replays.runs import cases, hints
from apps.replays.runs.settings import RunSettings
from apps.replays.runs.sides import Side, credential_of, resolve_sides
from apps.replays.runs.trying import NotTriedError, plan_case, why_not
from apps.replays.server.settings import AT_HOME
from apps.replays.suite_models import CaseRevision, Suite
from apps.tenants.models import Project

Json = Any

# So many cases are read before the start; the reasons of others show when it is their turn.
LOOKED_INTO = 50
# A run has at most so many trials: cases, times sides, times repeats.
MOST_TRIALS = 20_000
MOST_SKIPPED_TOLD = 200
NO_CALL = "It records no call of a model."
NO_SUCH_CALL = "The step that it is about is no call of a model."
TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
}


@dataclass(frozen=True, slots=True)
class PlannedCase:
    """One case in its turn, with the reason for each side that cannot be tried."""

    row: CaseRevision
    skipped: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Expected:
    """Sums over the calls to come, as they were recorded; None where nothing is known."""

    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    # Calls whose tokens are not recorded, or whose model has no price.
    calls_without_cost: int = 0
    recorded_ms: float | None = None

    def add(self, calls: Mapping[str, Json], cost: Decimal | None, times: int) -> None:
        self.calls += calls["calls"] * times
        self.input_tokens = _sum(self.input_tokens, calls["input_tokens"], times)
        self.output_tokens = _sum(self.output_tokens, calls["output_tokens"], times)
        self.recorded_ms = _sum(self.recorded_ms, calls["milliseconds"], times)
        self.cost = _sum(self.cost, cost, times)
        self.calls_without_cost += 0 if cost is not None else calls["calls"] * times


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What becomes of each case of one version of a suite."""

    suite: Suite
    version: int
    settings: RunSettings
    sides: Sequence[Side]
    cases: Sequence[PlannedCase]
    expected: Expected
    clusters: str
    looked_into: int

    @property
    def tried(self) -> list[PlannedCase]:
        """Cases of which at least the baseline and one candidate can be tried."""
        return [one for one in self.cases if not _is_hopeless(one, len(self.sides))]

    @property
    def trials(self) -> int:
        return sum(
            self.samples_of(side) * sum(at not in one.skipped for one in self.tried)
            for at, side in enumerate(self.sides)
        )

    @property
    def hints(self) -> list[str]:
        return hints.hints_of(self.settings, len(self.tried))

    @property
    def hash(self) -> str:
        """The same for the same settings over the same cases."""
        told = [
            msgspec.to_builtins(self.settings),
            msgspec.to_builtins(list(self.sides)),
            str(self.suite.pk),
            self.version,
            [[str(one.row.case_id), sorted(one.skipped)] for one in self.cases],
        ]
        return hashlib.sha256(canonical_json(told)).hexdigest()

    def samples_of(self, side: Side) -> int:
        """Return how often a side is tried: the record is one sample, whatever is asked for."""
        return 1 if side.is_record else self.settings.repeats


def plan_run(project: Project, settings: RunSettings) -> RunPlan:
    """Return what a run would do. Raises InvalidError naming what no run could do anything with."""
    suite = cases.find_suite(project, settings)
    number = cases.version_of(suite, settings)
    sides = resolve_sides(project, settings)
    rows = cases.cases_of(suite, number, settings)
    if len(rows) * len(sides) * settings.repeats > MOST_TRIALS:
        message = (
            f"{len(rows):,} cases on {len(sides)} sides, {settings.repeats} times each, are more "
            f"than {MOST_TRIALS:,} trials. Ask fewer repeats, or a sample: limit.cases."
        )
        raise InvalidError(message, "repeats")
    recorded = _recorded_calls(project, rows)
    planned = _planned(project, rows, sides, settings, recorded)
    plan = RunPlan(
        suite, number, settings, sides, planned, Expected(), cases.clustering(rows), LOOKED_INTO
    )
    _expect(project, plan, recorded)
    return plan


Recorded = Mapping[UUID, Sequence[Mapping[str, Json]]]


def _recorded_calls(project: Project, rows: Sequence[CaseRevision]) -> Recorded:
    """Return sums over the calls of each case, by model: one query over narrow columns."""
    whole = [row.case.session_id for row in rows if row.case.event_id is None]
    single = {row.case.event_id: row.case.session_id for row in rows if row.case.event_id}
    of_steps = Q(session_id__in=set(single.values()), id__in=list(single))
    calls = project.events.filter(Q(session_id__in=whole) | of_steps, kind="llm", is_counted=True)
    if single:
        calls = calls.annotate(about=F("id"))
    names = ("session_id", "provider", "model", *(("about",) if single else ()))
    sums = {name: Sum(column) for name, column in TOKENS.items()}
    took = Sum(F("ended_at") - F("started_at"))
    found = calls.order_by().values(*names).annotate(calls=Count("id"), took=took, **sums)
    return _by_case(rows, found)


def _by_case(
    rows: Sequence[CaseRevision], found: Iterable[dict[str, Json]]
) -> dict[UUID, list[Mapping[str, Json]]]:
    whole: dict[UUID, list[Mapping[str, Json]]] = {}
    single: dict[UUID, list[Mapping[str, Json]]] = {}
    for one in found:
        took = one.pop("took")
        one["milliseconds"] = None if took is None else took.total_seconds() * 1000
        one["input_tokens"], one["output_tokens"] = one["input"], one["output"]
        whole.setdefault(one["session_id"], []).append(one)
        if "about" in one:
            single.setdefault(one["about"], []).append(one)
    return {
        row.case_id: single.get(row.case.event_id, [])
        if row.case.event_id
        else whole.get(row.case.session_id, [])
        for row in rows
    }


def _planned(
    project: Project,
    rows: Sequence[CaseRevision],
    sides: Sequence[Side],
    settings: RunSettings,
    recorded: Recorded,
) -> list[PlannedCase]:
    planned = []
    for at, row in enumerate(rows):
        reason = _hopeless(row, recorded)
        reasons = dict.fromkeys(range(len(sides)), reason) if reason else {}
        if not reason and at < LOOKED_INTO:
            reasons = _reasons(project, row, sides, settings)
        planned.append(PlannedCase(row, reasons))
    return planned


def _hopeless(row: CaseRevision, recorded: Recorded) -> str:
    if row.case.session.erased_at is not None:
        return cases.ERASED
    if not recorded[row.case_id]:
        return NO_SUCH_CALL if row.case.event_id else NO_CALL
    return ""


def _reasons(
    project: Project, row: CaseRevision, sides: Sequence[Side], settings: RunSettings
) -> dict[int, str]:
    """Return why sides cannot try a case, by side."""
    asking = [(at, side) for at, side in enumerate(sides) if not side.is_record]
    found = {at: _reason(project, row, side, settings) for at, side in asking}
    return {at: reason for at, reason in found.items() if reason}


def _reason(project: Project, row: CaseRevision, side: Side, settings: RunSettings) -> str:
    try:
        return why_not(project, plan_case(project, row, side, settings))
    except (DomainError, NotTriedError) as error:
        return str(error)


def _is_hopeless(one: PlannedCase, sides: int) -> bool:
    return 0 in one.skipped or all(at in one.skipped for at in range(1, sides))


def _expect(project: Project, plan: RunPlan, recorded: Recorded) -> None:
    prices = price_list(project)
    for at, side in enumerate(plan.sides):
        if side.is_record:
            continue
        credential = credential_of(project, side.provider)
        kind = credential.kind if credential else None
        for one in plan.tried:
            if at in one.skipped:
                continue
            for calls in recorded[one.row.case_id]:
                cost = _cost(side, kind, calls, prices)
                plan.expected.add(calls, cost, plan.settings.repeats)


def _cost(
    side: Side, kind: str | None, calls: Mapping[str, Json], prices: PriceList
) -> Decimal | None:
    if side.provider in AT_HOME:
        return Decimal(0)
    usage = Usage(**{name: calls[name] for name in TOKENS})
    model = side.overrides.model or calls["model"] or ""
    return prices.price(kind or calls["provider"], model, usage, timezone.now())


def _sum(before: Any, more: Any, times: int) -> Any:
    if more is None:
        return before
    return more * times if before is None else before + more * times


def plan_json(plan: RunPlan) -> Json:
    """Return the plan for people and programs to look at before they start it."""
    expected, tried = plan.expected, len(plan.tried)
    skipped = [one for one in plan.cases if one.skipped]
    return {
        "plan_hash": plan.hash,
        "suite": {"id": str(plan.suite.pk), "name": plan.suite.name, "version": plan.version},
        "mode": plan.settings.mode,
        "sides": [side_json(side) for side in plan.sides],
        "cases": {"all": len(plan.cases), "tried": tried, "skipped": len(plan.cases) - tried},
        "skipped": [_skipped(one, plan.sides) for one in skipped[:MOST_SKIPPED_TOLD]],
        "looked_into": min(plan.looked_into, len(plan.cases)),
        "repeats": plan.settings.repeats,
        "trials": plan.trials,
        "expected": {
            "calls": expected.calls,
            "input_tokens": expected.input_tokens,
            "output_tokens": expected.output_tokens,
            "cost": None if expected.cost is None else format(expected.cost, "f"),
            "calls_without_cost": expected.calls_without_cost,
            "recorded_ms": expected.recorded_ms,
        },
        "budget": None if plan.settings.most is None else format(plan.settings.most, "f"),
        "hints": plan.hints,
    }


def side_json(side: Side) -> Json:
    """Return a side without the texts of its prompts."""
    prompt = side.overrides.prompt
    return {
        "name": side.name,
        "provider": None if side.is_record else side.provider,
        "is_record": side.is_record,
        "model": side.overrides.model,
        "params": sorted(side.overrides.params),
        "has_system": side.overrides.system is not None,
        "has_tools": side.overrides.tools is not None,
        "prompt": None
        if prompt is None
        else {"name": prompt.name, "version": prompt.version, "asked_for": side.prompt},
    }


def _skipped(one: PlannedCase, sides: Sequence[Side]) -> Json:
    is_everywhere = len(one.skipped) == len(sides)
    return {
        "case": str(one.row.case_id),
        "session": str(one.row.case.session_id),
        "sides": [] if is_everywhere else sorted(one.skipped),
        "reason": next(iter(one.skipped.values())),
    }
