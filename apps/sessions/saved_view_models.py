"""Saved views: named queries of the session list."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.tenants.models import Project, ProjectModel

LONGEST_NAME = 60


class SavedView(ProjectModel):
    """A name for filters, order and look of the list: one person's, or the project's.

    Only ``saved_views`` writes here. The query is under the project's key, because it holds
    words that people search for and ids of users, which are content everywhere else.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="saved_views")
    # Null: for everybody in the project.
    owner = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=LONGEST_NAME)
    sealed = models.BinaryField()
    position = models.PositiveIntegerField()
    # What the list opens with: for its owner, or for everybody without a default of their own.
    is_default = models.BooleanField(default=False)
    # Raised by each change of name, query or owner, so that nobody overwrites what they have
    # not seen.
    version = models.PositiveIntegerField(default=1)
    # Since when it waits to be taken back or forgotten.
    deleted_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[SavedView]] = models.Manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "owner", "name"],
                condition=Q(deleted_at=None),
                nulls_distinct=False,
                name="saved_view_name_once",
            ),
            models.UniqueConstraint(
                fields=["project", "owner"],
                condition=Q(deleted_at=None, is_default=True),
                nulls_distinct=False,
                name="saved_view_one_default",
            ),
        ]

    @property
    def is_shared(self) -> bool:
        return self.owner_id is None
