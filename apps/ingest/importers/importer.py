"""What every format of imported files has in common."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from apps.ingest.batch import Batch
from apps.ingest.checks import check_event
from apps.ingest.importers.records import Record, read_records
from apps.sessions.events import IncomingEvent


class Importer:
    """Reads one file of one format, once; it may keep state from record to record.

    What it makes of a record must follow from the file alone: an import that broke off is
    read again from the start, and what is in already is known by its ids.
    """

    # The name of the format that the file turned out to have, where that was left open.
    recognised = ""

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """Return the records of the file, with the same index each time."""
        return read_records(file)

    def read(self, record: Record, batch: Batch, now: datetime) -> None:
        """Put the events of a record into the batch, or raise Refusal before the first."""
        raise NotImplementedError

    def pass_over(self, record: Record) -> None:
        """Bring the state up to date with a record that is in already."""

    def add(
        self,
        batch: Batch,
        event: IncomingEvent,
        record: Record,
        now: datetime,
        library: tuple[str, str] = ("", ""),
    ) -> None:
        """Take an event of a record, unless it breaks the rules for all events."""
        batch.add(check_event(event, now), record.index, library=library)
