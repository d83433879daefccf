"""Formats in which a record says all of its events itself."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from apps.ingest.batch import Batch
from apps.ingest.checks import check_bytes, check_event
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.records import Record
from apps.sessions.events import IncomingEvent, Json


class RecordImporter(Importer):
    """Takes all events of a record, or none."""

    def events(self, value: Json, unmapped: Counter[str]) -> list[IncomingEvent]:
        """Return the events of a record, or raise Refusal; count what is not understood."""
        raise NotImplementedError

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        unmapped: Counter[str] = Counter()
        events = [check_event(_sized(event), now) for event in self.events(record.value, unmapped)]
        batch.unmapped.update(unmapped)
        for event in events:
            batch.add(event, record.index)


def _sized(event: IncomingEvent) -> IncomingEvent:
    check_bytes(len(msgspec.json.encode(event)))
    return event
