"""Reading a file of recorded sessions in portions, each of which is committed whole.

A run that breaks off is followed by one that reads the file again from its start and passes
over what is in already. So nothing but a count has to be remembered.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.utils import timezone

from apps.core.bodies import check_depth
from apps.core.body_limit import MIB
from apps.core.errors import DomainError
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal
from apps.ingest.importers.formats import Format
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.records import Record
from apps.ingest.native import bytes_of

# What one transaction takes at least; a session's record is never split between two.
EVENTS_AT_ONCE = 256
BYTES_AT_ONCE = 8 * MIB
# How many records are passed over before the run says again that it is alive.
PASSED_AT_ONCE = 2_000
# What reading a file that is none, or not whole, may raise.
BROKEN = (ValueError, EOFError, OSError, zlib.error, zipfile.BadZipFile, DomainError)


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of a file's records, read."""

    batch: Batch
    # How many records of the file are read with it.
    records: int
    # The format that was recognised, where none was named.
    recognised: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.batch.events or self.batch.rejected)


def portions(file: BinaryIO, form: Format, *, done: int = 0) -> Iterator[Portion]:
    """Return the file in portions, from record ``done`` on; the last one may be empty."""
    importer = form.importer()
    batch, count, mark = _batch(form), done, 0
    for record in _records(importer, file):
        if record.index < done:
            _pass_over(importer, record)
            if record.index % PASSED_AT_ONCE == 0:
                yield Portion(_batch(form), done)
            continue
        _read_into(batch, record, importer)
        count = record.index + 1
        if _is_full(batch) or abs(file.tell() - mark) >= BYTES_AT_ONCE:
            yield _portion(batch, count, importer)
            batch, mark = _batch(form), file.tell()
    yield _portion(batch, count, importer)


def _batch(form: Format) -> Batch:
    return Batch(source=f"import:{form.name}")


def _portion(batch: Batch, count: int, importer: Importer) -> Portion:
    if importer.recognised:
        batch.source = f"import:{importer.recognised}"
    return Portion(batch, count, importer.recognised)


def _is_full(batch: Batch) -> bool:
    return max(len(batch.events), len(batch.rejected)) >= EVENTS_AT_ONCE


def _records(importer: Importer, file: BinaryIO) -> Iterator[Record]:
    """Return the records, the last of which may say that the rest cannot be read."""
    index = 0
    try:
        for record in importer.records(file):
            index = record.index + 1
            yield record
    except BROKEN as error:
        told = str(error).rstrip(".") or type(error).__name__
        yield Record(index, message=f"The file cannot be read from here on: {told}.")


def _pass_over(importer: Importer, record: Record) -> None:
    if not record.message:
        importer.pass_over(record)


def _read_into(batch: Batch, record: Record, importer: Importer) -> None:
    try:
        if record.message:
            raise Refusal(record.message, reason="unreadable")
        check_depth(bytes_of(record.value))
        importer.read(record, batch, timezone.now())
    except (Refusal, DomainError) as error:
        refusal = error if isinstance(error, Refusal) else Refusal(str(error))
        batch.refuse(Rejection.of(record.index, refusal))
