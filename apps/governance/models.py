"""What a project decides about what it records."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.governance.choices import Action
from apps.tenants.models import Project, ProjectModel


class RedactionPolicy(ProjectModel):
    """What becomes of personal data and secrets in what a project records.

    A project without a row has the default: everything as it was sent, secrets masked.
    Only ``services.change_policy`` writes here; each change raises the version, under which
    processes keep the policy ready for use.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="redaction_policies")
    version = models.PositiveIntegerField()
    input = models.CharField(max_length=12, choices=Action.choices)
    output = models.CharField(max_length=12, choices=Action.choices)
    system = models.CharField(max_length=12, choices=Action.choices)
    tool = models.CharField(max_length=12, choices=Action.choices)
    metadata = models.CharField(max_length=12, choices=Action.choices)
    # The kinds of personal data that are looked for. Secrets always are.
    kinds = ArrayField(models.CharField(max_length=40))
    # Whether a name such as "password" tells that its value is a secret or personal.
    looks_at_names = models.BooleanField()
    # [{"name", "pattern", "action"}], checked before they are written.
    rules = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)

    unscoped: ClassVar[models.Manager[RedactionPolicy]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project"], name="redaction_policy_once")]
