"""Replays that somebody has to work on, of whatever project."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from apps.replays.server.models import ServerReplay, ServerStep, State, StepState

SWEPT_AT_ONCE = 500
WITH = ("project", "credential", "budget", "replay__session", "replay__original")


def find_run(project_id: int, run_id: str) -> ServerReplay | None:
    """Return a replay with all that a worker needs of it, in one query."""
    rows = ServerReplay.unscoped.filter(project_id=project_id, pk=UUID(run_id))
    return rows.select_related(*WITH).first()


def waiting_runs() -> list[tuple[int, UUID]]:
    """Return project and id of replays of which nobody works on any step, oldest first."""
    held = ServerStep.unscoped.filter(
        project_id=OuterRef("project_id"),
        run=OuterRef("pk"),
        state=StepState.LEASED,
        lease_until__gte=Now(),
    )
    rows = ServerReplay.unscoped.filter(~Exists(held), state=State.RUNNING)
    return list(rows.order_by("created_at").values_list("project_id", "pk")[:SWEPT_AT_ONCE])
