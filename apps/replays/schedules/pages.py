"""Pages of schedules that are read, and the buttons on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError, InvalidError
from apps.core.paging import read_limit
from apps.replays.schedules import queries, services
from apps.replays.schedules.models import Firing, Schedule
from apps.replays.schedules.output import address_of
from apps.replays.schedules.pages_choice import told_choice
from apps.replays.schedules.pages_words import (
    ShownFiring,
    ShownSchedule,
    ShownTime,
    as_yaml,
    shown_times,
    state_word,
)
from apps.replays.schedules.sealed import open_choice, open_settings
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

PAGING = frozenset({"cursor", "limit"})
FIRINGS_SHOWN = "25"
ACTS = ("pause", "resume", "run", "delete")


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def schedule_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show the project's schedules, with when each is due and what became of its last time."""
    query = request.GET.dict()
    refuse_unknown(query, PAGING)
    limit = read_limit(query.get("limit"))
    page = queries.schedule_page(project, cursor=query.get("cursor"), limit=limit)
    context = {
        "project": project,
        "page": page,
        "rows": [ShownSchedule(schedule) for schedule in page.rows],
        "may_run": may_run(request),
    }
    return render(request, "replays/schedules/list.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def schedule_detail(request: SignedInRequest, project: Project, schedule_id: UUID) -> HttpResponse:
    """Show a schedule: its next times, what it runs, and what became of its times."""
    query = request.GET.dict()
    refuse_unknown(query, PAGING)
    schedule = queries.find_schedule(project, schedule_id)
    limit = read_limit(query.get("limit", FIRINGS_SHOWN))
    page = queries.firing_page(schedule, cursor=query.get("cursor"), limit=limit)
    after = services.counted_from(timezone.now(), schedule.starts_at)
    starts_at = schedule.starts_at
    context = {
        "project": project,
        "schedule": schedule,
        "word": state_word(schedule),
        "says": schedule.timing.says(),
        "times": shown_times(schedule.timing, after),
        "starts": ShownTime(starts_at, schedule.time_zone) if starts_at else None,
        "page": page,
        "rows": [ShownFiring(firing, schedule) for firing in page.rows],
        "may_run": may_run(request),
        **_told(request, schedule),
    }
    return render(request, "replays/schedules/schedule.html", context)


def _told(request: SignedInRequest, schedule: Schedule) -> dict[str, Any]:
    """Return what it runs and chooses, where the person may read content."""
    if Permission.READ_CONTENT not in request.permissions:
        return {"settings": None, "choice": None}
    return {
        "settings": as_yaml(open_settings(schedule)),
        "choice": told_choice(schedule.project, open_choice(schedule)),
    }


def may_run(request: SignedInRequest) -> bool:
    return Permission.RUN_REPLAYS in request.permissions


@require_POST
@project_view(Permission.RUN_REPLAYS)
def act_on(request: SignedInRequest, project: Project, schedule_id: UUID) -> HttpResponse:
    """Pause, resume, run now or delete; what cannot be done says why."""
    schedule = queries.find_schedule(project, schedule_id)
    act = request.POST.get("act", "")
    if act not in ACTS:
        raise InvalidError(f"act must be one of {', '.join(ACTS)}.", "act")
    try:
        return _done(request, schedule, act)
    except DomainError as error:
        messages.error(request, f"It was not started: {error}" if act == "run" else str(error))
        return redirect(address_of(schedule))


def _done(request: SignedInRequest, schedule: Schedule, act: str) -> HttpResponse:
    place = (schedule.project.organization.slug, schedule.project.slug)
    if act == "delete":
        services.delete_schedule(schedule, actor=request.actor)
        messages.success(request, f"“{schedule.name}” was deleted. Its runs stay.")
        return redirect(reverse("replays:schedules", args=place))
    if act == "run":
        firing: Firing = services.run_schedule(schedule, actor=request.actor)
        messages.success(request, "The run was started.")
        return redirect(reverse("replays:run", args=(*place, firing.run_id)))
    turn: Callable[..., Schedule] = services.pause_schedule
    turn = services.resume_schedule if act == "resume" else turn
    turn(schedule, actor=request.actor)
    messages.success(request, "Paused." if act == "pause" else "Resumed.")
    return redirect(address_of(schedule))
