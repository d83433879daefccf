"""Starting a run, and holding, resuming or ending it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.core.jobs import after_commit
from apps.providers.budgets import change_limit, make_budget
from apps.providers.models import Budget
from apps.replays import verdict_door
from apps.replays.runs import watching
from apps.replays.runs.models import (
    ADVANCE,
    UNFINISHED,
    RegressionRun,
    RunState,
    Trial,
    TrialState,
)
from apps.replays.runs.planning import RunPlan, plan_run
from apps.replays.runs.settings import RunSettings
from apps.replays.runs.sides import Kept, Side, seal
from apps.replays.server import groups
from apps.replays.server.settings import AT_HOME
from apps.tenants.models import Project

Json = Any

MOST_RUNNING = 20
CANCELLED = "The run was cancelled."


def start_run(
    project: Project,
    settings: RunSettings,
    *,
    actor: Actor,
    owner: User | None = None,
    plan_hash: str = "",
) -> RegressionRun:
    """Plan a run, write down every trial of it, and let workers begin.

    Raises InvalidError naming the field where nothing could come of it, ConflictError where the
    plan is not the one that was looked at, UnavailableError where nobody could judge it.
    """
    verdict_door.require()
    plan = plan_run(project, settings)
    _check(plan, plan_hash)
    kept = _kept(plan)
    with transaction.atomic():
        _check_count(project)
        run = project.regression_runs.create(
            suite=plan.suite,
            suite_version=plan.version,
            name=settings.name.strip() or _name(plan),
            sealed_settings=seal(project, kept),
            budget=_budget(project, plan),
            cases=len(plan.cases),
            environment=_environment(kept),
            owner=owner,
            started_by=actor.label or actor.kind,
        )
        run.project = project
        project.trials.bulk_create(_trials(run, plan), batch_size=1_000)
        _record(actor, "regression_run.start", run, _told(plan))
        after_commit(ADVANCE, project.pk, str(run.pk))
    return run


def _check(plan: RunPlan, plan_hash: str) -> None:
    if plan_hash and plan_hash != plan.hash:
        raise ConflictError(
            "The plan is another now: the suite or the settings changed. Look at it again."
        )
    if not plan.tried:
        reason = next(iter(plan.cases[0].skipped.values()))
        raise InvalidError(f"No case of this suite can be tried. The first: {reason}", "suite")
    most, cost = plan.settings.most, plan.expected.cost
    if most is not None and cost is not None and cost > most:
        message = (
            f"About {cost:.4f} US dollars will be needed, as the calls cost when they were "
            "recorded. Give more, ask fewer repeats, or a sample of the cases (limit.cases)."
        )
        raise InvalidError(message, "budget")


def _check_count(project: Project) -> None:
    Project.everything.select_for_update(no_key=True).get(pk=project.pk)
    if project.regression_runs.filter(state=RunState.RUNNING).count() >= MOST_RUNNING:
        message = f"{MOST_RUNNING} runs of this project are under way. Wait for one, or cancel it."
        raise ConflictError(message)


def _name(plan: RunPlan) -> str:
    names = ", ".join(side.name for side in plan.sides[1:])
    return f"{names} on {plan.suite.name}"[:200]


def _kept(plan: RunPlan) -> Kept:
    return Kept(
        settings=plan.settings,
        sides=list(plan.sides),
        plan_hash=plan.hash,
        clusters=plan.clusters,
    )


def _environment(kept: Kept) -> Json:
    looks = watching.at_the_start(kept)
    return {} if looks is None else {"sequential": looks}


def _budget(project: Project, plan: RunPlan) -> Budget | None:
    if plan.settings.most is None or all(side.provider in AT_HOME for side in plan.sides):
        return None
    return make_budget(
        project, limit=plan.settings.most, purpose=f"Regression run on {plan.suite.name}"
    )


def _trials(run: RegressionRun, plan: RunPlan) -> Iterator[Trial]:
    """Yield trials in the order in which they are started: case by case, so that pairs end."""
    for one in plan.cases:
        reasons = one.skipped
        if all(side in reasons for side in range(1, len(plan.sides))):
            # Nothing would be held against the baseline.
            reasons = {0: next(iter(reasons.values())), **reasons}
        elif 0 in reasons:
            reasons = {**dict.fromkeys(range(len(plan.sides)), reasons[0]), **reasons}
        for sample in range(plan.settings.repeats):
            for at, side in enumerate(plan.sides):
                if sample < plan.samples_of(side):
                    yield _trial(run, one.row.case_id, at, sample, reasons.get(at))


def _trial(run: RegressionRun, case: Any, side: int, sample: int, reason: str | None) -> Trial:
    state = TrialState.QUEUED if reason is None else TrialState.SKIPPED
    return Trial(
        project_id=run.project_id,
        run=run,
        case_id=case,
        side=side,
        sample=sample,
        state=state,
        reason=(reason or "")[:500],
    )


def _told(plan: RunPlan) -> Json:
    return {
        "suite": str(plan.suite.pk),
        "version": plan.version,
        "trials": plan.trials,
        "candidates": [_told_of(side) for side in plan.sides[1:]],
        "budget": None if plan.settings.most is None else format(plan.settings.most, "f"),
        "plan": plan.hash,
    }


def _told_of(side: Side) -> Json:
    prompt = side.overrides.prompt
    version = None if prompt is None else f"{prompt.name}@{prompt.version}"
    return {"provider": side.provider, "model": side.overrides.model, "prompt": version}


@transaction.atomic
def pause_run(run: RegressionRun, *, actor: Actor, reason: str = "") -> RegressionRun:
    """Have nothing further asked; calls that are under way end."""
    run = held(run, (RunState.RUNNING,), "paused")
    _change(run, RunState.PAUSED, reason)
    groups.hold_replays(run.project, _under_way(run), reason or "Its run was paused.")
    _record(actor, "regression_run.pause", run)
    return run


@transaction.atomic
def resume_run(run: RegressionRun, *, actor: Actor, budget: Decimal | None = None) -> RegressionRun:
    """Go on with what is left, with more money where ``budget`` says so."""
    run = held(run, (RunState.PAUSED,), "resumed")
    if budget is not None:
        if run.budget is None:
            raise InvalidError("This run keeps to no budget of its own.", "budget")
        change_limit(run.budget, limit=budget)
    _change(run, RunState.RUNNING, "")
    groups.resume_replays(run.project, _under_way(run))
    _record(actor, "regression_run.resume", run)
    after_commit(ADVANCE, run.project_id, str(run.pk))
    return run


@transaction.atomic
def cancel_run(run: RegressionRun, *, actor: Actor) -> RegressionRun:
    """End the run with what it has, and without a verdict."""
    run = held(run, (RunState.RUNNING, RunState.PAUSED), "cancelled")
    groups.cancel_replays(run.project, _under_way(run), actor=actor)
    run.trials.filter(state__in=UNFINISHED).update(state=TrialState.SKIPPED, reason=CANCELLED)
    run.ended_at = timezone.now()
    run.save(update_fields=["ended_at"])
    _change(run, RunState.CANCELLED, CANCELLED)
    _record(actor, "regression_run.cancel", run)
    return run


def held(run: RegressionRun, states: tuple[RunState, ...], act: str) -> RegressionRun:
    """Return the run, locked. Raises ConflictError where it is in none of these states."""
    project = run.project
    rows = project.regression_runs.select_for_update(of=("self",)).select_related("budget")
    found: RegressionRun = rows.get(pk=run.pk)
    if found.state not in states:
        raise ConflictError(f"A run that is {found.get_state_display().lower()} is not {act}.")
    found.project = project
    return found


def _change(run: RegressionRun, state: RunState, reason: str) -> None:
    run.state, run.reason = state, reason[:500]
    run.environment.pop("paused_by", None)
    if state == RunState.PAUSED:
        run.environment["paused_by"] = "person"
    run.save(update_fields=["state", "reason", "environment"])


def _under_way(run: RegressionRun) -> list[Any]:
    """Return the replays of trials that were started and have not ended."""
    rows = run.trials.filter(state=TrialState.STARTED, replay__isnull=False)
    return list(rows.values_list("replay_id", flat=True))


def _record(actor: Actor, act: str, run: RegressionRun, detail: Json = None) -> None:
    audit.record(
        actor,
        act,
        organization_id=run.project.organization_id,
        project_id=run.project_id,
        objects=[str(run.pk)],
        detail=detail,
    )
