"""Making, changing, pausing and deleting schedules, and running one by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.replays.schedules import telling
from apps.replays.schedules.models import Firing, FiringState, Schedule
from apps.replays.schedules.sealed import seal_choice, seal_settings
from apps.replays.schedules.settings import Draft
from apps.replays.schedules.standing import still_going, why_not
from apps.replays.schedules.starting import Place, begin_run, place_of_now
from apps.replays.schedules.timing import Timing
from apps.tenants.models import Project

Json = Any

MOST_SCHEDULES = 200
PAUSED, RUNNING = "This schedule is paused already.", "This schedule is not paused."


@transaction.atomic
def create_schedule(
    project: Project, draft: Draft, *, actor: Actor, paused: bool = False
) -> Schedule:
    """Make a schedule, which begins with its next time unless it is made paused."""
    _hold(project)
    if project.schedules.count() >= MOST_SCHEDULES:
        message = f"A project has at most {MOST_SCHEDULES} schedules. Delete some."
        raise InvalidError(message, "name")
    schedule = Schedule(project=project, created_by=actor.label or actor.kind)
    _fill(schedule, draft)
    schedule.next_at = None if paused else next_after(draft.timing, draft.starts_at)
    schedule.save(force_insert=True)
    told = {"name": schedule.name, "cron": schedule.cron, "time_zone": schedule.time_zone}
    _record(schedule, "schedule.create", actor, told)
    return schedule


@transaction.atomic
def change_schedule(schedule: Schedule, draft: Draft, *, actor: Actor) -> Schedule:
    """Let a schedule be as the draft says. Its next time is counted from now."""
    schedule = _held(schedule)
    _hold(schedule.project)
    before = _told(schedule)
    _fill(schedule, draft)
    schedule.counted_from = timezone.now()
    if schedule.next_at is not None:
        schedule.next_at = next_after(draft.timing, draft.starts_at)
    schedule.save()
    after = _told(schedule)
    fields = [name for name in after if name not in before or before[name] != after[name]]
    _record(schedule, "schedule.change", actor, {"fields": fields})
    return schedule


@transaction.atomic
def pause_schedule(schedule: Schedule, *, actor: Actor) -> Schedule:
    """Let no further time be due. What runs goes on."""
    schedule = _held(schedule)
    if schedule.is_paused:
        raise ConflictError(PAUSED)
    schedule.next_at, schedule.paused_because = None, ""
    schedule.save(update_fields=["next_at", "paused_because"])
    _record(schedule, "schedule.pause", actor)
    return schedule


@transaction.atomic
def resume_schedule(schedule: Schedule, *, actor: Actor) -> Schedule:
    """Go on with the next time; what was due while it was paused is no missed time."""
    schedule = _held(schedule)
    if not schedule.is_paused:
        raise ConflictError(RUNNING)
    schedule.counted_from = timezone.now()
    if reason := why_not(schedule):
        raise ConflictError(reason)
    schedule.next_at = next_after(schedule.timing, schedule.starts_at)
    schedule.paused_because = ""
    schedule.save(update_fields=["next_at", "paused_because", "counted_from"])
    telling.settle(schedule)
    _record(schedule, "schedule.resume", actor)
    return schedule


@transaction.atomic
def delete_schedule(schedule: Schedule, *, actor: Actor) -> None:
    """Delete a schedule with the history of its times. Its runs and its suite stay."""
    schedule = _held(schedule)
    _record(schedule, "schedule.delete", actor, {"name": schedule.name})
    telling.settle(schedule)
    schedule.delete()


def run_schedule(schedule: Schedule, *, actor: Actor) -> Firing:
    """Start its run now, paused or not. Its next time stays as it is.

    Raises ConflictError where its last run is still going, and what the start of the run raises:
    who asks is told, so a start that failed is not kept.
    """
    with transaction.atomic():
        place = place_of_now(_able(schedule), actor=actor)
    return _run_over(schedule, place, actor)


@transaction.atomic
def _run_over(schedule: Schedule, place: Place, actor: Actor) -> Firing:
    schedule = _able(schedule)
    firing = Firing(
        project=schedule.project,
        schedule=schedule,
        due_at=timezone.now(),
        state=FiringState.FIRED,
        asked_by=actor.label or actor.kind,
    )
    firing.run = begin_run(schedule, place, actor=actor)
    firing.save(force_insert=True)
    _record(schedule, "schedule.run", actor, {"run": str(firing.run.pk)})
    return firing


def _able(schedule: Schedule) -> Schedule:
    """Return the schedule, held. Raises ConflictError where it cannot run now."""
    schedule = _held(schedule)
    if reason := still_going(schedule) or why_not(schedule):
        raise ConflictError(reason)
    return schedule


def next_times(schedule: Schedule, now: datetime, count: int) -> list[datetime]:
    """Return the next times of a schedule; of a paused one, as if it went on."""
    return schedule.timing.next_times(counted_from(now, schedule.starts_at), count)


def next_after(timing: Timing, starts_at: datetime | None) -> datetime | None:
    return timing.first_after(counted_from(timezone.now(), starts_at))


def counted_from(now: datetime, starts_at: datetime | None) -> datetime:
    """Return after which moment the next time comes."""
    if starts_at is None or starts_at <= now:
        return now
    # The moment before, so that it can begin with the very time that is named.
    return starts_at - timedelta(microseconds=1)


def _fill(schedule: Schedule, draft: Draft) -> None:
    schedule.name, schedule.owner = draft.name, draft.owner
    schedule.cron, schedule.time_zone = draft.timing.cron, draft.timing.zone
    schedule.starts_at, schedule.missed = draft.starts_at, draft.missed
    schedule.suite, schedule.suite_version = draft.suite, draft.suite_version
    schedule.sealed_settings = seal_settings(schedule.project_id, draft.settings)
    schedule.sealed_choice = seal_choice(schedule.project_id, draft.choice)


def _told(schedule: Schedule) -> dict[str, Json]:
    """Return what the trail may say that was changed; what is sealed is not in it."""
    names = ("name", "owner_id", "cron", "time_zone", "starts_at", "missed", "suite_id")
    return {name: getattr(schedule, name) for name in (*names, "suite_version")}


def _hold(project: Project) -> None:
    # Without the key: recording events of the project goes on meanwhile.
    Project.everything.select_for_update(no_key=True).get(pk=project.pk)


def _held(schedule: Schedule) -> Schedule:
    project = schedule.project
    rows = project.schedules.select_for_update(of=("self",)).select_related("owner", "suite")
    found = rows.filter(pk=schedule.pk).first()
    if found is None:
        raise ConflictError("This schedule was deleted in the meantime.")
    found.project = project
    return found


def _record(
    schedule: Schedule, act: str, actor: Actor, detail: Mapping[str, Json] | None = None
) -> None:
    audit.record(
        actor,
        act,
        organization_id=schedule.project.organization_id,
        project_id=schedule.project_id,
        objects=[str(schedule.pk)],
        detail=detail,
    )
