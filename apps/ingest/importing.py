"""Importing files of recorded sessions: a part at a time, each committed whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import DomainError, InvalidError
from apps.ingest import services
from apps.ingest.batch import Batch, Rejection
from apps.ingest.bodies import check_depth
from apps.ingest.checks import Refusal, check_event
from apps.ingest.clients import Client
from apps.ingest.importers.openai_chat import Chats
from apps.ingest.importers.records import Record, read_records
from apps.ingest.native import Unread, bytes_of, read_event
from apps.sessions.events import IncomingEvent
from apps.tenants.models import Project

# Events that one transaction takes; a session is never split between two.
EVENTS_AT_ONCE = 256

Reader = Callable[[Record, datetime, Counter[str]], list[IncomingEvent]]


@dataclass(slots=True)
class Imported:
    """What became of a file."""

    records: int = 0
    accepted: int = 0
    duplicates: int = 0
    sessions: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejection] = field(default_factory=list)


def import_sessions(project: Project, path: Path, format_name: str, *, actor: Actor) -> Imported:
    """Record the sessions in a file. What is wrong with one record is told; the rest goes in.

    The same file a second time changes nothing, so an import that broke off is repeated.
    """
    if format_name not in READERS:
        raise InvalidError(f"Must be one of {', '.join(READERS)}.", "format")
    imported = Imported()
    for batch in _batches(path, READERS[format_name](), format_name, imported):
        receipt = services.ingest(project, batch, client=Client("import"), origin="import")
        imported.accepted += receipt.accepted
        imported.duplicates += receipt.duplicates
        imported.rejected += receipt.rejected
    audit.record(
        actor,
        "sessions.import",
        organization_id=project.organization_id,
        project_id=project.pk,
        detail={
            "format": format_name,
            "records": imported.records,
            "accepted": imported.accepted,
            "duplicates": imported.duplicates,
            "refused": len(imported.rejected),
        },
    )
    return imported


def _batches(path: Path, read: Reader, format_name: str, imported: Imported) -> Iterator[Batch]:
    batch = Batch(source=f"import:{format_name}")
    for record in read_records(path):
        imported.records += 1
        _read_into(batch, record, read)
        if len(batch.events) >= EVENTS_AT_ONCE:
            yield _counted(batch, imported)
            batch = Batch(source=batch.source)
    if batch.events or batch.rejected:
        yield _counted(batch, imported)


def _counted(batch: Batch, imported: Imported) -> Batch:
    imported.kinds.update(event.kind for event in batch.events)
    imported.sessions.update(event.session for event in batch.events if event.session)
    return batch


def _read_into(batch: Batch, record: Record, read: Reader) -> None:
    now = timezone.now()
    try:
        if record.message:
            raise Refusal(record.message, reason="unreadable")
        check_depth(bytes_of(record.value))
        events = [check_event(event, now) for event in read(record, now, batch.unmapped)]
    except (Refusal, DomainError) as error:
        refusal = error if isinstance(error, Refusal) else Refusal(str(error))
        batch.refuse(Rejection.of(record.index, refusal))
        return
    for event in events:
        batch.add(event, record.index)


def _chats() -> Reader:
    chats = Chats()
    return lambda record, now, unmapped: chats.events(record.value)


def _native() -> Reader:
    def read(record: Record, now: datetime, unmapped: Counter[str]) -> list[IncomingEvent]:
        unread = Unread(record.value, bytes_of(record.value))
        return [read_event(unread, record.index, now, unmapped, is_import=True)]

    return read


READERS: dict[str, Callable[[], Reader]] = {"openai-chat": _chats, "playhead-jsonl": _native}
