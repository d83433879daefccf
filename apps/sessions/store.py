"""The only writer of the record."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import sql
from apps.sessions.adoption import register as register_adoption
from apps.sessions.appending import Appending
from apps.sessions.compaction import DUE, compact_group
from apps.sessions.drafts import drafts
from apps.sessions.erasure import Receipt, derived_from, destroy, register_derived
from apps.sessions.erasure import register as register_erasure
from apps.sessions.events import AppendResult, IncomingEvent
from apps.sessions.facets import facet_value
from apps.sessions.keys import SealError, project_keys
from apps.sessions.models import Facet, OutcomeStatus, Session, SessionFacet
from apps.sessions.reader import ciphers
from apps.sessions.reindexing import reindex_session
from apps.sessions.replay_marks import ReplayMark, mark_named, set_mark
from apps.sessions.rereading import Reread
from apps.sessions.rewriting import ChangedError, Rewritten, rewrite_session
from apps.sessions.session_rows import PERSON, REASON
from apps.sessions.tagging import tag_sessions, undo_tagging
from apps.tenants.models import Project

__all__ = [
    "Receipt",
    "ReplayMark",
    "Rewritten",
    "append",
    "close_idle",
    "compact",
    "compact_due",
    "erase",
    "link_replay",
    "mark",
    "mark_replay",
    "register_adoption",
    "register_derived",
    "register_erasure",
    "reindex",
    "rewrite",
    "set_outcome",
    "tag_sessions",
    "undo_tagging",
]

log = structlog.get_logger(__name__)

# How long one run of the sweep compacts, and how many sessions it looks for at once.
COMPACTION_SECONDS = 10.0
COMPACTION_BATCH = 100
FIRST_SESSION = uuid.UUID(int=0)
# How often a session is read again because something arrived for it meanwhile.
REWRITE_ATTEMPTS = 5

CLOSE_IDLE = """
UPDATE agent_sessions_session SET status = 'closed' WHERE (project_id, id) IN (
    SELECT project_id, id FROM agent_sessions_session
    WHERE status = 'open' AND is_listed AND last_arrival_at < $1
    ORDER BY last_arrival_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


def append(
    project: Project,
    events: Sequence[IncomingEvent],
    *,
    origin: str = "live",
    environment: str = "",
    is_trial: bool = False,
) -> AppendResult:
    """Add events to the record in one transaction, joining an outer one.

    Those of a trial count in no sum of the project, and no facet finds them but their origin.

    Traces and sessions are locked, recorded versions of the events read, everything merged
    in Python, and each table written by one statement, however many events there are.
    """
    keys = project_keys(project.pk)
    made = drafts(events, keys, environment)
    if not made:
        return AppendResult(accepted=0, duplicates=0, completed=0, sessions=[])
    with transaction.atomic(savepoint=False):
        return Appending(keys, origin, is_trial=is_trial).run(made)


def rewrite(session: Session, reread: Reread, *, dry_run: bool = False) -> Rewritten:
    """Let the session's events say what ``reread`` makes of what was sent, in one transaction.

    Raises ConflictError where something arrives for it all the time.
    """
    keys = project_keys(session.project_id)
    for _ in range(REWRITE_ATTEMPTS):
        try:
            with transaction.atomic():
                rewritten = rewrite_session(session, keys, reread)
                transaction.set_rollback(dry_run)
                return rewritten
        except ChangedError:
            continue
    raise ConflictError("This session is being written to. Try again once it is quiet.")


def compact(session: Session) -> int:
    """Merge the session's chunks, all of them once it is closed; return how many are left."""
    keys = project_keys(session.project_id)
    while True:
        with transaction.atomic():
            done = compact_group(keys, session.pk.bytes)
        if not done.has_more:
            return done.left


@transaction.atomic
def reindex(session: Session) -> int:
    """Write the terms of the session's chunks anew; return how many chunks there are."""
    return reindex_session(project_keys(session.project_id), session.pk.bytes)


def compact_due(*, seconds: float = COMPACTION_SECONDS) -> int:
    """Compact sessions that have become due, for a while; return how many.

    Those that are being written to are left for the next time, and so are those whose content
    does not open, which hold up nobody else.
    """
    end, done, last = time.monotonic() + seconds, 0, FIRST_SESSION
    while due := sql.rows(DUE, last, COMPACTION_BATCH):
        for project_id, last in due:
            try:
                done += _compact_if_free(project_id, last, end)
            except SealError:
                log.exception("a session cannot be compacted", session=str(last))
            if time.monotonic() > end:
                return done
    return done


def _compact_if_free(project_id: int, session_id: uuid.UUID, end: float) -> bool:
    """Merge one group after the other; return whether all is merged."""
    while time.monotonic() < end:
        with transaction.atomic():
            rows = Session.unscoped.select_for_update(skip_locked=True, no_key=True, of=("self",))
            if not rows.filter(project_id=project_id, pk=session_id).exists():
                return False
            if not compact_group(project_keys(project_id), session_id.bytes).has_more:
                return True
    return False


def close_idle(now: datetime | None = None, *, limit: int = 500) -> int:
    """Close sessions without an event for PLAYHEAD_CLOSE_AFTER_MINUTES; return how many."""
    idle = timedelta(minutes=settings.PLAYHEAD_CLOSE_AFTER_MINUTES)
    return sql.run(CLOSE_IDLE, (now or timezone.now()) - idle, limit).rowcount


@transaction.atomic
def erase(session: Session, *, actor: Actor) -> Receipt:
    """Destroy the session's key, content and rows; an empty row that no list shows stays.

    Its replays and forks are erased with it: what they were answered are its own words. Events
    that arrive later under the same name begin another session.
    """
    session = session.locked()
    if session.erased_at is not None:
        raise ConflictError("This session is erased already.")
    derived = [one for one in map(Session.locked, derived_from(session)) if one.is_listed]
    for one in derived:
        _destroy(one, actor, {"replay_of": str(one.replay_of), "with": str(session.pk)})
    receipt = _destroy(session, actor, {"replays": len(derived)} if derived else {})
    return replace(receipt, derived=tuple(str(one.pk) for one in derived))


def _destroy(session: Session, actor: Actor, why: dict[str, Any]) -> Receipt:
    receipt = destroy(session)
    detail = {"events": receipt.events, "chunks": receipt.chunks, "key_hash": receipt.key_hash}
    _audit(session, actor, "session.erase", detail | why)
    return receipt


@transaction.atomic
def mark_replay(project: Project, name: str, mark: ReplayMark) -> Session:
    """Let the session ``name`` be a replay or a fork, and return it locked; the caller audits.

    It is made where no event came for it yet. Raises ConflictError for a session that cannot
    be one: imported, a replay of another, or here before the replay began.
    """
    session_id = mark_named(project_keys(project.pk), name, mark)
    session: Session = project.sessions.get(pk=session_id)
    session.project = project
    return session


@transaction.atomic
def link_replay(session: Session, mark: ReplayMark) -> None:
    """Say of a replay which session it is of, once that one is here."""
    set_mark(session.project_id, session.locked().pk, mark)


@transaction.atomic
def mark(
    session: Session,
    facet: str,
    values: Sequence[str],
    *,
    actor: Actor,
    remove: Sequence[str] = (),
) -> None:
    """Let the session be found by values that people or other apps gave it."""
    if facet not in Facet.values:
        raise InvalidError(f"There is no facet {facet!r}.", "facet")
    session = session.locked()
    rows = session.facets.filter(project_id=session.project_id, facet=facet)
    rows.filter(value__in=[facet_value(value) for value in remove]).delete()
    SessionFacet.unscoped.bulk_create(
        [_facet(session, facet, value) for value in dict.fromkeys(values)], ignore_conflicts=True
    )
    _audit(session, actor, "session.mark", {"facet": facet})


@transaction.atomic
def set_outcome(
    session: Session,
    status: str | None,
    *,
    reason: str | None = None,
    code: str | None = None,
    actor: Actor,
) -> None:
    """Set how the session ended, over what its events said; None leaves it to them again."""
    if status is not None and status not in OutcomeStatus.values:
        raise InvalidError(f"outcome must be one of {', '.join(OutcomeStatus.values)}.", "outcome")
    session = session.locked()
    if session.erased_at is not None:
        raise ConflictError("This session was erased.")
    sealed = reason and ciphers([session])[session.pk].seal(reason.encode(), REASON)
    rows = Session.unscoped.filter(project_id=session.project_id, pk=session.pk)
    rows.update(
        outcome=status,
        outcome_code=code,
        outcome_reason=sealed or None,
        outcome_by=status and (actor.label or actor.kind),
        outcome_from={"by": PERSON} if status else None,
    )
    _audit(session, actor, "session.set_outcome", {"status": status})


def _facet(session: Session, facet: str, value: str) -> SessionFacet:
    return SessionFacet(
        project_id=session.project_id,
        session_id=session.pk,
        facet=facet,
        value=facet_value(value),
        started_at=session.sort_started,
    )


def _audit(session: Session, actor: Actor, act: str, detail: dict[str, Any]) -> None:
    audit.record(
        actor,
        act,
        organization_id=session.project.organization_id,
        project_id=session.project_id,
        objects=[str(session.pk)],
        detail=detail,
    )
