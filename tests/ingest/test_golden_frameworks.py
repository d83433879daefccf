"""Frameworks as their spans were captured: every session as a whole, event by event."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from apps.core.bodies import unpack
from tests.ingest.captures import captured
from tests.ingest.captures.replay import events_of, send_captured
from tests.ingest.collector import Sent
from tests.ingest.golden import golden, told
from tests.sessions.snapshots import expected, stored

CLIENTS = ["pydanticai", "openaiagents", "langgraph_travel", "mcp_weather"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_client_sent_is_recorded_as_it_was(project, key_client, client):
    send_captured(key_client(project, "ingest"), client)

    reader = key_client(project, "read:content")
    sessions = project.sessions.filter(is_listed=True).order_by("started_at")
    recorded = {one.external_id: told(one, events_of(reader, one)) for one in sessions}
    assert recorded == golden(client)
    assert all(stored(one) == expected(one) for one in sessions)


@pytest.mark.parametrize("client", CLIENTS)
def test_spans_sent_one_by_one_from_the_last_are_the_same_sessions(project, key_client, client):
    sender = key_client(project, "ingest")
    for body in reversed([span for one in captured(client) for span in single_spans(one)]):
        answer = sender.post("/v1/traces", body, content_type="application/x-protobuf")
        assert (answer.status_code, answer.content) == (200, b"")

    reader = key_client(project, "read:content")
    sessions = project.sessions.filter(is_listed=True)
    recorded = {one.external_id: told(one, events_of(reader, one)) for one in sessions}
    assert recorded == golden(client)


def single_spans(sent: Sent) -> Iterator[bytes]:
    """Yield a request for each span of a request."""
    body = unpack(sent.body, sent.headers.get("content-encoding", ""))
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                alone = ExportTraceServiceRequest()
                place = alone.resource_spans.add(resource=resource.resource)
                place.scope_spans.add(scope=scope.scope, spans=[span])
                yield alone.SerializeToString()
