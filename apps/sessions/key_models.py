"""The keys of the record, and what is kept under a session's key outside of its content."""

from __future__ import annotations

from django.db import models

from apps.tenants.models import Project, ProjectModel


class RecordModel(ProjectModel):
    """Base of the tables whose key is ``(project_id, session_id, ...)``.

    The database refuses rows of another project's session: each such table has a
    composite foreign key, which Django cannot express.
    """

    session_id: object

    class Meta:
        abstract = True


class ProjectKey(ProjectModel):
    """A project's key, wrapped by the master key."""

    pk = models.CompositePrimaryKey("project_id", "purpose", "version")
    project = models.ForeignKey(Project, models.CASCADE, related_name="record_keys", db_index=False)
    # "wrap" wraps session keys and can be rotated; "index" keys digests and never changes.
    purpose = models.CharField(max_length=5)
    version = models.SmallIntegerField()
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)


class SessionKey(RecordModel):
    """A session's data key, wrapped by the project's. Deleting it makes the content unreadable."""

    pk = models.CompositePrimaryKey("project_id", "session_id", "version")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="session_keys"
    )
    session = models.ForeignKey(
        "agent_sessions.Session",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="keys",
    )
    version = models.SmallIntegerField()
    # The version of the project's key that wraps it.
    wrapped_by = models.SmallIntegerField()
    wrapped = models.BinaryField()


class Pseudonym(RecordModel):
    """A token in a session's content, and under the session's key the value that it stands for."""

    pk = models.CompositePrimaryKey("project_id", "session_id", "kind", "number", "tag")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="pseudonyms"
    )
    session = models.ForeignKey(
        "agent_sessions.Session",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="pseudonyms",
    )
    # The token is <KIND_number>, or <KIND_number_tag> where the session was not known yet.
    kind = models.TextField()
    number = models.IntegerField()
    tag = models.TextField()
    # A keyed hash of the value, by which it gets the same token again.
    mac = models.BinaryField()
    sealed = models.BinaryField()
