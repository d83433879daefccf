"""Schedules as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from apps.replays.runs.models import RegressionRun
from apps.replays.schedules import choice as choices
from apps.replays.schedules.models import Firing, Schedule
from apps.replays.schedules.sealed import open_choice, open_settings

Json = Any


def schedule_json(schedule: Schedule, *, content: bool) -> dict[str, Json]:
    """Return a schedule; what it runs and chooses only with the right to read content."""
    choice = open_choice(schedule) if content else None
    last: Firing | None = getattr(schedule, "last_firing", None)
    return {
        "id": str(schedule.pk),
        "name": schedule.name,
        "owner": schedule.owner.email if schedule.owner else None,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "says": schedule.timing.says(),
        "starts_at": schedule.starts_at,
        "missed": schedule.missed,
        "paused": schedule.is_paused,
        "paused_because": schedule.paused_because,
        "next_at": schedule.next_at,
        "over": "sessions" if schedule.chooses_sessions else "suite",
        "suite": _suite(schedule),
        "sessions": choices.as_json(choice) if choice else None,
        "run": open_settings(schedule) if content else None,
        "last": firing_json(schedule, last) if last else None,
        "created_by": schedule.created_by,
        "created_at": schedule.created_at,
        "url": address_of(schedule),
    }


def _suite(schedule: Schedule) -> Json:
    suite = schedule.suite
    if suite is None:
        return None
    return {"id": str(suite.pk), "name": suite.name, "version": schedule.suite_version}


def firing_json(schedule: Schedule, firing: Firing) -> dict[str, Json]:
    return {
        "id": firing.pk,
        "due_at": firing.due_at,
        "times": firing.times,
        "since": firing.since,
        "state": firing.state,
        "reason": firing.reason,
        "asked_by": firing.asked_by,
        "made_at": firing.made_at,
        "run": _run(schedule, firing.run) if firing.run else None,
    }


def _run(schedule: Schedule, run: RegressionRun) -> Json:
    place = (schedule.project.organization.slug, schedule.project.slug, run.pk)
    return {
        "id": str(run.pk),
        "state": run.state,
        "result": run.result or None,
        "url": reverse("replays:run", args=place),
    }


def next_json(zone: str, times: list[datetime]) -> list[dict[str, Json]]:
    """Return due times, each in UTC and as the clocks of the schedule's zone show it."""
    here = ZoneInfo(zone)
    return [{"at": moment, "local": moment.astimezone(here).isoformat()} for moment in times]


def address_of(schedule: Schedule) -> str:
    project = schedule.project
    return reverse("replays:schedule", args=(project.organization.slug, project.slug, schedule.pk))
