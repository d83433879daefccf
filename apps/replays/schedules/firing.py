"""What is due: each due time becomes one row, and the run that it asks for is started once.

Several beats and workers may look at the same time. Who holds the schedule's row makes the row
of the due time and moves on to the next one, in one transaction; who holds that row starts its
run, in another. A worker that is killed lets go of what it held, and the sweep begins again: how
often is counted first, so that a start that ends its workers is given up and told.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import after_commit
from apps.replays.schedules import sweeping, telling
from apps.replays.schedules.models import (
    LONGEST_REASON,
    Firing,
    FiringState,
    Missed,
    Schedule,
)
from apps.replays.schedules.standing import failing, still_going, why_not
from apps.replays.schedules.starting import Place, begin_run, place_of_now
from apps.replays.schedules.timing import Due

TAKE, START = "replays.take_due", "replays.start_scheduled"
# A time that is older when it is found was missed.
GRACE = timedelta(minutes=5)
MOST_TRIES = 3
GIVEN_UP = "Three workers ended while they started it. The server's log says why."
STOPPED = "It was paused before its run was started."
STARTING = "Its run before is still being started."


@transaction.atomic
def take_due(project_id: int, schedule_id: UUID, *, now: datetime | None = None) -> Firing | None:
    """Make the row of a schedule's due time and move on; None where nothing is due any more."""
    now = now or timezone.now()
    schedule = sweeping.held_schedule(project_id, schedule_id, now)
    if schedule is None or schedule.next_at is None:
        return None
    if reason := why_not(schedule) or failing(schedule):
        pause_itself(schedule, reason)
        return None
    due = schedule.timing.until(schedule.next_at, now)
    schedule.next_at = schedule.timing.first_after(now)
    schedule.save(update_fields=["next_at"])
    if schedule.firings.filter(project_id=project_id, due_at=due.last).exists():
        # The clock of the server was set back.
        return None
    firing = _with_same(_firing(schedule, due, now))
    firing.save()
    if firing.state == FiringState.STARTING:
        after_commit(START, project_id, firing.pk)
    return firing


def _firing(schedule: Schedule, due: Due, now: datetime) -> Firing:
    firing = Firing(
        project=schedule.project,
        schedule=schedule,
        due_at=due.last,
        times=due.count,
        since=due.first if due.count > 1 else None,
        made_at=now,
    )
    if due.last < now - GRACE and schedule.missed == Missed.SKIP:
        _skip(firing, f"No server ran {_when(schedule, due)}.", tells=True)
    elif going := still_going(schedule) or _being_started(schedule):
        # Nothing but a person lets a paused run go on.
        _skip(firing, going, tells="paused" in going)
    elif due.first < now - GRACE:
        firing.reason = f"No server ran {_when(schedule, due)}: run once, late."
    return firing


def _with_same(firing: Firing) -> Firing:
    """Return the row before, standing for this time too, where both were left out alike.

    Otherwise a run of a day would fill the history of a schedule of every minute.
    """
    if firing.state != FiringState.SKIPPED:
        return firing
    rows = firing.schedule.firings.filter(project_id=firing.project_id)
    last = rows.order_by("-id").first()
    alike = (FiringState.SKIPPED, firing.reason, "")
    if last is None or (last.state, last.reason, last.asked_by) != alike:
        return firing
    last.since = last.since or last.due_at
    last.due_at, last.times = firing.due_at, last.times + firing.times
    return last


def _skip(firing: Firing, reason: str, *, tells: bool) -> None:
    firing.state, firing.reason = FiringState.SKIPPED, reason[:LONGEST_REASON]
    if tells:
        telling.tell(firing.schedule, f"left out. {reason}")


def _being_started(schedule: Schedule) -> str:
    rows = schedule.firings.filter(project_id=schedule.project_id, state=FiringState.STARTING)
    return STARTING if rows.exists() else ""


def _when(schedule: Schedule, due: Due) -> str:
    first, last = (_local(schedule, moment) for moment in (due.first, due.last))
    if due.count == 1:
        return f"when it was due, {first}"
    more = f"{due.count:,} times or more" if due.is_cut else f"{due.count:,} times"
    return f"when it was due, {more} from {first} to {last}"


def _local(schedule: Schedule, moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(schedule.time_zone)).strftime("%Y-%m-%d %H:%M %Z")


def pause_itself(schedule: Schedule, reason: str) -> None:
    """Pause a schedule that cannot go on, and tell its owner why; the caller holds it."""
    schedule.next_at, schedule.paused_because = None, reason[:LONGEST_REASON]
    schedule.save(update_fields=["next_at", "paused_because"])
    audit.record(
        actor_of(schedule),
        "schedule.pause",
        organization_id=schedule.project.organization_id,
        project_id=schedule.project_id,
        objects=[str(schedule.pk)],
        detail={"reason": schedule.paused_because},
    )
    telling.tell(schedule, f"paused. {reason}")


def start_scheduled(project_id: int, firing_id: int) -> None:
    """Start the run of a due time, unless somebody else does or did."""
    if not _begin(project_id, firing_id):
        return
    place = _choose(project_id, firing_id)
    if place is not None:
        _start(project_id, firing_id, place)


@transaction.atomic
def _begin(project_id: int, firing_id: int) -> bool:
    """Count a try before it is made, so that one that ends its worker is counted, too."""
    firing = sweeping.held_firing(project_id, firing_id)
    if firing is None:
        return False
    if firing.tries >= MOST_TRIES:
        _fail(firing, GIVEN_UP)
        return False
    firing.tries += 1
    firing.save(update_fields=["tries"])
    return True


@transaction.atomic
def _choose(project_id: int, firing_id: int) -> Place | None:
    """Choose what to run over; None where the time is seen to already, or has failed."""
    firing = sweeping.held_firing(project_id, firing_id)
    if firing is None:
        return None
    if firing.schedule.is_paused:
        _end(firing, FiringState.SKIPPED, STOPPED)
        return None
    try:
        with transaction.atomic():
            return place_of_now(firing.schedule, actor=actor_of(firing.schedule))
    except DomainError as error:
        _fail(firing, str(error))
        return None


@transaction.atomic
def _start(project_id: int, firing_id: int, place: Place) -> None:
    firing = sweeping.held_firing(project_id, firing_id)
    if firing is None:
        return
    schedule = firing.schedule
    try:
        with transaction.atomic():
            firing.run = begin_run(schedule, place, actor=actor_of(schedule))
    except DomainError as error:
        _fail(firing, str(error))
    else:
        _end(firing, FiringState.FIRED, firing.reason)


def _fail(firing: Firing, reason: str) -> None:
    _end(firing, FiringState.FAILED, reason)
    schedule = firing.schedule
    if not schedule.is_paused and (why := failing(schedule)):
        pause_itself(schedule, why)
    else:
        telling.tell(schedule, f"not started. {reason}")


def _end(firing: Firing, state: FiringState, reason: str) -> None:
    firing.state, firing.reason = state, reason[:LONGEST_REASON]
    firing.save(update_fields=["state", "reason", "run"])


def actor_of(schedule: Schedule) -> Actor:
    return Actor(kind="system", label=f"schedule “{schedule.name}”")
