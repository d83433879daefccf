"""The tables of the record. Only ``store.py`` and the modules under it write them.

Every key starts with the project, so that the tables can be spread over servers by project.
Django knows ``Session`` by ``id``; the database's own key is ``(project_id, id)``.
Rows without a place in time sort by ``UNKNOWN_TIME``, never by a made-up time.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.sessions.agents.models import Agent as Agent
from apps.sessions.agents.models import AgentPrompt as AgentPrompt
from apps.sessions.agents.models import AgentReading as AgentReading
from apps.sessions.agents.models import AgentVersion as AgentVersion
from apps.sessions.agents.models import SessionAgentVersion as SessionAgentVersion
from apps.sessions.choices import UNKNOWN_NUMBER as UNKNOWN_NUMBER
from apps.sessions.choices import UNKNOWN_TIME as UNKNOWN_TIME
from apps.sessions.choices import Facet as Facet
from apps.sessions.choices import Origin as Origin
from apps.sessions.choices import OutcomeStatus as OutcomeStatus
from apps.sessions.choices import Status as Status
from apps.sessions.key_models import ProjectKey as ProjectKey
from apps.sessions.key_models import Pseudonym as Pseudonym
from apps.sessions.key_models import RecordModel
from apps.sessions.key_models import SessionKey as SessionKey
from apps.sessions.saved_view_models import SavedView as SavedView
from apps.sessions.sum_models import MetricDelta as MetricDelta
from apps.sessions.tag_models import SessionTag as SessionTag
from apps.tenants.models import Project, ProjectModel


def largest_first(column: str, *, name: str, of: str = "", **only: bool) -> models.Index:
    """Return the index of a project's list in one order, or of what has a value in ``of``."""
    order = (models.F(column).desc(), models.F("id").desc())
    known = {f"{of}__isnull": False} if of else {}
    columns = ("project", *([of] if of else []))
    listed = models.Q(is_listed=True, **known, **only)
    return models.Index(*columns, *order, condition=listed, name=name)


class SessionQuerySet(models.QuerySet["Session"]):
    def listed(self) -> SessionQuerySet:
        """Leave out what was merged into another session or erased."""
        return self.filter(is_listed=True)


SessionManager = models.Manager.from_queryset(SessionQuerySet)


