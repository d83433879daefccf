"""Replays: sessions that were run again from a record, and what their reports say.

The numbers of a report are clear, since lists and trends are made of them. Its words and values
quote both sessions, so they lie under the key of the new session and end with it. Only
``services`` and ``following`` write here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.ids import uuid7
from apps.sessions.models import Origin, Session
from apps.tenants.models import Project, ProjectModel

# Longer than any one step should take.
SILENT_AFTER = timedelta(hours=1)
SHARES = ("coverage", "consumption", "fidelity", "decisions")
ORIGINS = [Origin.REPLAY, Origin.FORK]


class Status(models.TextChoices):
    """How far a replay has come. Failed: the application raised an error of its own."""

    RUNNING = "running", "Running"
    ENDED = "ended", "Ended"
    FAILED = "failed", "Failed"


class Band(models.TextChoices):
    """How near the record a replay came; the best first."""

    IDENTICAL = "identical", "Identical"
    FAITHFUL = "faithful", "Faithful"
    DRIFTED = "drifted", "Drifted"
    DIVERGED = "diverged", "Diverged"


class Where(models.TextChoices):
    """What ran the replay: the application itself, or Playhead with models alone."""

    CLIENT = "client", "In the application"
    SERVER = "server", "On the server"


def a_share(name: str) -> models.CheckConstraint:
    """Return the rule that a column is a share from 0 to 1, or unknown."""
    is_share = Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__range": (0, 1)})
    return models.CheckConstraint(condition=is_share, name=f"replay_{name}_is_share")


class Replay(ProjectModel):
    """One run of a recorded session, from its first report to its last.

    Numbers are null where they are unknown: while it runs, and where there was nothing to count.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="replays", db_index=False)
    # The sender's own id of the replay: 32 hexadecimal digits.
    client_id = models.CharField(max_length=32)
    # The new session. The database holds both references by their composite keys.
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="made_by"
    )
    # Null until the original is here, under the name by which the report knows it.
    original = models.ForeignKey(
        Session,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="replays",
    )
    original_name = models.TextField()

    origin = models.CharField(
        max_length=6, choices=[(origin.value, origin.label) for origin in ORIGINS]
    )
    where = models.CharField(max_length=6, choices=Where.choices, default=Where.CLIENT)
    status = models.CharField(max_length=7, choices=Status.choices)
    match = models.CharField(max_length=7, null=True)  # noqa: DJ001
    # Of the original, counted from 1; null for a replay of the whole.
    fork_step = models.PositiveIntegerField(null=True)
    error_type = models.TextField(null=True)  # noqa: DJ001

    band = models.CharField(max_length=9, choices=Band.choices, null=True)  # noqa: DJ001
    coverage = models.FloatField(null=True)
    consumption = models.FloatField(null=True)
    fidelity = models.FloatField(null=True)
    decisions = models.FloatField(null=True)
    # Calls that the replay made, and those that the record holds.
    calls = models.PositiveBigIntegerField(null=True)
    recorded_calls = models.PositiveBigIntegerField(null=True)
    divergences = models.PositiveIntegerField(null=True)
    # The first divergence: its class, where the original stood (from 1), and its events in the
    # original and in the replay. Null where a side has none; they may be still on their way.
    first_kind = models.TextField(null=True)  # noqa: DJ001
    first_step = models.PositiveIntegerField(null=True)
    first_event = models.UUIDField(null=True)
    first_made = models.UUIDField(null=True)
    # Of what was asked and answered: equal digests are equal behaviour.
    digest = models.TextField(null=True)  # noqa: DJ001

    # By the clock of the sender.
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # By the server's.
    reported_at = models.DateTimeField(default=timezone.now)
    # The name that the person or key had then.
    reported_by = models.TextField()
    # Plan, report and error, packed, under the new session's key.
    sealed = models.BinaryField()
    # What lists say of it, likewise, so that a page of them opens little.
    sealed_brief = models.BinaryField(default=b"")
    # A keyed digest of the report as it was sent: the same report again is no other one.
    sent_digest = models.BinaryField()

    unscoped: ClassVar[models.Manager[Replay]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "client_id"], name="replay_client_id_once"),
            # What a row that names both must point at; lists walk it backwards.
            models.UniqueConstraint(fields=["project", "id"], name="replay_of_project"),
            *map(a_share, SHARES),
        ]
        indexes = [
            models.Index(fields=["project", "session"], name="replay_of_session"),
            models.Index(fields=["project", "original", "-id"], name="replay_by_original"),
            models.Index(fields=["project", "band", "-id"], name="replay_by_band"),
            models.Index(fields=["project", "reported_at"], name="replay_by_time"),
            models.Index(
                fields=["project", "original_name"],
                condition=Q(original=None),
                name="replay_without_original",
            ),
        ]

    @property
    def is_running(self) -> bool:
        return self.status == Status.RUNNING

    @property
    def is_silent(self) -> bool:
        """Whether an application has said nothing for so long that it was perhaps killed.

        Of it, and of the steps of its session: what still runs sends steps, or ends.
        """
        if not self.is_running or self.where != Where.CLIENT:
            return False
        heard = max(self.reported_at, self.session.last_arrival_at or self.reported_at)
        return heard < timezone.now() - SILENT_AFTER

    @property
    def is_fork(self) -> bool:
        return self.origin == Origin.FORK


# Django finds the models of an app through this module.
from apps.replays import suite_models  # noqa: E402, F401
from apps.replays.runs import models as run_models  # noqa: E402, F401
from apps.replays.schedules import models as schedule_models  # noqa: E402, F401
from apps.replays.server import models as server_models  # noqa: E402, F401
