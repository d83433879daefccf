"""The library: prompts, their versions, which nothing updates, and the labels that move.

Versions are found by their prompt and number alone, so everything that points at one names both.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.prompts.names import LONGEST_LABEL, LONGEST_NAME, LONGEST_TAG
from apps.tenants.models import Project, ProjectModel

LONGEST_DESCRIPTION = 2_000
LONGEST_NOTE = 2_000
LONGEST_WHY = 500
LONGEST_COMMENT = 5_000


class Kind(models.TextChoices):
    """Whether a prompt is one text or a list of messages; it stays what it is."""

    TEXT = "text", "Text"
    CHAT = "chat", "Chat"


class PromptQuerySet(models.QuerySet["Prompt"]):
    def in_use(self) -> PromptQuerySet:
        return self.filter(archived_at=None)

    def in_folder(self, folder: str) -> PromptQuerySet:
        """Leave those under a folder, however deep."""
        return self.filter(name__startswith=f"{folder.rstrip('/')}/")


PromptManager = models.Manager.from_queryset(PromptQuerySet)


class Prompt(ProjectModel):
    """A named template. Its name stands in the record of every call, so it stays."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="prompts", db_index=False)
    # A path: "support/triage" lies in the folder "support".
    name = models.CharField(max_length=LONGEST_NAME)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    description = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=LONGEST_TAG), default=list)
    # Who answers for it; null: nobody, or the person is gone.
    owner = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # The number of its newest version.
    last_number = models.PositiveIntegerField(default=0)
    # The name that the person or key had then.
    created_by = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    # Since when it is not offered any more; whoever names it still gets it.
    archived_at = models.DateTimeField(null=True)

    unscoped: ClassVar[PromptManager[Prompt]] = PromptManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="prompt_name_once"),
            # What a row that names both must point at.
            models.UniqueConstraint(fields=["project", "id"], name="prompt_of_project"),
        ]
        indexes = [GinIndex(fields=["tags"], name="prompt_by_tag")]

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def short_name(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def is_chat(self) -> bool:
        return self.kind == Kind.CHAT


class PromptModel(ProjectModel):
    """Base of what hangs on one prompt."""

    prompt_id: int

    class Meta:
        abstract = True


class PromptVersion(PromptModel):
    """What a prompt said at one time. The database refuses to change it."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="prompt_versions", db_index=False
    )
    prompt = models.ForeignKey(
        Prompt, models.CASCADE, db_constraint=False, db_index=False, related_name="versions"
    )
    # 1, 2, ... without gaps: the record names versions by it.
    number = models.PositiveIntegerField()
    # A text, or a list of messages {"role", "content"} and places {"placeholder"}.
    body = models.JSONField()
    parameters = models.JSONField(default=dict)
    tools = models.JSONField(default=list)
    output_schema = models.JSONField(null=True)
    # [{"name", "type", "required", "default", "description"}]: of its own words.
    variables = models.JSONField(default=list)
    note = models.TextField(blank=True)
    # SHA-256 of all that a model would be sent, in canonical JSON.
    digest = models.CharField(max_length=64)
    # The name that the person or key had then.
    author = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[PromptVersion]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "prompt", "number"], name="promptversion_number_once"
            )
        ]

    @property
    def content(self) -> dict[str, Any]:
        """All that two versions can differ in."""
        return {
            "body": self.body,
            "parameters": self.parameters,
            "tools": self.tools,
            "output_schema": self.output_schema,
            "variables": self.variables,
        }


class PromptInclude(PromptModel):
    """One prompt that a version includes: which version of it, or under which label."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="prompt_includes", db_index=False
    )
    prompt = models.ForeignKey(
        Prompt, models.CASCADE, db_constraint=False, db_index=False, related_name="includes"
    )
    number = models.PositiveIntegerField()
    target = models.ForeignKey(
        Prompt, models.CASCADE, db_constraint=False, db_index=False, related_name="included_in"
    )
    # One of the two.
    target_number = models.PositiveIntegerField(null=True)
    target_label = models.CharField(max_length=LONGEST_LABEL, blank=True)

    unscoped: ClassVar[models.Manager[PromptInclude]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "prompt", "number", "target", "target_number", "target_label"],
                name="promptinclude_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["project", "target"], name="promptinclude_of_target")]


