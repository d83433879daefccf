"""The trail of what was done, by whom. Entries are added and never changed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class AuditEntry(models.Model):
    """One act of one actor. It knows ids only, so that every app may write it.

    The database refuses to change or remove an entry (migration 0002).
    """

    organization_id = models.BigIntegerField()
    # Null: an act on the organization itself.
    project_id = models.BigIntegerField(null=True)
    actor_kind = models.CharField(max_length=8)
    actor_id = models.CharField(max_length=64, blank=True)
    # The actor's name at that time: the person or key may be gone when this is read.
    actor_label = models.CharField(max_length=254, blank=True)
    act = models.CharField(max_length=64)
    object_ids = ArrayField(models.CharField(max_length=128), default=list)
    detail = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=128, blank=True)
    at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[AuditEntry]] = models.Manager()

    class Meta:
        # Keyset pages read one of these from its newest end.
        indexes = [
            models.Index(fields=["organization_id", "-id"], name="audit_of_organization"),
            models.Index(fields=["project_id", "-id"], name="audit_of_project"),
            models.Index(fields=["organization_id", "act", "-id"], name="audit_of_act"),
            models.Index(fields=["organization_id", "actor_label", "-id"], name="audit_of_actor"),
        ]


class Reading(models.Model):
    """How often one actor read one session within the window that an entry opened."""

    project_id = models.BigIntegerField()
    actor_kind = models.CharField(max_length=8)
    actor_id = models.CharField(max_length=64, blank=True)
    session_id = models.CharField(max_length=64)
    entry = models.ForeignKey(AuditEntry, models.PROTECT, related_name="readings")
    count = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[Reading]] = models.Manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["project_id", "session_id", "actor_kind", "actor_id", "-started_at"],
                name="reading_by_actor",
            )
        ]
