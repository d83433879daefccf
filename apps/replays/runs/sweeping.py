"""Runs that somebody has to work on, of whatever project."""

from __future__ import annotations

from uuid import UUID

from apps.replays.runs.models import RegressionRun, RunState, Trial, TrialState
from apps.replays.server.models import State

SWEPT_AT_ONCE = 500
WITH = ("project", "suite", "budget", "owner")


def find_run(project_id: int, run_id: str) -> RegressionRun | None:
    """Return a run with all that a worker needs of it, in one query."""
    rows = RegressionRun.unscoped.filter(project_id=project_id, pk=UUID(run_id))
    return rows.select_related(*WITH).first()


def waiting_runs() -> list[tuple[int, UUID]]:
    """Return project and id of runs that are under way, of all projects, oldest first."""
    rows = RegressionRun.unscoped.filter(state=RunState.RUNNING)
    return list(rows.order_by("created_at").values_list("project_id", "pk")[:SWEPT_AT_ONCE])


def stopped_runs(project_id: int) -> list[UUID]:
    """Return the runs of a project of which a replay has ended, or is held, and nobody said so."""
    rows = Trial.unscoped.filter(
        project_id=project_id, state=TrialState.STARTED, run__state=RunState.RUNNING
    ).exclude(replay__server_run__state=State.RUNNING)
    return list(rows.order_by().values_list("run_id", flat=True).distinct())
