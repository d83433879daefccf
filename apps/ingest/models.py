"""The account of what came in: who sent it, and what could not be taken."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from apps.ingest.import_models import (
    Import,
    ImportedSession,
    ImportPart,
    ImportRefusal,
    ImportStatus,
)
from apps.tenants.models import Project, ProjectModel

__all__ = [
    "Import",
    "ImportPart",
    "ImportRefusal",
    "ImportStatus",
    "ImportedSession",
    "IngestClient",
    "IngestLibrary",
    "IngestLoss",
    "IngestQuota",
]


class IngestLoss(ProjectModel):
    """How much of one kind was refused, set right or not understood in one minute."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="ingest_losses")
    minute = models.DateTimeField()
    reason = models.CharField(max_length=64)
    source = models.CharField(max_length=64)
    # Spreads writers over rows, so that two requests seldom wait for one another.
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()
    # The start of the first one, encrypted: it is what somebody said.
    sample = models.BinaryField(null=True)

    unscoped: ClassVar[models.Manager[IngestLoss]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "minute", "reason", "source", "slot"], name="ingest_loss_once"
            )
        ]


class IngestClient(ProjectModel):
    """What one client software sent in one hour, and what became of all of it."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="ingest_clients")
    hour = models.DateTimeField()
    # The User-Agent's first word, as in "OTel-OTLP-Exporter-Python/1.45.2".
    name = models.CharField(max_length=120)
    version = models.CharField(max_length=60)
    source = models.CharField(max_length=64)
    # As in IngestLoss.
    slot = models.SmallIntegerField()
    requests = models.BigIntegerField()
    # Requests of which nothing could be read; nobody knows how many events they held.
    refused_requests = models.BigIntegerField(default=0)
    # As the sender counts: events, spans, log records, records of a file.
    sent = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField()
    duplicates = models.BigIntegerField()
    rejected = models.BigIntegerField()
    # Events by the time from their end to their arrival; each is in one of these at most.
    within_second = models.BigIntegerField(default=0)
    within_ten_seconds = models.BigIntegerField(default=0)
    within_minute = models.BigIntegerField(default=0)
    within_ten_minutes = models.BigIntegerField(default=0)
    late = models.BigIntegerField()
    # From the end of the newest event of a request to its arrival.
    lag_ms = models.BigIntegerField()
    newest_event_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField()

    unscoped: ClassVar[models.Manager[IngestClient]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "hour", "name", "version", "source", "slot"],
                name="ingest_client_once",
            ),
            # Nothing that was sent is missing from the account.
            models.CheckConstraint(
                condition=Q(sent=F("accepted") + F("duplicates") + F("rejected")),
                name="ingest_client_adds_up",
            ),
        ]


class IngestLibrary(ProjectModel):
    """What the events of one instrumentation library said in one hour, and what they left out."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="ingest_libraries")
    hour = models.DateTimeField()
    # The scope of spans; for events of other ways in, the client.
    name = models.CharField(max_length=120)
    version = models.CharField(max_length=60)
    source = models.CharField(max_length=64)
    # As in IngestLoss.
    slot = models.SmallIntegerField()
    events = models.BigIntegerField()
    llm = models.BigIntegerField()
    tool = models.BigIntegerField()
    agent = models.BigIntegerField()
    llm_content = models.BigIntegerField()
    llm_usage = models.BigIntegerField()
    llm_model = models.BigIntegerField()
    tool_content = models.BigIntegerField()
    with_session = models.BigIntegerField()
    with_user = models.BigIntegerField()

    unscoped: ClassVar[models.Manager[IngestLibrary]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "hour", "name", "version", "source", "slot"],
                name="ingest_library_once",
            )
        ]


class IngestQuota(ProjectModel):
    """How much may be sent to a project; without a row the settings say it."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="ingest_quotas")
    # Null: as much as comes.
    events_per_minute = models.PositiveIntegerField(null=True)
    events_per_month = models.PositiveBigIntegerField(null=True)
    changed_at = models.DateTimeField(auto_now=True)

    unscoped: ClassVar[models.Manager[IngestQuota]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project"], name="ingest_quota_once")]
