"""Erasure: what a session said is destroyed, and its sums are taken back."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.sessions import sql
from apps.sessions.event_rows import all_events
from apps.sessions.models import Session, SessionKey
from apps.sessions.sums import DELTA_COLUMNS, Ledger
from apps.sessions.writing import DELTAS

# (project id, the session that is being erased)
Handler = Callable[[int, uuid.UUID], None]
_handlers: list[Handler] = []
# (project id, a session) -> the sessions that were made from what it holds
Derived = Callable[[int, uuid.UUID], Iterable[uuid.UUID]]
_derived: list[Derived] = []

# Children first; the session's own row is emptied and stays, so that its address answers.
TABLES = (
    "eventinput",
    "event",
    "chunkterms",
    "chunk",
    "sessionfacet",
    "sessiontag",
    "trace",
    "pseudonym",
    "sessionkey",
)
EMPTY: dict[str, Any] = {
    "external_id": None,
    "is_listed": False,
    "status": "closed",
    "environment": None,
    "release": None,
    "agent": None,
    "user_ref": None,
    "fingerprint": None,
    "title": None,
    "firsts": {},
    "event_count": 0,
    "error_count": 0,
    "counts": {},
    "known": {},
    "input_tokens": None,
    "output_tokens": None,
    "cache_read": None,
    "cache_write": None,
    "reasoning": None,
    "cost": None,
    "sort_cost": -1,
    "features": 0,
    "fidelity": 0,
    "outcome": None,
    "outcome_code": None,
    "outcome_reason": None,
    "outcome_by": None,
    "outcome_from": None,
    "chunk_count": 0,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure destroyed, and what may still hold it."""

    session_id: str
    erased_at: datetime
    events: int
    chunks: int
    # SHA-256 of the wrapped key that was destroyed, hex.
    key_hash: str | None
    # Until when backups may still hold it; None where that is not known.
    backups_until: datetime | None
    # The sessions that were erased with it: its replays, and theirs.
    derived: tuple[str, ...] = ()


def register(handler: Handler) -> None:
    """Have ``handler`` called in the transaction of every erasure, before the key is gone."""
    _handlers.append(handler)


def register_derived(find: Derived) -> None:
    """Have the sessions that ``find`` names erased with the one that they were made from."""
    _derived.append(find)


def derived_from(session: Session) -> list[Session]:
    """Return what was made from a session, directly or not; what lies deepest is first."""
    rows = Session.unscoped.filter(project_id=session.project_id).listed()
    found: dict[uuid.UUID, Session] = {}
    waiting = [session.pk]
    while waiting:
        above = waiting.pop()
        ids = set(rows.filter(replay_of=above).values_list("pk", flat=True))
        ids.update(*(find(session.project_id, above) for find in _derived))
        for one in rows.filter(pk__in=ids - found.keys() - {session.pk}).order_by("pk"):
            found[one.pk] = one
            waiting.append(one.pk)
    return list(found.values())[::-1]


def destroy(session: Session) -> Receipt:
    """Destroy key, content and rows of a locked session, in the caller's transaction."""
    for handler in _handlers:
        handler(session.project_id, session.pk)
    key = SessionKey.unscoped.filter(project_id=session.project_id, session_id=session.pk).first()
    ledger = Ledger()
    for row in all_events(session.project_id, session.pk):
        ledger.add(row, -1)
    # What a trial did was never counted.
    if (deltas := ledger.rows()) and not session.is_trial:
        sql.insert(DELTAS, DELTA_COLUMNS, session.project_id, deltas)
    deleted = {table: _delete(table, session.project_id, session.pk) for table in TABLES}
    now = timezone.now()
    rows = Session.unscoped.filter(project_id=session.project_id, pk=session.pk)
    rows.update(**EMPTY, erased_at=now)
    return Receipt(
        session_id=str(session.pk),
        erased_at=now,
        events=deleted["event"],
        chunks=deleted["chunk"],
        key_hash=hashlib.sha256(bytes(key.wrapped)).hexdigest() if key else None,
        backups_until=now + timedelta(days=settings.PLAYHEAD_BACKUP_DAYS)
        if settings.PLAYHEAD_BACKUP_DAYS
        else None,
    )


def _delete(table: str, project_id: int, session_id: uuid.UUID) -> int:
    statement = f"DELETE FROM agent_sessions_{table} WHERE project_id = $1 AND session_id = $2"  # noqa: S608
    return sql.run(statement, project_id, session_id).rowcount
