"""Schedules of regression runs, and each time that one of them was due.

A due time is a row before anything is started, and unique, so that several beats and workers
start one run, and what could not be started is not lost but told. Only ``services``, ``firing``
and ``starting`` write here.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.replays.schedules.timing import LONGEST_CRON, LONGEST_ZONE, Timing
from apps.replays.suite_models import Suite
from apps.tenants.models import Project, ProjectModel

LONGEST_NAME = 120
LONGEST_REASON = 500


class Missed(models.TextChoices):
    """What is done about times at which no server ran."""

    RUN_ONCE = "run_once", "Run once, late"
    SKIP = "skip", "Leave them out"


class FiringState(models.TextChoices):
    """What became of a due time. Skipped: left out on purpose. Failed: it could not start."""

    STARTING = "starting", "Starting"
    FIRED = "fired", "Started"
    SKIPPED = "skipped", "Left out"
    FAILED = "failed", "Not started"


class Schedule(ProjectModel):
    """A regression run that starts by the clock, until it is paused."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="schedules", db_index=False)
    name = models.CharField(max_length=LONGEST_NAME)
    # Who is told, and without whose right to run replays it does nothing. Null: the person is
    # gone, and the schedule pauses at its next time.
    owner = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # Null: one of its own is made at the first time, of the sessions that are chosen then.
    suite = models.ForeignKey(
        Suite,
        models.CASCADE,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="schedules",
    )
    # Null: the newest at the time.
    suite_version = models.PositiveIntegerField(null=True)
    # The settings of its runs and the choice of sessions (null: those of the suite), under the
    # project's key: they hold texts of prompts and words that are searched for.
    sealed_settings = models.BinaryField()
    sealed_choice = models.BinaryField(null=True)
    cron = models.CharField(max_length=LONGEST_CRON)
    time_zone = models.CharField(max_length=LONGEST_ZONE)
    # Null: at once.
    starts_at = models.DateTimeField(null=True)
    missed = models.CharField(max_length=8, choices=Missed.choices, default=Missed.RUN_ONCE)
    # Null: paused.
    next_at = models.DateTimeField(null=True)
    # Why it paused itself; empty where a person paused it.
    paused_because = models.CharField(max_length=LONGEST_REASON, blank=True)
    # Since when failures in a row are counted: it was made, changed or resumed then.
    counted_from = models.DateTimeField(default=timezone.now)
    # The name that the person or key had then.
    created_by = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[Schedule]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(F("project"), Lower("name"), name="schedule_name_once"),
            models.UniqueConstraint(fields=["project", "id"], name="schedule_of_project"),
        ]
        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(next_at__isnull=False), name="schedule_due"
            ),
            models.Index(fields=["project", "suite"], name="schedule_of_suite"),
        ]

    @property
    def is_paused(self) -> bool:
        return self.next_at is None

    @property
    def chooses_sessions(self) -> bool:
        return self.sealed_choice is not None

    @property
    def timing(self) -> Timing:
        return Timing(self.cron, self.time_zone)


class Firing(ProjectModel):
    """A time at which a schedule was due, or was run by hand, and what became of it."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="firings", db_index=False)
    schedule = models.ForeignKey(
        Schedule, models.CASCADE, db_constraint=False, db_index=False, related_name="firings"
    )
    due_at = models.DateTimeField()
    # How many due times this row stands for; the last of them is ``due_at``.
    times = models.PositiveIntegerField(default=1)
    # The first of them, where there are several.
    since = models.DateTimeField(null=True)
    state = models.CharField(
        max_length=8, choices=FiringState.choices, default=FiringState.STARTING
    )
    # Why it was left out, was late or could not start, for people.
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    # How often workers began to start it: one that ends them is given up.
    tries = models.PositiveSmallIntegerField(default=0)
    run = models.OneToOneField(
        "replays.RegressionRun",
        models.SET_NULL,
        null=True,
        db_constraint=False,
        related_name="firing",
    )
    # Who ran it by hand; empty: the clock did.
    asked_by = models.TextField(blank=True)
    made_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[Firing]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "schedule", "due_at"], name="firing_once"),
        ]
        indexes = [
            models.Index(fields=["project", "schedule", "-id"], name="firing_of_schedule"),
            models.Index(
                fields=["id"],
                condition=Q(state=FiringState.STARTING),
                name="firing_starting",
            ),
        ]
