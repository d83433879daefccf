"""How far a run has come, for its page, the API, and whoever watches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, FloatField, Q, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from apps.replays.runs.models import BASELINE, UNFINISHED, RegressionRun, RunState, TrialState
from apps.replays.server.progress import RECENTLY, eta_seconds

Json = Any

SAME, BETTER, WORSE, UNKNOWN = "same", "better", "worse", "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one case came to so far: the success of each side, from 0 to 1; None is unknown."""

    sides: Mapping[int, float | None]
    # Trials by state, over all sides.
    trials: Mapping[str, int]

    @property
    def baseline(self) -> float | None:
        return self.sides.get(BASELINE)

    @property
    def candidates(self) -> list[float]:
        return [one for at, one in self.sides.items() if at != BASELINE and one is not None]

    @property
    def is_finished(self) -> bool:
        return not any(self.trials[state] for state in UNFINISHED)

    @property
    def has_error(self) -> bool:
        return self.trials[TrialState.FAILED] > 0

    @property
    def is_skipped(self) -> bool:
        return self.trials[TrialState.SKIPPED] > 0

    @property
    def passes(self) -> bool:
        return bool(self.candidates) and all(one >= 1 for one in self.candidates)

    @property
    def fails(self) -> bool:
        return any(one < 1 for one in self.candidates)

    @property
    def change(self) -> str:
        """Of the candidates together: worse, where one of them is."""
        if self.baseline is None or not self.candidates:
            return UNKNOWN
        if any(one < self.baseline for one in self.candidates):
            return WORSE
        return BETTER if any(one > self.baseline for one in self.candidates) else SAME


def outcomes_of(run: RegressionRun) -> dict[UUID, Outcome]:
    """Return what each case came to so far, in the order of cases: one query."""
    success = Cast(KT("measures__success"), FloatField())
    counts = {state: Count("pk", filter=Q(state=state)) for state in TrialState.values}
    rows = run.trials.order_by("case_id", "side").values("case_id", "side")
    sides: dict[UUID, dict[int, float | None]] = {}
    trials: dict[UUID, dict[str, int]] = {}
    found: Iterable[Mapping[str, Any]] = rows.annotate(mean=Avg(success), **counts)
    for row in found:
        case = row["case_id"]
        sides.setdefault(case, {})[row["side"]] = row["mean"]
        told = trials.setdefault(case, dict.fromkeys(TrialState.values, 0))
        for state in told:
            told[state] += row[state]
    return {case: Outcome(told, trials[case]) for case, told in sides.items()}


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run has come; US dollars and seconds; None is not known."""

    run: RegressionRun
    # Trials by state.
    trials: Mapping[str, int]
    # Cases, those of which every trial has ended, and those so far by what candidates did.
    cases: int
    finished: int
    passed: int
    failed: int
    changed: int
    # A trial of it failed.
    errors: int
    paid: Decimal | None
    limit: Decimal | None
    # Until the last trial ends, at the pace of the last two minutes.
    eta_seconds: float | None

    @property
    def reason(self) -> str:
        return self.run.reason

    @property
    def count(self) -> int:
        return sum(self.trials.values())

    @property
    def left(self) -> int:
        return sum(self.trials[state] for state in UNFINISHED)

    @property
    def ended(self) -> int:
        return self.count - self.left

    @property
    def share(self) -> int:
        """Whole per cent of the trials that have ended."""
        return 100 * self.ended // self.count if self.count else 100

    @property
    def eta_ms(self) -> float | None:
        return None if self.eta_seconds is None else self.eta_seconds * 1000

    @property
    def is_open(self) -> bool:
        return self.run.state in (RunState.RUNNING, RunState.PAUSED)

    @property
    def says(self) -> str:
        """What is said aloud: it changes with each quarter and with the first failure alone."""
        quarter = self.share // 25 * 25
        words = [f"{quarter} % of the replays have ended."] if quarter else []
        return " ".join([*words, "A case failed."] if self.failed else words)

    def as_json(self) -> dict[str, Json]:
        """Return progress as the API tells it: money as text, times in seconds."""
        eta = self.eta_seconds
        return {
            "state": self.run.state,
            "reason": self.run.reason,
            "trials": dict(self.trials),
            "count": self.count,
            "ended": self.ended,
            "left": self.left,
            "cases": self.cases,
            "finished": self.finished,
            "passed": self.passed,
            "failed": self.failed,
            "changed": self.changed,
            "errors": self.errors,
            "paid": None if self.paid is None else format(self.paid, "f"),
            "limit": None if self.limit is None else format(self.limit, "f"),
            "eta_seconds": None if eta is None else round(eta, 1),
        }


def progress_of(run: RegressionRun) -> RunProgress:
    """Return how far a run has come, in three queries whatever its size."""
    outcomes = outcomes_of(run).values()
    counts = {state: sum(one.trials[state] for one in outcomes) for state in TrialState.values}
    left = sum(counts[state] for state in UNFINISHED)
    return RunProgress(
        run=run,
        trials=counts,
        cases=len(outcomes),
        finished=sum(one.is_finished for one in outcomes),
        passed=sum(one.passes for one in outcomes),
        failed=sum(one.fails for one in outcomes),
        changed=sum(one.change in (BETTER, WORSE) for one in outcomes),
        errors=sum(one.has_error for one in outcomes),
        paid=paid_of(run),
        limit=None if run.budget is None else run.budget.limit,
        eta_seconds=_eta(run, left) if run.state == RunState.RUNNING and left else None,
    )


def paid_of(run: RegressionRun) -> Decimal | None:
    """Return what a run has cost so far, and perhaps cost; None where nothing is known."""
    if run.budget is not None:
        return run.budget.spent + run.budget.uncertain
    told = run.project.server_steps.filter(run__replay__trial__run=run).aggregate(Sum("paid"))
    paid: Decimal | None = told["paid__sum"]
    return paid


def _eta(run: RegressionRun, left: int) -> float | None:
    now = timezone.now()
    since = max(run.created_at, now - RECENTLY)
    rows = run.project.server_replays.filter(replay__trial__run=run, ended_at__gte=since)
    return eta_seconds(left, ended=rows.count(), seconds=(now - since).total_seconds())
