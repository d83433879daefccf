"""What was sent is kept: spans and records can be told again as they came."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from apps.ingest.batch import Batch
from apps.ingest.conventions.attributes import indexed
from apps.ingest.otlp import wire_json
from apps.ingest.otlp.spans import RawSpan
from apps.ingest.sent_logs import log_of
from apps.ingest.sent_spans import span_of
from apps.ingest.text import json_in_text
from apps.sessions import reader
from apps.sessions.native import Said
from apps.sessions.sent import Sent
from tests.ingest.factories import make_log, make_logs, make_span, make_spans, make_value
from tests.ingest.recording import CLIENTS, record_logs, record_spans, spans_of
from tests.sessions.snapshots import listed, rows_of

pytestmark = pytest.mark.django_db


def kept_of(project) -> dict[str, list[Sent]]:
    """Return what is kept of all events, by their senders' ids."""
    kept = {}
    for session in listed(project):
        rows = rows_of(session)
        names = ("input_digest", "output_digest", "extra_digest")
        said = [Said(one[0], one[1], one[2] or {}) for one in reader.bodies(session, rows, names)]
        found = reader.sent_in(session, rows, said)
        kept |= {row.client_id: sent for row, sent in zip(rows, found, strict=True)}
    return kept


def comparable(span: RawSpan) -> dict[str, Any]:
    """Return a span with JSON in text read: spaces and the order of keys are not kept."""
    fields = {name: getattr(span, name) for name in span.__struct_fields__ if name != "index"}
    return fields | {
        "attributes": {
            name: (type(value), json_in_text(value) if isinstance(value, str) else value)
            for name, value in span.attributes.items()
        }
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_each_span_of_a_real_client_can_be_told_again(project, client):
    spans = spans_of(client)
    record_spans(project, spans)

    kept = kept_of(project)

    assert spans
    for span in spans:
        (sent,) = kept[span.span_id]
        assert comparable(span_of(sent, span.trace_id, span.span_id)) == comparable(span)
