"""Reading imports: one, a page of them, and what was refused."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.http import Http404

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, decode_position, encode_cursor
from apps.ingest.imports.running import REFUSAL
from apps.ingest.imports.services import KEPT_FOR
from apps.ingest.models import Import, ImportRefusal, ImportStatus
from apps.sessions.keys import project_keys
from apps.tenants.models import Project

FIRST_REFUSALS = 10


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that was not taken, or a part of one."""

    record: int
    path: str
    message: str


def import_of(project: Project, import_id: uuid.UUID) -> Import:
    """Return an import of the project, or answer that there is none."""
    row = project.imports.filter(pk=import_id).first()
    if row is None:
        raise Http404
    return row


def import_page(project: Project, *, cursor: str | None, limit: int) -> Page[Import]:
    """Return imports, the newest first."""
    rows = project.imports.order_by("-pk")
    if cursor:
        rows = rows.filter(pk__lt=_import_in(cursor))
    found = list(rows[: limit + 1])
    more = encode_cursor(str(found[limit - 1].pk)) if len(found) > limit else None
    return Page(found[:limit], next=more)


def _import_in(cursor: str) -> uuid.UUID:
    [text] = decode_cursor(cursor, 1)
    try:
        return uuid.UUID(text)
    except (ValueError, AttributeError, TypeError):
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor") from None


def refusal_page(row: Import, *, cursor: str | None = None, limit: int) -> Page[Refused]:
    """Return what was refused, in the order of the file."""
    rows = row.refusals.order_by("number")
    if cursor:
        rows = rows.filter(number__gt=min(decode_position(cursor), 2**31 - 1))
    found = list(rows[: limit + 1])
    more = encode_cursor(found[limit - 1].number) if len(found) > limit else None
    return Page([_opened(row, one) for one in found[:limit]], next=more)


def _opened(row: Import, refusal: ImportRefusal) -> Refused:
    told = project_keys(row.project_id).open_apart(bytes(refusal.told), REFUSAL)
    path, message = msgspec.json.decode(told)
    return Refused(refusal.record, path, message)


def resumable_until(row: Import) -> datetime | None:
    """Return how long an import can go on; None if it cannot."""
    return row.ended_at + KEPT_FOR if row.is_resumable and row.ended_at else None


def answer(row: Import) -> dict[str, Any]:
    """Return an import as the API tells it."""
    is_known = row.status != ImportStatus.UPLOADING
    return {
        "id": str(row.pk),
        "status": row.status,
        "reason": row.reason or None,
        "format": row.format or None,
        "file_name": row.file_name or None,
        "environment": row.environment or None,
        "size": row.size if is_known else None,
        "bytes_read": row.bytes_read,
        "percent": row.percent,
        "records": row.records,
        "sessions": row.sessions,
        "accepted": row.accepted,
        "duplicates": row.duplicates,
        "refused": row.refused,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "waits_until": row.not_before,
        "resumable_until": resumable_until(row),
    }


def refusal_answer(one: Refused) -> dict[str, Any]:
    """Return a refusal as the API tells it."""
    return {"index": one.record, "path": one.path, "message": one.message}
