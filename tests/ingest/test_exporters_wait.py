"""Real exporters of OpenTelemetry beyond a quota: they wait, try again, and lose nothing."""

from __future__ import annotations

import pytest
from django.db.models import Sum
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from apps.audit.actors import SYSTEM
from apps.ingest import quotas
from tests.factories import make_key
from tests.ingest.test_quotas import nothing_remembered  # noqa: F401 - a fixture for all tests


@pytest.fixture
def tracer(live_server, transactional_db, request):
    """A tracer that exports each span by itself to a project that may take few."""
    project = request.getfixturevalue("project")
    quotas.set_quota(project, events_per_minute=60, events_per_month=None, actor=SYSTEM)
    _, secret = make_key(project, ["ingest"])
    exporter = OTLPSpanExporter(
        f"{live_server.url}/v1/traces", headers={"Authorization": f"Bearer {secret}"}
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("a library", "1")
    provider.shutdown()


def test_an_exporter_beyond_the_quota_waits_and_loses_nothing(tracer, request):
    project = request.getfixturevalue("project")
    # The minute's events are gone but for one.
    quotas.charge(project, sent=59, stored=59)

    for number in range(4):
        tracer.start_span(f"step {number}").end()

    names = ("accepted", "duplicates", "rejected", "refused_requests")
    sums = project.ingest_clients.aggregate(**{name: Sum(name) for name in names})
    refused = sums.pop("refused_requests")
    told = project.ingest_losses.filter(reason="request_quota_minute")
    assert sums == {"accepted": 4, "duplicates": 0, "rejected": 0}
    assert told.aggregate(count=Sum("count"))["count"] == refused >= 1
    assert sum(session.event_count for session in project.sessions.all()) == 4
