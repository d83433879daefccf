"""A suite run against candidates: each trial is one case, one side, one sample.

A trial is a row before anything is asked, and unique, so that a run goes on after its workers
were killed and nothing is tried twice. Only ``runs.starting``, ``runs.advancing`` and
``runs.ending`` write here.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.providers.models import Budget
from apps.replays.models import Replay
from apps.replays.suite_models import Case, Suite
from apps.tenants.models import Project, ProjectModel

LONGEST_REASON = 500
LONGEST_NAME = 200
# The task that goes on with a run.
ADVANCE = "replays.advance_run"
# And the one that judges it, apart: it loads numpy and scipy, which stay in memory.
JUDGE = "replays.judge_run"
# The side that candidates are held against.
BASELINE = 0


class RunState(models.TextChoices):
    """How far a run has come."""

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    CANCELLED = "cancelled", "Cancelled"
    # It could not go on, and nobody can make it.
    FAILED = "failed", "Failed"
    DONE = "done", "Done"


class Result(models.TextChoices):
    """What a run came to, which is the worst of its candidates."""

    PASS = "pass", "Pass"
    FAIL = "fail", "Fail"
    INCONCLUSIVE = "inconclusive", "Inconclusive"


class TrialState(models.TextChoices):
    """How far one trial has come. Skipped: its case cannot be tried, or nobody needs it now."""

    QUEUED = "queued", "Queued"
    STARTED = "started", "Started"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


UNFINISHED = (TrialState.QUEUED, TrialState.STARTED)


class RegressionRun(ProjectModel):
    """One version of a suite run against one or more candidates."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="regression_runs", db_index=False
    )
    suite = models.ForeignKey(
        Suite, models.CASCADE, db_constraint=False, db_index=False, related_name="runs"
    )
    suite_version = models.PositiveIntegerField()
    # Null: a person or key started it, or the schedule was deleted.
    schedule = models.ForeignKey(
        "replays.Schedule",
        models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="runs",
    )
    name = models.CharField(max_length=LONGEST_NAME)
    # What is run and what must hold, under the project's key: it holds texts of prompts.
    sealed_settings = models.BinaryField()
    budget = models.ForeignKey(Budget, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=9, choices=RunState.choices, default=RunState.RUNNING)
    # Why it is paused or failed, for people.
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    # Empty: not known yet.
    result = models.CharField(max_length=12, choices=Result.choices, blank=True)
    cases = models.PositiveIntegerField()
    # What the result rests on: versions of Playhead and its libraries, models that answered.
    environment = models.JSONField(default=dict)
    # Null: a key started it, or the person is gone.
    owner = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # The name that the person or key had then.
    started_by = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[RegressionRun]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "id"], name="regression_run_of_project"),
        ]
        indexes = [
            models.Index(fields=["project", "suite"], name="regression_run_of_suite"),
            models.Index(
                fields=["project", "schedule", "-id"],
                condition=Q(schedule__isnull=False),
                name="regression_run_of_schedule",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(state=RunState.RUNNING),
                name="regression_run_running",
            ),
        ]


class Trial(ProjectModel):
    """One case tried once on one side: 0 is the baseline, then the candidates in their order."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="trials", db_index=False)
    run = models.ForeignKey(
        RegressionRun, models.CASCADE, db_constraint=False, db_index=False, related_name="trials"
    )
    case = models.ForeignKey(
        Case, models.CASCADE, db_constraint=False, db_index=False, related_name="trials"
    )
    side = models.PositiveSmallIntegerField()
    sample = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=7, choices=TrialState.choices, default=TrialState.QUEUED)
    # Why it failed or was skipped, for people.
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    # Null: not started, read from the record itself, or erased since.
    replay = models.OneToOneField(
        Replay, models.SET_NULL, null=True, db_constraint=False, related_name="trial"
    )
    # Numbers by the names of metrics; null is unknown. Nothing of what was said.
    measures = models.JSONField(null=True)

    unscoped: ClassVar[models.Manager[Trial]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "run", "case", "side", "sample"], name="trial_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "run", "id"],
                condition=Q(state__in=UNFINISHED),
                name="trial_unfinished",
            ),
        ]


class Verdict(ProjectModel):
    """What one candidate came to: numbers and ids of cases, and nothing of what was said."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="verdicts", db_index=False)
    run = models.ForeignKey(
        RegressionRun, models.CASCADE, db_constraint=False, db_index=False, related_name="verdicts"
    )
    # 1 is the first candidate.
    side = models.PositiveSmallIntegerField()
    candidate = models.CharField(max_length=LONGEST_NAME)
    result = models.CharField(max_length=12, choices=Result.choices)
    # ``verdict_shapes.Judgement.as_json()``, and whether no other candidate beats it.
    judgement = models.JSONField()
    is_on_front = models.BooleanField(default=True)

    unscoped: ClassVar[models.Manager[Verdict]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "run", "side"], name="verdict_once"),
        ]