class Session(ProjectModel):
    """One whole interaction: a conversation, an agent run, a workflow.

    The sums are kept exact by every append, so lists read this table and
    ``SessionFacet`` only.
    """

    # A UUIDv7 of the server's clock: it also says in which partition the events lie.
    id = models.UUIDField(primary_key=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="sessions", db_index=False)
    # Null: a trace that has named no session (yet) has one of its own.
    external_id = models.TextField(null=True)  # noqa: DJ001
    merged_into = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, db_constraint=False, related_name="merged_from"
    )
    # False once merged into another session or erased: lists leave it out.
    is_listed = models.BooleanField(default=True)
    erased_at = models.DateTimeField(null=True)

    # One of the many that a run of a suite made: it counts in no sum of the project, and no list
    # shows it before somebody asks for replays.
    is_trial = models.BooleanField(default=False, db_default=False)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.LIVE)
    replay_of = models.UUIDField(null=True)
    forked_at = models.UUIDField(null=True)
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.OPEN)

    # Of the first event in replay order that has one; facets hold all.
    environment = models.TextField(null=True)  # noqa: DJ001
    release = models.TextField(null=True)  # noqa: DJ001
    agent = models.TextField(null=True)  # noqa: DJ001
    # A keyed hash of the user's id; the id itself is content.
    user_ref = models.CharField(max_length=32, null=True)  # noqa: DJ001
    fingerprint = models.TextField(null=True)  # noqa: DJ001
    # The beginning of the first user input, under the session's key: reader.titles() opens it.
    title = models.BinaryField(null=True)
    # Where the five values above were taken from: {field: [order, position, event id]}.
    firsts = models.JSONField(default=dict)

    started_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    last_started_at = models.DateTimeField(null=True)
    # The sender's explicit end. Only what starts after it opens the session again.
    ended_at = models.DateTimeField(null=True)
    # By the server's clock; null until something arrived.
    last_arrival_at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(null=True)

    event_count = models.BigIntegerField(default=0)
    error_count = models.BigIntegerField(default=0)
    # {kind: number of events}
    counts = models.JSONField(default=dict)
    # Null while no counted event says; transport children are not counted.
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cache_read = models.BigIntegerField(null=True)
    cache_write = models.BigIntegerField(null=True)
    reasoning = models.BigIntegerField(null=True)
    cost = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    # {sum: events that contribute to it}, so that it can become null again; calls and answers.
    known = models.JSONField(default=dict)

    sort_started = models.DateTimeField(default=UNKNOWN_TIME)
    sort_cost = models.DecimalField(max_digits=30, decimal_places=10, default=UNKNOWN_NUMBER)
    sort_duration = models.FloatField(default=UNKNOWN_NUMBER)

    # What was seen, as bits; with ``known`` it tells ``fidelity`` (0 to 3: E0 to E3).
    features = models.SmallIntegerField(default=0)
    fidelity = models.SmallIntegerField(default=0)

    outcome = models.CharField(max_length=10, choices=OutcomeStatus.choices, null=True)  # noqa: DJ001
    outcome_code = models.TextField(null=True)  # noqa: DJ001
    # Content, under the session's key: reader.outcome_reason() opens it.
    outcome_reason = models.BinaryField(null=True)
    # "event" or the label of who set it; people win over events.
    outcome_by = models.TextField(null=True)  # noqa: DJ001
    outcome_from = models.JSONField(null=True)

    # Chunks written so far, and how many there are now.
    chunk_number = models.IntegerField(default=0)
    chunk_count = models.IntegerField(default=0)

    unscoped: ClassVar[SessionManager[Session]] = SessionManager()

    class Meta:
        # Beside Django's own, of which "view" can be granted.
        permissions = [("annotate_session", "Can annotate session")]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "external_id"], name="session_external_id_unique"
            )
        ]
        indexes = [
            models.Index(fields=["id"], name="session_id"),
            largest_first("sort_started", name="session_by_start", is_trial=False),
            largest_first("sort_cost", name="session_by_cost"),
            largest_first("sort_duration", name="session_by_duration"),
            largest_first("error_count", name="session_by_errors"),
            largest_first("sort_started", of="outcome", name="session_by_outcome"),
            largest_first("sort_started", of="replay_of", name="session_by_original"),
            models.Index(
                fields=["last_arrival_at"],
                condition=models.Q(status="open", is_listed=True),
                name="session_open",
            ),
            models.Index(
                fields=["last_arrival_at"],
                condition=models.Q(status="closed", is_listed=True),
                name="session_closed",
            ),
            models.Index(
                fields=["project", "id"],
                condition=models.Q(chunk_count__gt=1),
                name="session_with_chunks",
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.status == Status.OPEN

    @property
    def fidelity_class(self) -> str:
        """E0: can be viewed; E1: calls in order; E2: and state; E3: and lineage, surroundings."""
        return f"E{self.fidelity}"

    def locked(self) -> Self:
        # By the database's own key.
        rows = type(self).unscoped.select_for_update(of=("self",), no_key=True)
        return rows.get(project_id=self.project_id, pk=self.pk)  # type: ignore[return-value]


class Trace(ProjectModel):
    """A trace id and the one session that its events belong to."""

    pk = models.CompositePrimaryKey("project_id", "id")
    project = models.ForeignKey(Project, models.DO_NOTHING, related_name="traces", db_index=False)
    id = models.TextField()
    session = models.ForeignKey(
        Session,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="traces",
    )
    # True where only conversations were named; a session id that comes later takes over.
    is_weak = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["project", "session"], name="trace_of_session")]


