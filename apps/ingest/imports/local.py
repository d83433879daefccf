"""Importing a file that lies on the server, for the command: nothing is uploaded."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.ingest import services
from apps.ingest.batch import Rejection
from apps.ingest.clients import Client
from apps.ingest.importers.formats import format_named
from apps.ingest.importing import Portion, portions
from apps.ingest.imports.unpacking import unpacked
from apps.ingest.services import Receipt
from apps.tenants.models import Project

# Refusals that are kept to be told; the others are counted.
KEPT_REFUSALS = 1_000


@dataclass(slots=True)
class Imported:
    """What became of a file, so far."""

    size: int
    format: str
    bytes_read: int = 0
    records: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    sessions: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejection] = field(default_factory=list)

    def count(self, portion: Portion, receipt: Receipt) -> None:
        """Add a portion that was committed."""
        self.format = portion.recognised or self.format
        self.records = portion.records
        self.accepted += receipt.accepted
        self.duplicates += receipt.duplicates
        self.refused += len(receipt.rejected)
        self.rejected += receipt.rejected[: KEPT_REFUSALS - len(self.rejected)]
        events = portion.batch.events
        self.kinds.update(event.kind for event in events)
        self.sessions.update(event.session for event in events if event.session)


def import_local_file(
    project: Project,
    path: Path,
    format_name: str,
    *,
    actor: Actor,
    tell: Callable[[Imported], None],
) -> Imported:
    """Record the sessions in a file. What is wrong with one record is told; the rest goes in.

    The same file a second time changes nothing, so an import that broke off is repeated.
    """
    form = format_named(format_name)
    imported = Imported(size=path.stat().st_size, format=form.name)
    with io.FileIO(path) as raw, unpacked(raw, imported.size) as file:
        for portion in portions(file, form):
            receipt = services.ingest(
                project, portion.batch, client=Client("import"), origin="import"
            )
            imported.count(portion, receipt)
            imported.bytes_read = raw.tell()
            tell(imported)
    _audit(project, imported, actor)
    return imported


def _audit(project: Project, imported: Imported, actor: Actor) -> None:
    audit.record(
        actor,
        "sessions.import",
        organization_id=project.organization_id,
        project_id=project.pk,
        detail={
            "format": imported.format,
            "records": imported.records,
            "accepted": imported.accepted,
            "duplicates": imported.duplicates,
            "refused": imported.refused,
        },
    )
