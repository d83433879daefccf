"""Tracers of their own as they were captured: every session as a whole, event by event."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from apps.core.bodies import unpack
from tests.ingest.captures import captured
from tests.ingest.captures.replay import events_of, send_captured
from tests.ingest.collector import Sent
from tests.ingest.golden import golden, told
from tests.sessions.snapshots import expected, stored

CLIENTS = ["langfuse5", "langfuse3", "langfuse2", "traceloop", "mlflow"]
pytestmark = pytest.mark.django_db


def recorded(project, key_client):
    """Return each session as text, its sums recounted."""
    reader = key_client(project, "read:content")
    sessions = project.sessions.filter(is_listed=True).order_by("started_at")
    assert all(stored(one) == expected(one) for one in sessions)
    found = {str(one.external_id): told(one, events_of(reader, one)) for one in sessions}
    # Editors take blanks off the ends of lines.
    return {name: re.sub(" +$", "", text, flags=re.MULTILINE) for name, text in found.items()}


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_client_sent_is_recorded_as_it_was(project, key_client, client):
    send_captured(key_client(project, "ingest"), client)

    assert recorded(project, key_client) == golden(client)


@pytest.mark.parametrize("client", CLIENTS)
def test_spans_sent_one_by_one_from_the_last_are_the_same_sessions(project, key_client, client):
    sender = key_client(project, "ingest")
    sent = [part for one in captured(client) if one.method == "POST" for part in parts(one)]

    for path, body, kind in reversed(sent):
        assert sender.post(path, body, content_type=kind).status_code in (200, 207)

    assert recorded(project, key_client) == golden(client)


def parts(sent: Sent) -> Iterator[tuple[str, bytes, str]]:
    """Yield a request for each part of a request: a span, a score, an update."""
    headers = {name.lower(): value for name, value in sent.headers.items()}
    kind = headers["content-type"]
    body = unpack(sent.body, headers.get("content-encoding", ""))
    if not sent.path.endswith("/traces"):
        told = json.loads(body)
        for one in told["batch"] if isinstance(told, dict) else told:
            whole = told | {"batch": [one]} if isinstance(told, dict) else [one]
            yield sent.path, json.dumps(whole).encode(), kind
        return
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                alone = ExportTraceServiceRequest()
                place = alone.resource_spans.add(resource=resource.resource)
                place.scope_spans.add(scope=scope.scope, spans=[span])
                yield sent.path, alone.SerializeToString(), kind
