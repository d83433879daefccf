"""Which session a replay is of: found by name or id, at once or when it comes.

A report may arrive before the session that it is about, and another server may have it: then
the replay keeps the name, and a sweep looks for it. A session of another project is as unknown
as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.audit import services as audit
from apps.audit.actors import SYSTEM
from apps.core.errors import ConflictError, DomainError
from apps.replays import places, sealing
from apps.replays.models import Replay
from apps.sessions import store
from apps.sessions.models import Origin, Session
from apps.sessions.rows import event_id
from apps.tenants.models import Project

Names = Sequence[str]

# Replays that one run of the sweep looks at.
SWEPT_AT_ONCE = 500
DEEPEST = 1_000


class UnprocessableError(DomainError):
    """A report that is well formed and cannot be true."""

    status = 422
    title = "Unprocessable content"


def hold_original(project: Project, name: str) -> Session | None:
    """Return the session that a report names, locked, so that it is not erased meanwhile.

    Erasure locks the original before its replays, so whoever needs both does likewise.
    """
    found = find_original(project, name)
    if found is None:
        return None
    found.locked()
    return find_original(project, name)


def find_original(project: Project, name: str) -> Session | None:
    """Return the session that a report names, where it is now; None where it is not here.

    Raises ConflictError for one that was erased: what is made from it is not kept either.
    """
    session = project.sessions.filter(external_id=name).first() or _by_id(project, name)
    for _ in range(DEEPEST):
        if session is None or session.merged_into_id is None:
            break
        session = project.sessions.filter(pk=session.merged_into_id).first()
    if session is not None and session.erased_at is not None:
        raise ConflictError("The session that this is a replay of was erased.")
    if session is not None:
        session.project = project
    return session


def _by_id(project: Project, name: str) -> Session | None:
    try:
        key = UUID(name)
    except ValueError:
        return None
    return project.sessions.filter(pk=key).first()


def makes_circle(project: Project, session_id: UUID, original: Session) -> bool:
    """Tell whether a session would be a replay of itself, directly or by way of others."""
    above: UUID | None = original.pk
    seen: set[UUID] = set()
    while above is not None and above not in seen:
        if above == session_id:
            return True
        seen.add(above)
        rows = project.sessions.filter(pk=above)
        above = rows.values_list("replay_of", flat=True).first()
    return False


def fork_event(
    original: Session | None, step: int | None, event: str | None, trace: str | None
) -> UUID | None:
    """Return the event at which a fork left its original, as far as that is here."""
    if event is None:
        return places.step_id(original, step) if original else None
    if trace is not None:
        return UUID(bytes=event_id(trace, True, event))
    return places.event_ids(original, [event]).get(event) if original else None


def link(replay: Replay, original: Session) -> bool:
    """Let a replay that waited be one of ``original``; False where that makes a circle."""
    project = original.project
    if makes_circle(project, replay.session_id, original):
        return False
    session = project.sessions.get(pk=replay.session_id)
    body = sealing.opened(replay)
    told = (body.forked_at if body else None) or {}
    forked_at = fork_event(original, told.get("step"), told.get("event"), told.get("trace"))
    store.link_replay(session, store.ReplayMark(Origin(replay.origin), original.pk, forked_at))
    replay.original = original
    first = next(iter(body.divergences), {}) if body else {}
    if name := first.get("event"):
        replay.first_event = places.event_ids(original, [name]).get(name, replay.first_event)
    replay.save(update_fields=["original", "first_event"])
    audit.record(
        SYSTEM,
        "replay.link",
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[str(replay.pk), str(replay.session_id), str(original.pk)],
    )
    return True


def link_waiting(project: Project, names: Names = ()) -> int:
    """Link the project's replays whose originals have come since; return how many."""
    waiting = project.replays.filter(original=None)
    if names:
        waiting = waiting.filter(original_name__in=names)
    here = project.sessions.filter(external_id=OuterRef("original_name"))
    found = waiting.filter(Exists(here)).order_by("pk")
    return sum(_link_one(project, replay.pk) for replay in found[:SWEPT_AT_ONCE])


@transaction.atomic
def _link_one(project: Project, replay_id: UUID) -> bool:
    replay = project.replays.filter(pk=replay_id).select_related("session").first()
    original = hold_original(project, replay.original_name) if replay else None
    if replay is None or original is None:
        return False
    # The session before the row, as a report locks them.
    replay.session.locked()
    rows = project.replays.select_for_update(of=("self",))
    replay = rows.filter(pk=replay_id, original=None).first()
    return replay is not None and link(replay, original)
