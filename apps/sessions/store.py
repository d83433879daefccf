"""The only writer of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.audit.actors import Actor
from apps.sessions.appending import Appending
from apps.sessions.drafts import drafts
from apps.sessions.events import AppendResult, IncomingEvent
from apps.sessions.keys import project_keys
from apps.sessions.models import Session
from apps.tenants.models import Project


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure destroyed."""

    session_id: str
    erased_at: datetime
    events: int
    chunks: int
    # SHA-256 of the wrapped key that was destroyed, hex.
    key_hash: str | None
    backups: str


def append(
    project: Project,
    events: Sequence[IncomingEvent],
    *,
    origin: str = "live",
    environment: str = "",
) -> AppendResult:
    """Add events to the record in one transaction, joining an outer one.

    Traces and sessions are locked, recorded versions of the events read, everything merged
    in Python, and each table written by one statement, however many events there are.
    """
    keys = project_keys(project.pk)
    made = drafts(events, keys, environment)
    if not made:
        return AppendResult(accepted=0, duplicates=0, completed=0, sessions=[])
    with transaction.atomic(savepoint=False):
        return Appending(keys, origin).run(made)


def compact(session: Session) -> int:
    """Merge the session's chunks, all of them once it is closed; return how many are left."""
    raise NotImplementedError


def erase(session: Session, *, actor: Actor) -> Receipt:
    """Destroy the session's key, content and rows; only an empty listed-nowhere row stays."""
    raise NotImplementedError


def close_idle(now: datetime | None = None, *, limit: int = 500) -> int:
    """Close sessions without an event for PLAYHEAD_CLOSE_AFTER_MINUTES; return how many."""
    raise NotImplementedError


def mark(
    session: Session,
    facet: str,
    values: Sequence[str],
    *,
    actor: Actor,
    remove: Sequence[str] = (),
) -> None:
    """Let the session be found by values that people or other apps gave it."""
    raise NotImplementedError


def set_outcome(
    session: Session,
    status: str | None,
    *,
    reason: str | None = None,
    code: str | None = None,
    actor: Actor,
) -> None:
    """Set how the session ended, over what its events said."""
    raise NotImplementedError
