"""The account of what came in: who sent it, and what could not be taken."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.tenants.models import Project, ProjectModel


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
    """What one client software sent in one hour."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="ingest_clients")
    hour = models.DateTimeField()
    # The User-Agent's first word, as in "OTel-OTLP-Exporter-Python/1.45.2".
    name = models.CharField(max_length=120)
    version = models.CharField(max_length=60)
    source = models.CharField(max_length=64)
    # As in IngestLoss.
    slot = models.SmallIntegerField()
    requests = models.BigIntegerField()
    accepted = models.BigIntegerField()
    duplicates = models.BigIntegerField()
    rejected = models.BigIntegerField()
    # Events that arrived long after they happened.
    late = models.BigIntegerField()
    # From the end of the newest event of a request to its arrival.
    lag_ms = models.BigIntegerField()
    last_seen_at = models.DateTimeField()

    unscoped: ClassVar[models.Manager[IngestClient]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "hour", "name", "version", "source", "slot"],
                name="ingest_client_once",
            )
        ]
