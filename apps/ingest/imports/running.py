"""Working on an import: a run holds a lease and commits portion by portion.

Each portion is recorded in one transaction with the progress, so a run that is killed leaves
nothing half done: the next one goes on behind the last portion. A run that lost its lease
commits nothing more.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core.jobs import after_commit
from apps.ingest import quotas
from apps.ingest import services as ingest
from apps.ingest.batch import Rejection
from apps.ingest.clients import Client
from apps.ingest.importers.formats import format_named
from apps.ingest.importing import Portion, portions
from apps.ingest.imports import services
from apps.ingest.imports.parts import PartsFile
from apps.ingest.imports.states import move
from apps.ingest.imports.unpacking import unpacked
from apps.ingest.models import Import, ImportedSession, ImportRefusal, ImportStatus
from apps.ingest.quotas import QuotaSpentError
from apps.ingest.services import Receipt
from apps.sessions.events import IncomingEvent
from apps.sessions.keys import project_keys
from apps.tenants.models import Project

S = ImportStatus
CLIENT = Client("import")
# A run gives way to others after this long; the next one goes on.
TURN_SECONDS = 300.0
# Longer than a portion takes; where it is not, each run that did not get on doubles it.
LEASE = timedelta(seconds=6)
MOST_ATTEMPTS = 5
KEPT_REFUSALS = 1_000
REFUSAL = b"import-refusal"


@dataclass(frozen=True, slots=True)
class Run:
    """One run over an import, which may commit as long as its lease is the row's."""

    project: Project
    row: Import
    lease: uuid.UUID


class LostError(Exception):
    """The import was cancelled, or another run has it."""


def run_import(project: Project, import_id: uuid.UUID) -> str:
    """Work on an import for one turn; return where it stands, or nothing if it was not ours."""
    run = claim(project, import_id)
    if run is None:
        return ""
    try:
        return _work(run)
    except LostError:
        return ""


def _work(run: Run) -> str:
    raw = PartsFile(run.row)
    turn_ends = math.inf
    with raw, unpacked(raw, run.row.size) as file:
        for portion in portions(file, format_named(run.row.format), done=run.row.records):
            try:
                quotas.admit(run.project)
            except QuotaSpentError as spent:
                return _wait(run, spent)
            _commit(run, portion, raw.tell())
            if portion.is_empty:
                continue
            if time.monotonic() >= turn_ends:
                return _give_way(run)
            # Passing over what is in already is not part of the turn, or none might get on.
            turn_ends = min(turn_ends, time.monotonic() + TURN_SECONDS)
    return _finish(run)


@transaction.atomic
def claim(project: Project, import_id: uuid.UUID) -> Run | None:
    """Take an import that nobody works on; one that fails again and again ends here."""
    now = timezone.now()
    waits = Q(status=S.WAITING) & (Q(not_before=None) | Q(not_before__lte=now))
    due = waits | Q(status=S.RUNNING, leased_until__lt=now)
    found = project.imports.select_for_update(skip_locked=True, of=("self",))
    row = found.filter(due, pk=import_id).first()
    if row is None:
        return None
    row.attempts += 1
    if row.attempts > MOST_ATTEMPTS:
        _give_up(row)
        return None
    move(row, S.RUNNING)
    row.lease = uuid.uuid4()
    row.started_at = row.started_at or now
    row.not_before = None
    _renew(row, now)
    row.save()
    return Run(project, row, row.lease)


def _renew(row: Import, now: datetime) -> None:
    row.leased_until = now + LEASE * 2 ** max(row.attempts - 1, 0)


def _give_up(row: Import) -> None:
    reason = f"It broke off {MOST_ATTEMPTS} times after record {row.records}. See the worker's log."
    services.end_import(row, S.FAILED, reason=reason, keeps_file=True)


def _held(run: Run) -> Import:
    """Return the import, locked, as long as it is this run's."""
    row = run.row.locked()
    if row.lease != run.lease:
        raise LostError
    return row


@transaction.atomic
def _commit(run: Run, portion: Portion, position: int) -> None:
    """Record a portion and how far the import is, both or neither."""
    row = _held(run)
    batch = portion.batch
    if not portion.is_empty:
        receipt = ingest.ingest(
            run.project, batch, client=CLIENT, environment=row.environment, origin="import"
        )
        _count(row, batch.events, receipt)
        row.attempts = 0
    row.format = portion.recognised or row.format
    row.records = max(row.records, portion.records)
    row.bytes_read = max(row.bytes_read, min(position, row.size))
    _renew(row, timezone.now())
    row.save()


def _count(row: Import, events: Sequence[IncomingEvent], receipt: Receipt) -> None:
    row.sessions += _new_sessions(row, events)
    row.accepted += receipt.accepted
    row.duplicates += receipt.duplicates
    _keep_refusals(row, receipt.rejected)
    row.refused += len(receipt.rejected)


def _new_sessions(row: Import, events: Sequence[IncomingEvent]) -> int:
    """Return how many sessions are met in the file for the first time."""
    identity = project_keys(row.project_id).identity
    names = {event.session or event.trace or "" for event in events}
    hashes = [identity("imported-session", name) for name in names]
    known = row.imported_sessions.filter(name__in=hashes).values_list("name", flat=True)
    fresh = set(hashes) - {bytes(name) for name in known}
    row.imported_sessions.bulk_create(
        ImportedSession(project_id=row.project_id, of_import=row, name=name) for name in fresh
    )
    return len(fresh)


def _keep_refusals(row: Import, rejected: Sequence[Rejection]) -> None:
    """Keep the first refusals word for word; the others are counted only."""
    keys = project_keys(row.project_id)
    room = max(KEPT_REFUSALS - row.refused, 0)
    row.refusals.bulk_create(
        ImportRefusal(
            project_id=row.project_id,
            of_import=row,
            number=number,
            record=one.index,
            told=keys.seal_apart(msgspec.json.encode([one.path, one.message]), REFUSAL),
        )
        for number, one in enumerate(rejected[:room], start=row.refused + 1)
    )


@transaction.atomic
def _wait(run: Run, spent: QuotaSpentError) -> str:
    """Stand back until the quota has something left; the sweep starts the next run."""
    row = _held(run)
    move(row, S.WAITING, reason=f"The project's quota of events a {spent.use.period} is used up.")
    row.not_before = timezone.now() + timedelta(seconds=spent.retry_after_seconds)
    row.attempts = 0
    row.save()
    return row.status


@transaction.atomic
def _give_way(run: Run) -> str:
    """Let others have the worker; the next run goes on behind the last portion."""
    row = _held(run)
    move(row, S.WAITING)
    row.touched_at = timezone.now()
    row.save()
    after_commit(services.RUN, row.project_id, str(row.pk))
    return row.status


@transaction.atomic
def _finish(run: Run) -> str:
    row = _held(run)
    row.bytes_read = row.size
    if row.accepted or row.duplicates:
        services.end_import(row, S.DONE)
    elif row.refused:
        services.end_import(row, S.FAILED, reason="Nothing in the file could be imported.")
    else:
        services.end_import(row, S.FAILED, reason="There are no records in the file.")
    return row.status
