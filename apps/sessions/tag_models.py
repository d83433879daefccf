"""Who gave a session which tag."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.sessions.key_models import RecordModel
from apps.tenants.models import Project


class SessionTag(RecordModel):
    """A tag that a person or a key gave a session. Lists find it by its facet, as all tags.

    A tag without such a row was sent by the application with its events.
    """

    pk = models.CompositePrimaryKey("project_id", "session_id", "tag")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="session_tags"
    )
    session = models.ForeignKey(
        "agent_sessions.Session",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="given_tags",
    )
    tag = models.TextField()
    # The name that the person or key had then.
    given_by = models.TextField()
    given_at = models.DateTimeField(default=timezone.now)
