"""What a server's replay is to do, and how far each of its steps has come.

A step is a row before anything is asked, so that a worker which is killed loses nothing: its
lease ends, and another goes on. Only ``starting``, ``working`` and ``ending`` write here.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.ids import uuid7
from apps.providers.models import Budget, Credential
from apps.replays.models import Replay
from apps.tenants.models import Project, ProjectModel

LONGEST_REASON = 500


class Mode(models.TextChoices):
    """What a model is given as its history."""

    TEACHER_FORCED = "teacher_forced", "Each step after the recorded ones before it"
    PREFIX_THEN_FREE = "prefix_then_free", "As recorded up to a step, then on its own"
    FREE_RUNNING = "free_running", "On its own from the first call on"


class State(models.TextChoices):
    """How far a run has come."""

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    CANCELLED = "cancelled", "Cancelled"
    DONE = "done", "Done"


class Stop(models.TextChoices):
    """Why a replay that went on by itself came to its end."""

    ENDED = "ended", "It ended where a turn ends, and nobody spoke after that in the record"
    DEPARTED = "departed", "It departed from the record, so that no user's answer fits"
    TOOL = "tool", "It called a tool that nothing answers"
    STEPS = "steps", "It made as many calls as it may"
    TIME = "time", "Its calls took as long as they may"
    FAILED = "failed", "A call of a model failed"
    UNSUPPORTED = "unsupported", "The target cannot be asked what came"


class StepState(models.TextChoices):
    """How far one step has come. Skipped: the target cannot be asked it."""

    QUEUED = "queued", "Queued"
    LEASED = "leased", "Leased"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


UNFINISHED = (StepState.QUEUED, StepState.LEASED)


class ServerReplay(ProjectModel):
    """One run of one session by the server. What it came to is in its replay's report."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="server_replays", db_index=False
    )
    replay = models.OneToOneField(
        Replay, models.CASCADE, db_constraint=False, related_name="server_run"
    )
    mode = models.CharField(max_length=20, choices=Mode.choices)
    # The name of a credential, ``recorded`` or ``scripted``.
    provider = models.CharField(max_length=120)
    credential = models.ForeignKey(Credential, models.SET_NULL, null=True, related_name="+")
    budget = models.ForeignKey(Budget, models.SET_NULL, null=True, related_name="+")
    # Repetitions of one question are answered apart: 0, 1, ...
    sample = models.PositiveIntegerField(default=0)
    # Why it came to its end; empty for one whose steps are those of the record.
    stop = models.CharField(max_length=11, choices=Stop.choices, blank=True)
    # What the plan was made of: whoever starts it starts this one.
    plan_hash = models.CharField(max_length=64)
    # Overrides and script, under the new session's key: they hold texts of prompts.
    sealed_settings = models.BinaryField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.RUNNING)
    # Why it is paused, for people.
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # Since when it goes on without a pause: what is yet to come is told from its pace.
    running_since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[ServerReplay]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "id"], name="server_replay_of_project"),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(state=State.RUNNING),
                name="server_replay_running",
            ),
        ]


class ServerStep(ProjectModel):
    """One call of a model: a recorded one that is asked again, or the next of a free replay."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="server_steps", db_index=False
    )
    run = models.ForeignKey(
        ServerReplay, models.CASCADE, db_constraint=False, db_index=False, related_name="steps"
    )
    # The recorded call; of a free replay an id of its own, made of the run's and the number.
    event_id = models.UUIDField()
    # The recorded step's number; of a free replay 1, 2, ... as they are made.
    seq = models.PositiveIntegerField()
    state = models.CharField(max_length=7, choices=StepState.choices, default=StepState.QUEUED)
    # Who works on it, and until when others leave it to them.
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # How often somebody began it.
    begun = models.PositiveSmallIntegerField(default=0)
    # When an answer came, or it was clear that none would.
    ended_at = models.DateTimeField(null=True)
    # Why it failed or was skipped, for people.
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    # US dollars; null is not known.
    paid = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    is_cached = models.BooleanField(default=False)
    score = models.FloatField(null=True)
    is_same_decision = models.BooleanField(null=True)
    # The answer as an event has it, under the new session's key.
    sealed_answer = models.BinaryField(null=True)

    unscoped: ClassVar[models.Manager[ServerStep]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "run", "event_id"], name="server_step_once"),
        ]
        indexes = [
            models.Index(fields=["project", "run", "seq"], name="server_step_of_run"),
            # What is left: found at once in a replay of thousands of steps that are done.
            models.Index(
                fields=["project", "run", "seq"],
                condition=Q(state__in=UNFINISHED),
                name="server_step_unfinished",
            ),
        ]
