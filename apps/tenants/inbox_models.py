"""What waits for a person to be read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.tenants.models import Project, ProjectModel


class InboxKind(models.TextChoices):
    """Why somebody is told."""

    MENTION = "mention", "mentioned you"
    ASSIGNMENT = "assignment", "assigned a ticket to you"
    REPLY = "reply", "replied to you"
    TICKET = "ticket", "changed a ticket of yours"
    GRANT = "grant", "let you see a session"


class InboxEntry(ProjectModel):
    """One thing that a person is told. Only ``inbox`` writes here.

    It holds ids and the name of who acted, never recorded text: whoever opens it is asked
    again for their right to what it points at.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="inbox_entries")
    person = models.ForeignKey(User, models.CASCADE, related_name="inbox_entries")
    kind = models.CharField(max_length=10, choices=InboxKind.choices)
    # The name that the person or key had then.
    told_by = models.TextField()
    # Of the record, which knows nothing of this table: erasing and merging tell it.
    session_id = models.UUIDField()
    event_id = models.UUIDField(null=True)
    # The comment or ticket; which of them, the kind says.
    subject_id = models.BigIntegerField(null=True)
    # How often it happened since the person last read it.
    times = models.PositiveIntegerField(default=1)
    told_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[InboxEntry]] = models.Manager()

    class Meta:
        indexes = [
            models.Index(fields=["person", "-told_at", "-id"], name="inbox_of_person"),
            models.Index(fields=["person"], condition=Q(read_at=None), name="inbox_unread"),
            models.Index(fields=["project", "session_id"], name="inbox_of_session"),
        ]
