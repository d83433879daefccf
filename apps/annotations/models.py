"""What people, programs and models say about recorded sessions.

What somebody wrote may quote the record or name a person, so it lies under the key of its
session and ends with it. Labels that people choose from (tags, names of scores) are clear, as
the record's own are: lists look for them.

Rows name a step by its plain id: events are partitioned, and nothing may refer to them.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User

# Django finds the models of an app through this module.
from apps.annotations import share_models  # noqa: F401
from apps.core.ids import uuid7
from apps.sessions.models import Session
from apps.tenants.models import ApiKey, Project, ProjectModel

LONGEST_LABEL = 64


class Signed(ProjectModel):
    """Base of what somebody said: a person, an API key, or the system without either."""

    person = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    key = models.ForeignKey(
        ApiKey, models.SET_NULL, null=True, db_constraint=False, related_name="+"
    )
    # The name that the person or key had then.
    by = models.TextField()

    class Meta:
        abstract = True


def of_session(related_name: str) -> models.ForeignKey[Session, Session]:
    """Return the reference to a session; the database holds it by its composite key."""
    return models.ForeignKey(
        Session,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name=related_name,
    )


class Comment(Signed):
    """A remark on a session, one of its steps or a range of text; or a reply to one.

    Replies carry the place of the comment that they answer. A deleted comment that was answered
    stays without its words, so that the answers still stand under something.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="comments", db_index=False)
    session = of_session("comments")
    event_id = models.UUIDField(null=True)
    # The comment that began the thread; null for that one itself.
    thread = models.ForeignKey(
        "self", models.CASCADE, null=True, db_constraint=False, related_name="replies"
    )
    # Both under the session's key; the text is null once deleted.
    sealed_text = models.BinaryField(null=True)
    sealed_range = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    # Of threads: since when nothing is left to do, and who said so.
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.TextField(blank=True)

    unscoped: ClassVar[models.Manager[Comment]] = models.Manager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "id"], name="comment_of_project"),
            models.CheckConstraint(
                condition=Q(thread=None) | Q(resolved_at=None), name="comment_thread_is_resolved"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "session", "event_id"], name="comment_of_session")
        ]


class CommentEdit(ProjectModel):
    """What a comment said before it was edited."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="comment_edits", db_index=False
    )
    comment = models.ForeignKey(Comment, models.CASCADE, db_constraint=False, related_name="edits")
    sealed_text = models.BinaryField()
    # When it said so first.
    said_at = models.DateTimeField()

    unscoped: ClassVar[models.Manager[CommentEdit]] = models.Manager()

    class Meta:
        ordering = ["pk"]


class CommentMention(ProjectModel):
    """A person who is named in a comment."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="comment_mentions", db_index=False
    )
    comment = models.ForeignKey(
        Comment, models.CASCADE, db_constraint=False, related_name="mentions"
    )
    person = models.ForeignKey(User, models.CASCADE, related_name="+")

    unscoped: ClassVar[models.Manager[CommentMention]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comment", "person"], name="comment_mention_once")
        ]


class EventTag(ProjectModel):
    """A tag that a person or a key gave one step of a session."""

    pk = models.CompositePrimaryKey("project_id", "session_id", "event_id", "tag")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="event_tags"
    )
    session = of_session("event_tags")
    event_id = models.UUIDField()
    tag = models.TextField()
    # The name that the person or key had then.
    given_by = models.TextField()
    given_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[EventTag]] = models.Manager()


class ScoreSource(models.TextChoices):
    """What judged."""

    HUMAN = "human", "Human"
    CODE = "code", "Code"
    MODEL = "model", "Model"


class Score(Signed):
    """A judgement on a session or one of its steps: a number, a yes or no, or a label."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="scores", db_index=False)
    session = of_session("scores")
    event_id = models.UUIDField(null=True)
    name = models.CharField(max_length=LONGEST_LABEL)
    source = models.CharField(max_length=5, choices=ScoreSource.choices)
    # Exactly one of them holds the value.
    number = models.FloatField(null=True)
    truth = models.BooleanField(null=True)
    label = models.CharField(max_length=LONGEST_LABEL, null=True)  # noqa: DJ001
    # Why, under the session's key.
    sealed_comment = models.BinaryField(null=True)
    # The session that this one was held against, where two were compared.
    against = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[Score]] = models.Manager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(number__isnull=False, truth=None, label=None)
                | Q(number=None, truth__isnull=False, label=None)
                | Q(number=None, truth=None, label__isnull=False),
                name="score_has_one_value",
            )
        ]
        indexes = [
            models.Index(fields=["project", "session", "event_id"], name="score_of_session"),
            models.Index(fields=["project", "name", "created_at"], name="score_by_name"),
        ]

    @property
    def value(self) -> float | bool | str | None:
        if self.truth is not None:
            return self.truth
        return self.number if self.number is not None else self.label


class Example(Signed):
    """A session that others can learn from: its title in the library, and how it was solved."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="examples", db_index=False)
    session = of_session("examples")
    # Both under the session's key.
    sealed_title = models.BinaryField()
    sealed_notes = models.BinaryField()
    marked_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(null=True)
    # Raised by each change, so that nobody overwrites what they have not seen.
    version = models.PositiveIntegerField(default=1)

    unscoped: ClassVar[models.Manager[Example]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "session"], name="example_once")]
        indexes = [models.Index(fields=["project", "-marked_at", "-id"], name="example_by_time")]