class PromptLabel(PromptModel):
    """A movable name of one version: an environment, most often."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="prompt_labels", db_index=False
    )
    prompt = models.ForeignKey(
        Prompt, models.CASCADE, db_constraint=False, db_index=False, related_name="labels"
    )
    name = models.CharField(max_length=LONGEST_LABEL)
    number = models.PositiveIntegerField()
    moved_by = models.TextField()
    moved_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[PromptLabel]] = models.Manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "prompt", "name"], name="promptlabel_once")
        ]


class LabelMove(PromptModel):
    """One act of the history of a label. Rows are added and never changed."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="label_moves", db_index=False)
    prompt = models.ForeignKey(
        Prompt, models.CASCADE, db_constraint=False, db_index=False, related_name="moves"
    )
    label = models.CharField(max_length=LONGEST_LABEL)
    # Null: it stood nowhere before, or stands nowhere since.
    from_number = models.PositiveIntegerField(null=True)
    to_number = models.PositiveIntegerField(null=True)
    why = models.TextField(blank=True)
    moved_by = models.TextField()
    # Who else agreed, where the label is protected.
    approved_by = models.TextField(blank=True)
    is_rollback = models.BooleanField(default=False)
    # A protected label that was moved back by one person alone.
    is_emergency = models.BooleanField(default=False)
    moved_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[LabelMove]] = models.Manager()

    class Meta:
        indexes = [models.Index(fields=["project", "prompt", "-id"], name="labelmove_newest")]


class RequestState(models.TextChoices):
    OPEN = "open", "Waiting"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"


class LabelRequest(PromptModel):
    """A move of a protected label that waits for a second person, and what became of it."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="label_requests", db_index=False
    )
    prompt = models.ForeignKey(
        Prompt, models.CASCADE, db_constraint=False, db_index=False, related_name="requests"
    )
    label = models.CharField(max_length=LONGEST_LABEL)
    # What the label stood at when it was asked: another move meanwhile voids the request.
    from_number = models.PositiveIntegerField(null=True)
    to_number = models.PositiveIntegerField(null=True)
    why = models.TextField(blank=True)
    is_rollback = models.BooleanField(default=False)
    # "user:7" or "key:3", and the name that they had then.
    asked_by = models.CharField(max_length=40)
    asked_label = models.TextField()
    asked_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=9, choices=RequestState.choices, default=RequestState.OPEN)
    decided_by = models.TextField(blank=True)
    decided_why = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[LabelRequest]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "prompt", "label"],
                condition=Q(state=RequestState.OPEN),
                name="labelrequest_open_once",
            )
        ]
        indexes = [models.Index(fields=["project", "prompt", "-id"], name="labelrequest_newest")]


class VersionComment(PromptModel):
    """What somebody said about a line of a version, or about the version as a whole."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="prompt_comments", db_index=False
    )
    prompt = models.ForeignKey(
        Prompt, models.CASCADE, db_constraint=False, db_index=False, related_name="comments"
    )
    number = models.PositiveIntegerField()
    # Of the version as it is shown, from 1; null: the version as a whole.
    line = models.PositiveIntegerField(null=True)
    text = models.TextField()
    # Null: it was said with a key, or the person is gone.
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by = models.TextField()
    said_at = models.DateTimeField(default=timezone.now)
    resolved_by = models.TextField(blank=True)
    resolved_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[VersionComment]] = models.Manager()

    class Meta:
        indexes = [
            models.Index(fields=["project", "prompt", "number", "id"], name="versioncomment_order")
        ]


class PromptSettings(ProjectModel):
    """Which labels of a project's prompts take two people. No row: none do."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="prompt_settings")
    protected_labels = ArrayField(models.CharField(max_length=LONGEST_LABEL), default=list)
    # Whether one person who may move protected labels may move one back alone, saying why.
    allows_emergency = models.BooleanField(default=True)

    unscoped: ClassVar[models.Manager[PromptSettings]] = models.Manager()
