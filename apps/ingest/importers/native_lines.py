"""Events in Playhead's own shape, one a line."""

from __future__ import annotations

from datetime import datetime

from apps.ingest.batch import Batch
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.records import Record
from apps.ingest.native import Unread, bytes_of, read_event


class NativeLines(Importer):
    """Reads what the API for events takes, however old it is."""

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        unread = Unread(record.value, bytes_of(record.value))
        event = read_event(unread, record.index, now, batch.unmapped, is_import=True)
        self.add(batch, event, record, now)
