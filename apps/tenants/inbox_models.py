"""What waits for a person to be read."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
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
    APPROVAL = "approval", "asks you to agree to a move of a protected label"
    DECISION = "decision", "decided what you asked for"
    RUN = "run", "tells how a run of yours ended"
    SCHEDULE = "schedule", "could not keep a schedule of yours"


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
    # Of the record, which knows nothing of this table: erasing and merging tell it. Null: it is
    # about something else, which ``about`` names and ``link`` leads to.
    session_id = models.UUIDField(null=True)
    event_id = models.UUIDField(null=True)
    # The comment or ticket; which of them, the kind says.
    subject_id = models.BigIntegerField(null=True)
    # Words of the server's own, never recorded text: "production of support/triage: 3 to 4".
    about = models.TextField(blank=True)
    # The name of a page of the project, and what its address takes after organization and project.
    link = models.CharField(max_length=60, blank=True)
    link_ids = ArrayField(models.TextField(), default=list)
    # Where on the page: an element's id.
    anchor = models.CharField(max_length=60, blank=True)
    # What a person must be allowed, when they look, to be shown it.
    needs = models.CharField(max_length=30, blank=True)
    # How often it happened since the person last read it.
    times = models.PositiveIntegerField(default=1)
    told_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[InboxEntry]] = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(session_id__isnull=False) | ~Q(link="") & ~Q(about="") & ~Q(needs=""),
                name="inbox_leads_somewhere",
            )
        ]
        indexes = [
            models.Index(fields=["person", "-told_at", "-id"], name="inbox_of_person"),
            models.Index(fields=["person"], condition=Q(read_at=None), name="inbox_unread"),
            models.Index(fields=["project", "session_id"], name="inbox_of_session"),
            models.Index(
                fields=["project", "link", "link_ids"],
                condition=Q(session_id=None, read_at=None),
                name="inbox_of_link",
            ),
        ]
