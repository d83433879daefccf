"""POSTs that were answered, so that the same one again gets the same answer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from apps.tenants.models import Project, ProjectModel


class AnsweredRequest(ProjectModel):
    """One POST with an Idempotency-Key, and its answer. Only ``idempotency`` writes here."""

    project = models.ForeignKey(
        Project, models.CASCADE, db_index=False, related_name="answered_requests"
    )
    # A keyed hash of who asked and of their key.
    key = models.BinaryField(max_length=16)
    # A keyed hash of what they asked.
    request = models.BinaryField(max_length=16)
    status = models.PositiveSmallIntegerField()
    # The answer may repeat what was said, so it is encrypted, and goes with its session.
    sealed = models.BinaryField()
    session_id = models.UUIDField(null=True)
    answered_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[AnsweredRequest]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="answered_once_per_key")
        ]
        indexes = [
            models.Index(fields=["project", "session_id"], name="answered_of_session"),
            models.Index(fields=["answered_at"], name="answered_by_time"),
        ]
