"""From the trials of a run to what each case and each side came to. Pure, and one pass."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from uuid import UUID

from apps.replays.runs.models import TrialState
from apps.replays.runs.report_shapes import (
    BETTER,
    WORSE,
    CaseReport,
    CaseSide,
    SideReport,
)

Json = Any
MEANS = ("success", "fidelity", "decisions", "similarity")


class TrialRow(NamedTuple):
    """What a report reads of one trial."""

    case: UUID
    side: int
    state: str
    reason: str
    measures: Mapping[str, Json] | None
    # The session that its replay made.
    replay: UUID | None
    # Of the replay, where it is not among the measures.
    consumption: float | None = None


@dataclass(slots=True)
class Tally:
    """The samples of one case on one side, or of all cases of a side."""

    states: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    costs: list[Decimal] = field(default_factory=list)
    reason: str = ""
    replay: UUID | None = None
    # Whether that replay is of a sample that did not pass.
    is_telling: bool = False

    def add(self, trial: TrialRow) -> None:
        self.states[trial.state] += 1
        measures = trial.measures or {}
        for name, value in measures.items():
            self._add_number(name, value)
        if "consumption" not in measures:
            self._add_number("consumption", trial.consumption)
        self._add_words(trial, measures)

    def _add_number(self, name: str, value: Json) -> None:
        if name == "cost":
            if (amount := _money(value)) is not None:
                self.costs.append(amount)
        elif (number := _number(value)) is not None:
            self.numbers.setdefault(name, []).append(number)

    def _add_words(self, trial: TrialRow, measures: Mapping[str, Json]) -> None:
        if not self.reason and trial.state in (TrialState.FAILED, TrialState.SKIPPED):
            self.reason = trial.reason
        telling = _number(measures.get("success")) == 0
        if trial.replay is not None and (self.replay is None or (telling and not self.is_telling)):
            self.replay, self.is_telling = trial.replay, telling

    def mean(self, name: str) -> float | None:
        numbers = self.numbers.get(name)
        return math.fsum(numbers) / len(numbers) if numbers else None


@dataclass(frozen=True, slots=True)
class Counted:
    """What the trials of a run came to, by case and side, and by side."""

    cases: Mapping[tuple[UUID, int], CaseSide]
    sides: Mapping[int, Tally]


def count_trials(trials: Iterable[TrialRow]) -> Counted:
    """Return what each case came to on each side, and what each side measured."""
    by_case: dict[tuple[UUID, int], Tally] = {}
    by_side: dict[int, Tally] = {}
    for trial in trials:
        by_case.setdefault((trial.case, trial.side), Tally()).add(trial)
        by_side.setdefault(trial.side, Tally()).add(trial)
    return Counted({place: _case_side(tally) for place, tally in by_case.items()}, by_side)


def _case_side(tally: Tally) -> CaseSide:
    passed = tally.numbers.get("success", [])
    return CaseSide(
        trials=tally.states.total(),
        done=tally.states[TrialState.DONE],
        failed=tally.states[TrialState.FAILED],
        skipped=tally.states[TrialState.SKIPPED],
        passes=math.fsum(passed),
        known=len(passed),
        fidelity=tally.mean("fidelity"),
        coverage=tally.mean("coverage"),
        consumption=tally.mean("consumption"),
        latency_ms=tally.mean("latency_ms"),
        reason=tally.reason,
        replay=tally.replay,
    )


def measured(side: SideReport, tally: Tally | None) -> SideReport:
    """Return a side with what its trials measured."""
    if tally is None:
        return side
    tokens = tally.numbers.get("tokens")
    latencies = sorted(tally.numbers.get("latency_ms", ()))
    return replace(
        side,
        trials=dict(tally.states),
        success=tally.mean("success"),
        fidelity=tally.mean("fidelity"),
        decisions=tally.mean("decisions"),
        similarity=tally.mean("similarity"),
        latency_p50=quantile(latencies, 0.5),
        latency_p95=quantile(latencies, 0.95),
        cost=sum(tally.costs, Decimal(0)) if tally.costs else None,
        costed=len(tally.costs),
        tokens=round(math.fsum(tokens)) if tokens else None,
        errors=sum(one > 0 for one in tally.numbers.get("errors", ())),
    )


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the value below which a share of ordered numbers lies, between its neighbours."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below, above = math.floor(place), math.ceil(place)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def changed_cases(
    cases: Sequence[CaseReport], side: int, broken: Collection[str]
) -> list[tuple[CaseReport, str]]:
    """Return the cases that a side changed, and pinned ones that it broke."""
    told = [(case, case.change(side)) for case in cases]
    return [one for one in told if one[1] in (BETTER, WORSE) or str(one[0].case) in broken]


def _number(value: Json) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _money(value: Json) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
