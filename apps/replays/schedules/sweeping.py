"""Schedules that are due and starts that nobody sees to, of whatever project."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from apps.replays.schedules.models import Firing, FiringState, Schedule

SWEPT_AT_ONCE = 500


def due_schedules() -> list[tuple[int, UUID]]:
    """Return project and id of schedules that are due, the longest ago first."""
    rows = Schedule.unscoped.filter(next_at__lte=timezone.now(), project__removed_at=None)
    return list(rows.order_by("next_at").values_list("project_id", "pk")[:SWEPT_AT_ONCE])


def unstarted() -> list[tuple[int, int]]:
    """Return project and id of due times whose run was not started yet, oldest first."""
    rows = Firing.unscoped.filter(state=FiringState.STARTING, project__removed_at=None)
    return list(rows.order_by("pk").values_list("project_id", "pk")[:SWEPT_AT_ONCE])


def held_schedule(project_id: int, schedule_id: UUID, now: datetime) -> Schedule | None:
    """Return a schedule that is due, held; None where it is not, or somebody else holds it."""
    rows = Schedule.unscoped.select_for_update(of=("self",), skip_locked=True)
    due = rows.filter(project_id=project_id, pk=schedule_id, next_at__lte=now)
    return due.select_related("project__organization", "owner").first()


def held_firing(project_id: int, firing_id: int) -> Firing | None:
    """Return a due time that is to be started, with its schedule, both held.

    None where it is not to be started (any more), or somebody else holds one of them. The
    schedule comes first, as everywhere, so that nobody waits for the other for ever.
    """
    rows = Schedule.unscoped.select_for_update(of=("self",), skip_locked=True)
    told = rows.select_related("project__organization", "owner", "suite")
    schedule = told.filter(project_id=project_id, firings=firing_id).first()
    if schedule is None:
        return None
    starting = Firing.unscoped.select_for_update(of=("self",), skip_locked=True)
    firing = starting.filter(
        project_id=project_id, pk=firing_id, state=FiringState.STARTING
    ).first()
    if firing is not None:
        firing.schedule, firing.project = schedule, schedule.project
    return firing
