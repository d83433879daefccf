"""Writing the trail. Both functions join the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.actors import Actor
from apps.audit.models import AuditEntry, Reading
from apps.core import prepared

Json = Any

READ_CONTENT = "session.read"
# Within this time, reading the same session again is counted instead of written again.
READING_WINDOW = timedelta(minutes=10)
# Locked in one order, so that two pages of the same sessions do not wait for each other.
RAISE_COUNTS = """
WITH held AS (
    SELECT id FROM audit_reading
    WHERE project_id = $1 AND session_id = ANY($2::text[])
        AND actor_kind = $3 AND actor_id = $4 AND started_at > $5
    ORDER BY id FOR UPDATE
)
UPDATE audit_reading SET count = count + 1 FROM held WHERE audit_reading.id = held.id
RETURNING session_id
"""


def record(
    actor: Actor,
    act: str,
    *,
    organization_id: int,
    project_id: int | None = None,
    objects: Sequence[str] = (),
    detail: Mapping[str, Json] | None = None,
) -> AuditEntry:
    """Write that ``actor`` did ``act``. Call it in the transaction of the change itself."""
    return AuditEntry.unscoped.create(
        organization_id=organization_id,
        project_id=project_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        act=act,
        object_ids=list(objects),
        detail=dict(detail or {}),
        ip=actor.ip or None,
        request_id=actor.request_id,
    )


@transaction.atomic
def record_reading(
    actor: Actor, *, organization_id: int, project_id: int, session_ids: Sequence[str]
) -> None:
    """Write that ``actor`` read the content of these sessions: one entry for all of them.

    A session that the same actor read within the last ten minutes only raises a count,
    so that stepping through it does not bury the rest of the trail.
    """
    now = timezone.now()
    wanted = sorted({str(session_id) for session_id in session_ids})
    repeated = _raise_counts(actor, project_id, wanted, now - READING_WINDOW)
    fresh = [session_id for session_id in wanted if session_id not in repeated]
    if not fresh:
        return
    entry = record(
        actor,
        READ_CONTENT,
        organization_id=organization_id,
        project_id=project_id,
        objects=fresh,
    )
    _open_windows(entry, project_id, fresh, now)


def _raise_counts(
    actor: Actor, project_id: int, session_ids: list[str], since: datetime
) -> set[str]:
    found = prepared.rows(RAISE_COUNTS, project_id, session_ids, actor.kind, actor.id, since)
    return {session_id for (session_id,) in found}


def _open_windows(
    entry: AuditEntry, project_id: int, session_ids: list[str], now: datetime
) -> None:
    Reading.unscoped.bulk_create(
        Reading(
            project_id=project_id,
            actor_kind=entry.actor_kind,
            actor_id=entry.actor_id,
            session_id=session_id,
            entry=entry,
            started_at=now,
        )
        for session_id in session_ids
    )
