"""Reading schedules and what became of their times."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, decode_position, encode_cursor
from apps.replays.schedules.models import Firing, Schedule
from apps.tenants.models import Project

NOT_OURS = "This cursor is not one that Playhead gave out."


def schedule_page(project: Project, *, cursor: str | None, limit: int) -> Page[Schedule]:
    """Return schedules, the newest first, each with its last time as ``last_firing``."""
    rows = project.schedules.order_by("-id").select_related("owner", "suite")
    if cursor is not None:
        rows = rows.filter(id__lt=_read_id(cursor))
    found = list(rows[: limit + 1])
    more = encode_cursor(str(found[limit - 1].pk)) if len(found) > limit else None
    shown = found[:limit]
    last = last_firings(project, shown)
    for schedule in shown:
        schedule.project = project
        schedule.last_firing = last.get(schedule.pk)  # type: ignore[attr-defined]
    return Page(shown, next=more)


def last_firings(project: Project, schedules: Sequence[Schedule]) -> dict[UUID, Firing]:
    rows = project.firings.filter(schedule__in=[schedule.pk for schedule in schedules])
    newest = rows.order_by("schedule", "-id").distinct("schedule").select_related("run")
    return {firing.schedule_id: firing for firing in newest}


def _read_id(cursor: str) -> UUID:
    [text] = decode_cursor(cursor, 1)
    try:
        return UUID(text)
    except (TypeError, ValueError, AttributeError):
        raise InvalidError(NOT_OURS, "cursor") from None


def find_schedule(project: Project, schedule_id: UUID) -> Schedule:
    """Return a schedule of the project with its last time, or raise Http404."""
    rows = project.schedules.select_related("owner", "suite")
    schedule = rows.filter(pk=schedule_id).first()
    if schedule is None:
        raise Http404
    schedule.project = project
    schedule.last_firing = last_firings(project, [schedule]).get(schedule.pk)  # type: ignore[attr-defined]
    return schedule


def firing_page(schedule: Schedule, *, cursor: str | None, limit: int) -> Page[Firing]:
    """Return what became of the times of a schedule, the latest first."""
    rows = schedule.firings.filter(project_id=schedule.project_id).order_by("-id")
    if cursor is not None:
        rows = rows.filter(id__lt=decode_position(cursor))
    found = list(rows.select_related("run")[: limit + 1])
    more = encode_cursor(found[limit - 1].pk) if len(found) > limit else None
    return Page(found[:limit], next=more)


def schedules_of_suite(project: Project, suite_id: UUID) -> list[Schedule]:
    """Return the schedules that run over a suite."""
    return list(project.schedules.filter(suite=suite_id).order_by("name"))
