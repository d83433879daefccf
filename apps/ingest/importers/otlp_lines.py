"""OTLP in JSON, a request a line: what the file exporter of OpenTelemetry's collector writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from apps.ingest.batch import Batch
from apps.ingest.checks import Refusal
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.records import Record
from apps.ingest.logs import read_logs
from apps.ingest.otlp import wire_json
from apps.ingest.traces import read_spans
from apps.sessions.events import Json

PARTS = ("resourceSpans", "resourceLogs")
OTHERS = ("resourceMetrics", "resourceProfiles")


class OtlpLines(Importer):
    """Reads spans and log records as the API for them does."""

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        _check(record.value)
        request = wire_json.request_of(record.value)
        sent, events, rejected = batch.sent, len(batch.events), len(batch.rejected)
        batch.sent = 0
        # Both are read first: a resource that cannot be read refuses the whole record.
        spans, logs = wire_json.spans_of(request, batch), wire_json.logs_of(request, batch)
        read_spans(spans, batch, now)
        read_logs(logs, batch, now)
        batch.sent = sent
        _count_as_one(record, batch, events, rejected)


def _check(value: Json) -> None:
    if isinstance(value, dict) and any(value.get(name) is not None for name in PARTS):
        return
    told = value.keys() if isinstance(value, dict) else ()
    if any(name in told for name in OTHERS):
        raise Refusal("Only spans and log records are recorded.", next(iter(told)))
    raise Refusal("Must hold resourceSpans or resourceLogs.")


def _count_as_one(record: Record, batch: Batch, events: int, rejected: int) -> None:
    """Name the record in place of the spans in it, which a refusal names in its path."""
    for event in batch.events[events:]:
        of = batch.indexes_of(event)
        batch.indexes[id(event)] = (record.index,) * len(of)
    for index, refused in enumerate(batch.rejected[rejected:], start=rejected):
        path = f"[{refused.index}].{refused.path}".rstrip(".")
        batch.rejected[index] = replace(refused, index=record.index, path=path)
