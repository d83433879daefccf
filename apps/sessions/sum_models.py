"""What the sums of a project are added up from."""

from __future__ import annotations

from django.db import models

from apps.tenants.models import Project, ProjectModel


class MetricDelta(ProjectModel):
    """What one transaction added to, or took from, one group of events. No row is ever updated."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(
        Project,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="metric_deltas",
    )
    # Null: events without a known time.
    hour = models.DateTimeField(null=True)
    kind = models.TextField()
    # Empty text: the event does not say.
    environment = models.TextField()
    agent = models.TextField()
    model = models.TextField()
    prompt = models.TextField()
    events = models.BigIntegerField()
    errors = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cache_read = models.BigIntegerField()
    cache_write = models.BigIntegerField()
    reasoning = models.BigIntegerField()
    cost = models.DecimalField(max_digits=30, decimal_places=10)
    priced = models.BigIntegerField()
    # {bucket: count}; sums.bucket_of() says which duration falls where.
    latency = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["project", "hour"], name="delta_by_hour")]
