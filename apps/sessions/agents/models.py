"""Which version of an agent each session was of. Nothing recorded is kept here in clear.

Words of prompts are keyed hashes; who wants to read a prompt is led to a session that shows it.
Everything can be made anew from the record (``manage.py read_agents --rebuild``).
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.sessions.key_models import RecordModel
from apps.tenants.models import Project, ProjectModel


class Agent(ProjectModel):
    """A name that model calls were recorded under; empty: calls that name none."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="agents", db_index=False)
    name = models.TextField()
    last_number = models.PositiveIntegerField(default=0)
    first_seen = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(null=True)
    # Parameters that are another number in every session, and so are no part of a version.
    varying = ArrayField(models.TextField(), default=list)

    unscoped: ClassVar[models.Manager[Agent]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="agent_name_once"),
            # What a row that names both must point at.
            models.UniqueConstraint(fields=["project", "id"], name="agent_of_project"),
        ]
        indexes = [models.Index(fields=["project", "-last_seen", "-id"], name="agent_newest")]


class AgentModel(ProjectModel):
    """Base of what hangs on one agent."""

    agent_id: int

    class Meta:
        abstract = True


class AgentPrompt(AgentModel):
    """The stable words of a system prompt that an agent was given, as keyed hashes."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="agent_prompts", db_index=False
    )
    agent = models.ForeignKey(
        Agent, models.CASCADE, db_constraint=False, db_index=False, related_name="prompts"
    )
    # Which of the agent's prompts it is a wording of: "t:1", "t:2", ...
    slot = models.TextField()
    # 32 bits a word (``wording``); places that vary are holes.
    words = models.BinaryField()
    # How many sessions had it, one after the other, without a new place that varies.
    repeats = models.PositiveIntegerField(default=1)
    # The wording that it turned out to be, once the place in which they differ proved to vary.
    merged_into = models.BigIntegerField(null=True)

    unscoped: ClassVar[models.Manager[AgentPrompt]] = models.Manager()

    class Meta:
        indexes = [models.Index(fields=["project", "agent", "-id"], name="agentprompt_newest")]


class AgentVersion(AgentModel):
    """One state of an agent: its prompts, and for each the model, parameters and tools."""

    project = models.ForeignKey(
        Project, models.CASCADE, related_name="agent_versions", db_index=False
    )
    agent = models.ForeignKey(
        Agent, models.CASCADE, db_constraint=False, db_index=False, related_name="versions"
    )
    # 1, 2, ... in the order in which they were found.
    number = models.PositiveIntegerField()
    # Of ``calls``, under the project's key: equal states have equal ones.
    fingerprint = models.BinaryField(max_length=16)
    # {slot: {"prompt": wording or null, "ref": "triage@7" or "", "model", "params", "tools"}}
    calls = models.JSONField()
    # Starts of its first and last session; null: no session says when it began.
    first_seen = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(null=True)
    # The number of the version that it turned out to be.
    merged_into = models.PositiveIntegerField(null=True)

    unscoped: ClassVar[models.Manager[AgentVersion]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "agent", "number"], name="agentversion_number_once"
            ),
            models.UniqueConstraint(fields=["project", "id"], name="agentversion_of_project"),
        ]


class SessionAgentVersion(RecordModel):
    """Which version of an agent a session was of, and the steps that show it."""

    pk = models.CompositePrimaryKey("project_id", "session_id", "agent_id")
    project = models.ForeignKey(
        Project,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="session_agent_versions",
    )
    session = models.ForeignKey(
        "agent_sessions.Session",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="agent_versions",
    )
    agent = models.ForeignKey(
        Agent, models.CASCADE, db_constraint=False, db_index=False, related_name="sessions"
    )
    version = models.ForeignKey(
        AgentVersion, models.CASCADE, db_constraint=False, db_index=False, related_name="sessions"
    )
    # {slot: the event that shows it, hex}
    events = models.JSONField()
    # The session's sort_started.
    started_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                "project",
                "version",
                models.F("started_at").desc(),
                models.F("session_id").desc(),
                name="agentversion_newest",
            )
        ]


class AgentReading(RecordModel):
    """That a session was looked at for its agents, and up to what had arrived then."""

    pk = models.CompositePrimaryKey("project_id", "session_id")
    project = models.ForeignKey(
        Project,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="agent_readings",
    )
    session = models.ForeignKey(
        "agent_sessions.Session",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="agent_readings",
    )
    arrived_at = models.DateTimeField(null=True)
