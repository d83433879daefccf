"""Makers of schedules, due as tests want them."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import AlwaysEagerIgnored
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.actors import SYSTEM
from apps.replays.schedules import firing, services
from apps.replays.schedules.models import Firing, Schedule
from apps.replays.schedules.settings import Known, draft_of, read_sent
from apps.replays.suite_models import Suite
from apps.tenants.models import Project
from tests.replays.running import KIND, SCRIPT

RUN = {"provider": "scripted", "script": SCRIPT, "candidates": [KIND]}


def make_schedule(
    project: Project, owner: User, suite: Suite | None = None, *, paused: bool = False, **sent: Any
) -> Schedule:
    """Make a schedule of every night at 3 in UTC, over a suite or as ``sessions`` say."""
    run = {**RUN, "suite": str(suite.pk)} if suite else dict(RUN)
    body = {"name": "Nightly", "cron": "0 3 * * *", "run": run, "owner": owner.email} | sent
    draft = draft_of(project, read_sent(body), Known(), usual_owner=None)
    return services.create_schedule(project, draft, actor=SYSTEM, paused=paused)


def made_due(schedule: Schedule, *, ago: timedelta = timedelta(seconds=1)) -> datetime:
    """Let the schedule have been due some time ago."""
    schedule.next_at = timezone.now() - ago
    schedule.save(update_fields=["next_at"])
    return schedule.next_at


def fire(schedule: Schedule, *, ago: timedelta = timedelta(seconds=1)) -> Firing | None:
    """Let it be due, and do what a worker does about it."""
    made_due(schedule, ago=ago)
    found = firing.take_due(schedule.project_id, schedule.pk)
    if found is not None:
        firing.start_scheduled(schedule.project_id, found.pk)
        found.refresh_from_db()
    schedule.refresh_from_db()
    return found


def keep_schedule(project: Project, owner: User) -> Schedule:
    """Keep a schedule worth looking at: a hostile name, and times that came to nothing."""
    sessions = {"last": 5, "filter": "model:none"}
    schedule = make_schedule(project, owner, name="<b>Every night</b>", sessions=sessions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlwaysEagerIgnored)
        fire(schedule)
        fire(schedule, ago=timedelta(days=3))
    return schedule
