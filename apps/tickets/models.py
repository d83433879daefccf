"""Tickets: what somebody is to do about a session, and who changed what about it.

A title and a description quote what was recorded, so they lie under the key of the session
and end with it. Everything else is clear: boards sort by it.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.sessions.models import Session
from apps.tenants.models import Project, ProjectModel

LONGEST_TITLE = 200
LONGEST_DESCRIPTION = 10_000


class Status(models.TextChoices):
    """How far a ticket has come; in the order of the board's columns."""

    OPEN = "open", "Open"
    IN_REVIEW = "in_review", "In review"
    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"


class Severity(models.IntegerChoices):
    """How bad it is; larger is worse, so that lists can sort by it."""

    LOW = 1, "Low"
    MEDIUM = 2, "Medium"
    HIGH = 3, "High"
    CRITICAL = 4, "Critical"

    @property
    def word(self) -> str:
        """The word that the API and addresses use."""
        return self.name.lower()


class TicketQuerySet(models.QuerySet["Ticket"]):
    def unfinished(self) -> TicketQuerySet:
        return self.exclude(status=Status.DONE)

    def unclaimed(self) -> TicketQuerySet:
        """Leave those that wait for somebody: open, given to nobody, and held by nobody now."""
        free = Q(claimed_until=None) | Q(claimed_until__lte=timezone.now())
        return self.filter(free, status=Status.OPEN, assignee=None)

    def most_urgent_first(self) -> TicketQuerySet:
        return self.order_by("-severity", F("due_on").asc(nulls_last=True), "number")


TicketManager = models.Manager.from_queryset(TicketQuerySet)


class Ticket(ProjectModel):
    """Something to be done about a session or one of its steps. Only ``services`` writes here."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="tickets", db_index=False)
    # 1, 2, ... in the project, without gaps: people call tickets by it.
    number = models.PositiveIntegerField()
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="tickets"
    )
    # Null: the session as a whole.
    event_id = models.UUIDField(null=True)
    # Null once the session was erased.
    sealed_title = models.BinaryField(null=True)
    sealed_description = models.BinaryField(null=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    severity = models.SmallIntegerField(choices=Severity.choices, default=Severity.MEDIUM)
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    due_on = models.DateField(null=True)
    # Raised by every change, so that nobody overwrites what they have not seen.
    version = models.PositiveIntegerField(default=1)
    # Who looks at it now, as "user:7" or "key:3", under which name, and until when.
    holder = models.CharField(max_length=40, blank=True)
    held_by = models.TextField(blank=True)
    claimed_until = models.DateTimeField(null=True)
    # Null: it was opened with a key, or the person is gone.
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # The name that the person or key had then.
    opened_by = models.TextField()
    opened_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[TicketManager[Ticket]] = TicketManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="ticket_number_once"),
            # What a row that names both must point at.
            models.UniqueConstraint(fields=["project", "id"], name="ticket_of_project"),
        ]
        indexes = [
            models.Index(fields=["project", "session", "event_id"], name="ticket_of_session"),
            models.Index(fields=["project", "status", "-number"], name="ticket_by_status"),
            models.Index(
                fields=["project", "-severity", "due_on", "number"],
                condition=Q(status=Status.OPEN, assignee=None),
                name="ticket_unclaimed",
            ),
        ]

    @property
    def is_done(self) -> bool:
        return self.status == Status.DONE

    @property
    def is_held(self) -> bool:
        """Whether somebody claimed it and has time left."""
        return self.claimed_until is not None and self.claimed_until > timezone.now()

    @property
    def is_overdue(self) -> bool:
        return self.due_on is not None and not self.is_done and self.due_on < timezone.localdate()


class TicketChange(ProjectModel):
    """One act that changed a ticket: which fields, before and after."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="ticket_changes", db_index=False
    )
    ticket = models.ForeignKey(
        Ticket, models.CASCADE, db_constraint=False, db_index=False, related_name="changes"
    )
    # The ticket's version that it made.
    version = models.PositiveIntegerField()
    # The name that the person or key had then.
    changed_by = models.TextField()
    changed_at = models.DateTimeField(default=timezone.now)
    # {field: [before, after]}, people by the names that they had.
    fields = models.JSONField(default=dict)
    # The same of title and description, under the session's key; null once it was erased.
    sealed_words = models.BinaryField(null=True)

    unscoped: ClassVar[models.Manager[TicketChange]] = models.Manager()

    class Meta:
        ordering = ["version"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "ticket", "version"], name="ticket_change_once"
            )
        ]
