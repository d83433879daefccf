"""Normalising recorded sessions again, once conventions know more than when they came."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from types import ModuleType

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError
from apps.ingest.normalising import CONVENTIONS
from apps.ingest.rereading import reread
from apps.sessions import store
from apps.sessions.models import Session
from apps.sessions.store import Rewritten
from apps.tenants.models import Project

SESSIONS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """Which sessions: one, those that began since a time, or all; in the order of their ids."""

    session_id: uuid.UUID | None = None
    since: datetime | None = None
    # The last one of a run that broke off.
    after: uuid.UUID | None = None


@dataclass(slots=True)
class Counts:
    """What a run did."""

    sessions: int = 0
    sessions_changed: int = 0
    events: int = 0
    events_changed: int = 0
    # Sessions that were being written to all the time; run it again for them.
    busy: int = 0

    def add(self, rewritten: Rewritten) -> None:
        self.sessions += 1
        self.sessions_changed += rewritten.changed > 0
        self.events += rewritten.events
        self.events_changed += rewritten.changed


def renormalise_session(
    session: Session, *, conventions: Sequence[ModuleType] = CONVENTIONS, dry_run: bool = False
) -> Rewritten:
    """Read again what was sent to a session; ``dry_run`` only tells what would change."""
    return store.rewrite(session, partial(reread, conventions=conventions), dry_run=dry_run)


def renormalise_sessions(
    project: Project,
    selection: Selection,
    *,
    actor: Actor,
    dry_run: bool = False,
    tell: Callable[[Session, Rewritten | None], None] = lambda session, rewritten: None,
) -> Counts:
    """Read the selected sessions again, each in a transaction of its own.

    ``tell`` is called after each, with None for one that was being written to all the time.
    What was done is audited also where it breaks off.
    """
    counts = Counts()
    try:
        for session in _selected(project, selection):
            try:
                rewritten = renormalise_session(session, dry_run=dry_run)
                counts.add(rewritten)
            except ConflictError:
                rewritten = None
                counts.busy += 1
            tell(session, rewritten)
    finally:
        if not dry_run:
            _audit(project, selection, actor, counts)
    return counts


def _selected(project: Project, selection: Selection) -> Iterator[Session]:
    # What Playhead made for a run came from nobody.
    shown = project.sessions.filter(is_listed=True, is_trial=False, erased_at=None)
    sessions = shown.order_by("pk")
    if selection.session_id is not None:
        sessions = sessions.filter(pk=selection.session_id)
    if selection.since is not None:
        sessions = sessions.filter(sort_started__gte=selection.since)
    after = selection.after or uuid.UUID(int=0)
    while page := list(sessions.filter(pk__gt=after)[:SESSIONS_AT_ONCE]):
        yield from page
        after = page[-1].pk


def _audit(project: Project, selection: Selection, actor: Actor, counts: Counts) -> None:
    session_id = selection.session_id
    audit.record(
        actor,
        "sessions.renormalise",
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[str(session_id)] if session_id else [],
        detail=asdict(counts) | {"since": selection.since and selection.since.isoformat()},
    )
