"""Who may see one session without a role that lets them see all."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from guardian.managers import UserObjectPermissionManager
from guardian.models import UserObjectPermissionBase

from apps.tenants.models import Project, ProjectModel


class SessionGrant(ProjectModel, UserObjectPermissionBase):
    """One right on one session, given to one person. Only ``grants`` writes here.

    It is the table in which django-guardian keeps its permissions on sessions, with the
    project beside them: a session of another project is refused by the database.
    """

    # First, so that relations go through it; guardian asks for the other by its name.
    unscoped: ClassVar[models.Manager[SessionGrant]] = models.Manager()
    objects: ClassVar[UserObjectPermissionManager] = UserObjectPermissionManager()

    project = models.ForeignKey(
        Project, models.CASCADE, db_index=False, related_name="session_grants"
    )
    # The record knows nothing of this table: erasing and merging tell it.
    content_object = models.ForeignKey(
        "agent_sessions.Session",
        models.DO_NOTHING,
        db_column="session_id",
        db_constraint=False,
        db_index=False,
        related_name="grants",
    )
    # The name that the person had then.
    given_by = models.TextField()
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "content_object", "user", "permission"],
                name="session_grant_once",
            )
        ]
