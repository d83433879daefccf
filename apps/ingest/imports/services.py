"""What can be done with an import: take its file, cancel it, go on with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import SYSTEM, Actor
from apps.core.errors import ConflictError, DomainError, InvalidError, QuotaError
from apps.core.jobs import after_commit
from apps.ingest.importers.formats import format_named
from apps.ingest.imports.parts import PartWriter
from apps.ingest.imports.states import move
from apps.ingest.models import Import, ImportStatus
from apps.ingest.text import clean_text
from apps.tenants.models import Project

S = ImportStatus
# Files that wait cost disk; a sender in a loop must not fill it.
MOST_OPEN = 20
# How long the file of an import that failed or was cancelled is kept, so that it can go on.
KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255
LONGEST_ENVIRONMENT = 64
RUN = "ingest.run_import"


class DifferentRequestError(DomainError):
    """An Idempotency-Key came again with something else."""

    status = 422
    title = "Unprocessable content"


class TooManyImportsError(QuotaError):
    """More files wait in the project than may."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a file is to be imported."""

    format: str
    file_name: str
    environment: str = ""


def begin_import(project: Project, *, idempotency_key: str = "", actor: Actor) -> Import:
    """Make a place for a file that is about to arrive."""
    if project.imports.filter(status__in=(S.UPLOADING, S.WAITING, S.RUNNING)).count() >= MOST_OPEN:
        raise TooManyImportsError(
            f"There are {MOST_OPEN} imports in this project that have not ended. "
            "Wait for one to end, or cancel one."
        )
    try:
        with transaction.atomic():
            return project.imports.create(
                idempotency_key=idempotency_key, created_by=actor.label[:254]
            )
    except IntegrityError:
        raise ConflictError(_STILL_RUNNING) from None


_STILL_RUNNING = "A request with this Idempotency-Key is still running."


def known_import(project: Project, idempotency_key: str) -> Import | None:
    """Return the import that an earlier request with this key made."""
    if len(idempotency_key) > LONGEST_KEY or "\x00" in idempotency_key:
        raise InvalidError(f"Longer than {LONGEST_KEY} characters, or with NUL.", "Idempotency-Key")
    if not idempotency_key:
        return None
    row = project.imports.filter(idempotency_key=idempotency_key).first()
    if row is not None and row.status == S.UPLOADING:
        raise ConflictError(_STILL_RUNNING)
    return row


def check_same(row: Import, writer: PartWriter, wish: Wish) -> None:
    """Refuse another file, or another wish, under a key that was used before."""
    if writer.digest(wish.format, wish.environment) != bytes(row.digest or b""):
        raise DifferentRequestError("This Idempotency-Key was used with another file or format.")


@transaction.atomic
def accept_import(row: Import, writer: PartWriter, wish: Wish, *, actor: Actor) -> Import:
    """Queue an import whose file is there whole."""
    form = format_named(wish.format)
    row = row.locked()
    move(row, S.WAITING)
    row.format = form.name
    row.file_name = clean_text(wish.file_name)[:200]
    row.environment = checked_environment(wish.environment)
    row.size = writer.size
    row.digest = writer.digest(wish.format, wish.environment)
    row.touched_at = timezone.now()
    row.save()
    _audit(row, "import.start", actor)
    after_commit(RUN, row.project_id, str(row.pk))
    return row


def checked_environment(name: str) -> str:
    """Return the name of an environment, or refuse it."""
    if len(name) > LONGEST_ENVIRONMENT:
        raise InvalidError(f"Longer than {LONGEST_ENVIRONMENT} characters.", "environment")
    return clean_text(name)


@transaction.atomic
def discard_upload(row: Import) -> None:
    """Forget a file that did not arrive whole, or was refused; one that was accepted stays."""
    uploading = row.project.imports.filter(pk=row.pk, status=S.UPLOADING)
    held = uploading.select_for_update().first()
    if held is not None:
        held.parts.all().delete()
        held.delete()


@transaction.atomic
def cancel_import(row: Import, *, actor: Actor) -> Import:
    """Stop an import. What is in stays; the file is kept for a day, so that it can go on."""
    row = row.locked()
    if row.status == S.CANCELLED:
        return row
    move(row, S.CANCELLED)
    row.ended_at = timezone.now()
    row.not_before = None
    row.save()
    _audit(row, "import.cancel", actor)
    return row


@transaction.atomic
def resume_import(row: Import, *, actor: Actor) -> Import:
    """Go on with an import that failed or was cancelled, after the last committed record."""
    row = row.locked()
    if row.status in (S.WAITING, S.RUNNING):
        return row
    if row.status in (S.FAILED, S.CANCELLED) and row.deleted_at is not None:
        raise ConflictError(
            "The file was deleted. Send it again: what is in already stays as it is."
        )
    move(row, S.WAITING)
    row.ended_at, row.attempts, row.touched_at = None, 0, timezone.now()
    row.save()
    _audit(row, "import.resume", actor)
    after_commit(RUN, row.project_id, str(row.pk))
    return row


def end_import(
    row: Import, to: ImportStatus, *, reason: str = "", keeps_file: bool = False
) -> None:
    """End an import that the caller holds in a transaction, and delete its file."""
    move(row, to, reason=reason)
    row.ended_at = timezone.now()
    if not keeps_file:
        delete_file(row)
    row.save()
    _audit(row, "import.end", SYSTEM, status=row.status)


def delete_file(row: Import) -> None:
    """Delete what was kept to go on with; the counts and the refusals stay."""
    row.parts.all().delete()
    row.imported_sessions.all().delete()
    row.deleted_at = timezone.now()


def _audit(row: Import, act: str, actor: Actor, **more: str) -> None:
    audit.record(
        actor,
        act,
        organization_id=row.project.organization_id,
        project_id=row.project_id,
        objects=[str(row.pk)],
        detail={
            "format": row.format,
            "size": row.size,
            "records": row.records,
            "accepted": row.accepted,
            "duplicates": row.duplicates,
            "refused": row.refused,
        }
        | more,
    )
