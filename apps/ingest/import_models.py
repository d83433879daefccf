"""Imports of files: how far each is, the file itself while it is needed, and what was refused."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.ids import uuid7
from apps.tenants.models import Project, ProjectModel


class ImportStatus(models.TextChoices):
    """Where an import stands; ``imports.states.move`` alone changes it."""

    UPLOADING = "uploading", "Uploading"
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


S = ImportStatus
OPEN = (S.UPLOADING, S.WAITING, S.RUNNING)


class Import(ProjectModel):
    """One file of recorded sessions, and what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="imports")
    format = models.CharField(max_length=40)
    file_name = models.CharField(max_length=200)
    environment = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    status = models.CharField(max_length=9, choices=S.choices, default=S.UPLOADING)
    # Why it failed or waits, for people.
    reason = models.CharField(max_length=300, blank=True)

    # Records of the file that are dealt with: where a run goes on.
    records = models.BigIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    sessions = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)

    # The run that works on it, which must say so again before the time is over.
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    # Runs since the last one that got on.
    attempts = models.SmallIntegerField(default=0)
    # It may not go on before (a quota is used up).
    not_before = models.DateTimeField(null=True)

    created_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(default=timezone.now)
    # While uploading: when the last part came.
    touched_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # When the file was deleted; without it nothing can be resumed.
    deleted_at = models.DateTimeField(null=True)

    idempotency_key = models.CharField(max_length=255, blank=True)
    # A keyed hash of the file and of how it is to be read.
    digest = models.BinaryField(max_length=32, null=True)

    unscoped: ClassVar[models.Manager[Import]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="import_once_per_key",
            ),
            models.UniqueConstraint(fields=["project", "id"], name="import_of_project"),
        ]
        indexes = [
            # What the sweep looks for.
            models.Index(
                fields=["created_at"], condition=Q(deleted_at=None), name="import_with_file"
            )
        ]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_resumable(self) -> bool:
        return self.status in (S.FAILED, S.CANCELLED) and self.deleted_at is None

    @property
    def percent(self) -> int | None:
        """How much of the file is read; None before anybody knows."""
        if self.status == S.DONE:
            return 100
        if not self.size or self.status == S.UPLOADING:
            return None
        return min(100 * self.bytes_read // self.size, 99)


class PartOfImport(ProjectModel):
    """Base of what belongs to one import. The database refuses rows of another project's."""

    # ``import`` is a word of Python's.
    of_import_id: object

    class Meta:
        abstract = True


class ImportPart(PartOfImport):
    """A piece of the file, encrypted; the web server and the workers share no disk."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="import_parts", db_index=False
    )
    of_import = models.ForeignKey(
        Import,
        models.CASCADE,
        related_name="parts",
        db_index=False,
        db_constraint=False,
    )
    number = models.IntegerField()
    body = models.BinaryField()

    unscoped: ClassVar[models.Manager[ImportPart]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["of_import", "number"], name="import_part_once")
        ]


class ImportRefusal(PartOfImport):
    """A record of the file that was not taken, or a part of one. Encrypted: it may quote it."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="import_refusals", db_index=False
    )
    of_import = models.ForeignKey(
        Import,
        models.CASCADE,
        related_name="refusals",
        db_index=False,
        db_constraint=False,
    )
    # Counts from 1 in the order of the file.
    number = models.IntegerField()
    record = models.BigIntegerField()
    told = models.BinaryField()

    unscoped: ClassVar[models.Manager[ImportRefusal]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["of_import", "number"], name="import_refusal_once")
        ]


class ImportedSession(PartOfImport):
    """That a session was met in the file, by a hash of its name, so that each counts once."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="imported_sessions", db_index=False
    )
    of_import = models.ForeignKey(
        Import,
        models.CASCADE,
        related_name="imported_sessions",
        db_index=False,
        db_constraint=False,
    )
    name = models.BinaryField(max_length=16)

    unscoped: ClassVar[models.Manager[ImportedSession]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["of_import", "name"], name="imported_session_once")
        ]
