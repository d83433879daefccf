"""Whether a schedule can start a run: its owner, its last runs, and what failed in a row."""

from __future__ import annotations

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.replays.runs.models import RegressionRun, RunState
from apps.replays.schedules.choice import Choice, searches
from apps.replays.schedules.models import Firing, FiringState, Schedule
from apps.replays.schedules.sealed import open_choice
from apps.replays.schedules.settings import may_own
from apps.tenants.permissions import Permission

# So many times in a row that could not start, or whose run broke off.
MOST_FAILURES = 5
GOING = (RunState.RUNNING, RunState.PAUSED)
NOBODY = "It has no owner any more. Give it to somebody who may run replays here, then resume it."
LEFT = (
    "Its owner, {}, may not {} in this project any more. Give it to somebody who may, then "
    "resume it."
)
FAILING = (
    "Its last {} times failed, so it would go on to fail. Look at why, change it, then resume it. "
    "The last one: {}"
)


def why_not(schedule: Schedule) -> str:
    """Return why a schedule may not run for its owner; empty where it may."""
    owner = schedule.owner
    if owner is None:
        return NOBODY
    if not may_own(schedule.project, owner):
        return _left(owner, Permission.RUN_REPLAYS)
    choice = open_choice(schedule)
    needs = Permission.READ_CONTENT
    if choice is None or not _looks_inside(schedule, choice):
        return ""
    return "" if may_own(schedule.project, owner, needs=needs) else _left(owner, needs)


def _looks_inside(schedule: Schedule, choice: Choice) -> bool:
    try:
        return searches(schedule.project, choice)
    except InvalidError:
        # Its saved view is gone: the choice itself will say so.
        return False


def _left(owner: User, needs: Permission) -> str:
    return LEFT.format(owner.email, needs.label)


def still_going(schedule: Schedule) -> str:
    """Return which earlier run stands in the way, and what to do; empty where none does."""
    run = going_run(schedule)
    if run is None:
        return ""
    if run.state == RunState.PAUSED:
        return f"Its run before is paused{_because(run)} Resume or cancel that one first."
    return "Its run before is still going."


def going_run(schedule: Schedule) -> RegressionRun | None:
    runs = schedule.project.regression_runs.filter(schedule=schedule, state__in=GOING)
    return runs.order_by("-id").first()


def _because(run: RegressionRun) -> str:
    return f": {run.reason.rstrip('.')}." if run.reason else "."


def failing(schedule: Schedule) -> str:
    """Return why a schedule is to pause itself, where its last times all failed; else empty."""
    rows = last_times(schedule)
    reasons = [why_failed(row) for row in rows]
    if len(reasons) < MOST_FAILURES or not all(reasons):
        return ""
    return FAILING.format(MOST_FAILURES, reasons[0])


def last_times(schedule: Schedule) -> list[Firing]:
    """Return the last times that ran or were to, since it was made, changed or resumed."""
    told = (FiringState.FIRED, FiringState.FAILED)
    rows = schedule.firings.filter(
        project_id=schedule.project_id, made_at__gte=schedule.counted_from, state__in=told
    )
    return list(rows.select_related("run").order_by("-id")[:MOST_FAILURES])


def why_failed(firing: Firing) -> str:
    """Return why a time came to nothing; empty where it did not, or not yet."""
    if firing.state == FiringState.FAILED:
        return firing.reason
    run = firing.run
    if run is not None and run.state == RunState.FAILED:
        return run.reason or "The run broke off."
    return ""