class Event(RecordModel):
    """One step. Narrow: what was said lies in chunks, under the three digests."""

    pk = models.CompositePrimaryKey("project_id", "session_id", "id")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events"
    )
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events"
    )
    # A hash of (trace, client's id), or of (session's external id, client's id).
    id = models.UUIDField()
    client_id = models.TextField()
    client_parent = models.TextField(null=True)  # noqa: DJ001
    trace = models.TextField(null=True)  # noqa: DJ001
    parent_id = models.UUIDField(null=True)
    claimed_session = models.TextField(null=True)  # noqa: DJ001
    lane = models.TextField(null=True)  # noqa: DJ001
    kind = models.TextField()
    name = models.TextField(null=True)  # noqa: DJ001
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # started_at, or UNKNOWN_TIME. Replay order is (order_at, position, id).
    order_at = models.DateTimeField()
    position = models.BigIntegerField(default=0)
    # For tailing only; no page and no rule depends on them.
    arrived_at = models.DateTimeField()
    transaction = models.BigIntegerField()
    status = models.TextField(null=True)  # noqa: DJ001
    error_type = models.TextField(null=True)  # noqa: DJ001
    provider = models.TextField(null=True)  # noqa: DJ001
    model = models.TextField(null=True)  # noqa: DJ001
    model_returned = models.TextField(null=True)  # noqa: DJ001
    prompt_name = models.TextField(null=True)  # noqa: DJ001
    prompt_version = models.TextField(null=True)  # noqa: DJ001
    agent = models.TextField(null=True)  # noqa: DJ001
    environment = models.TextField(null=True)  # noqa: DJ001
    release = models.TextField(null=True)  # noqa: DJ001
    user_ref = models.TextField(null=True)  # noqa: DJ001
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cache_read = models.BigIntegerField(null=True)
    cache_write = models.BigIntegerField(null=True)
    reasoning = models.BigIntegerField(null=True)
    cost = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    # True where the sender said the cost; else it is of the price table.
    is_cost_sent = models.BooleanField(default=False)
    # False: shown, but its usage is another event's (a transport child, an agent's total).
    is_counted = models.BooleanField(default=True)
    ttft_ms = models.FloatField(null=True)
    effects = models.TextField(null=True)  # noqa: DJ001
    confidence = models.FloatField(null=True)
    outcome = models.TextField(null=True)  # noqa: DJ001
    ends_session = models.BooleanField(default=False)
    response_id = models.TextField(null=True)  # noqa: DJ001
    request_id = models.TextField(null=True)  # noqa: DJ001
    schema = models.IntegerField(default=1)
    ordinal = models.BigIntegerField(null=True)
    request_mac = models.BinaryField(null=True)
    loose_mac = models.BinaryField(null=True)
    stamps = models.JSONField(null=True)
    # {field: end of the version that it came from}, where that is not ended_at.
    field_ends = models.JSONField(null=True)
    input_digest = models.BinaryField(null=True)
    output_digest = models.BinaryField(null=True)
    extra_digest = models.BinaryField(null=True)
    digest = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(
                fields=["project", "session", "parent_id", "response_id"],
                condition=models.Q(kind="llm", parent_id__isnull=False),
                name="event_llm_reported",
            ),
            # Few: calls of tools that one layer passed on to another.
            models.Index(
                fields=["project", "session", "parent_id"],
                condition=models.Q(kind="tool", name__contains="tools/call "),
                name="event_tool_passed_on",
            ),
        ]


class EventInput(RecordModel):
    """Lineage: the output of one event was fed to another."""

    pk = models.CompositePrimaryKey("project_id", "session_id", "event_id", "source_id")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="event_inputs"
    )
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="event_inputs"
    )
    event_id = models.UUIDField()
    source_id = models.UUIDField()
    # As the sender named it: the source may be in another trace of the session.
    source_client_id = models.TextField()
    is_inferred = models.BooleanField(default=False)


class Chunk(RecordModel):
    """What one transaction added to one session: packed, compressed, encrypted."""

    pk = models.CompositePrimaryKey("project_id", "session_id", "number")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="chunks"
    )
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="chunks"
    )
    number = models.IntegerField()
    # How often its parts were merged: 0 as it arrived.
    tier = models.SmallIntegerField(default=0)
    codec = models.SmallIntegerField()
    key_version = models.SmallIntegerField()
    # 16 bytes for each content, in the order in which they lie in the body.
    digests = models.BinaryField()
    body = models.BinaryField()


class ChunkTerms(RecordModel):
    """The words of a chunk as keyed hashes. Nobody reads them but two functions of the database.

    Each project has its own key, so the index needs no project: terms of two projects
    have nothing in common but a chance of one in four thousand million.
    """

    pk = models.CompositePrimaryKey("project_id", "session_id", "number")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="chunk_terms"
    )
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="chunk_terms"
    )
    number = models.IntegerField()
    terms = ArrayField(models.IntegerField())

    class Meta:
        indexes = [GinIndex(fields=["terms"], name="chunk_terms")]


class SessionFacet(RecordModel):
    """One value that a session can be found by. "Newest 50 with model X" is one index range."""

    pk = models.CompositePrimaryKey("project_id", "session_id", "facet", "value")
    project = models.ForeignKey(
        Project,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="session_facets",
    )
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="facets"
    )
    facet = models.CharField(max_length=16, choices=Facet.choices)
    value = models.TextField()
    # The session's sort_started.
    started_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                "project",
                "facet",
                "value",
                models.F("started_at").desc(),
                models.F("session_id").desc(),
                name="facet_newest",
            )
        ]
