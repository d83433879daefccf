"""What a session was made from: the session that it replays, or the step that it forks from."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.sessions.layout_cache import layout_of
from apps.sessions.listing import short_id
from apps.sessions.models import Session


@dataclass(frozen=True, slots=True)
class Parent:
    """The session that another was made from."""

    session_id: UUID
    short_id: str
    # The step at which a fork leaves it, where that is known: its number from 1, and its id.
    seq: int | None = None
    step: str = ""


def parent_of(session: Session) -> Parent | None:
    """Return what a session was made from; None for a recorded one, and where that is gone."""
    if session.replay_of is None:
        return None
    parent = session.project.sessions.filter(pk=session.replay_of, erased_at=None).first()
    if parent is None:
        return None
    if session.forked_at is None:
        return Parent(parent.pk, short_id(parent))
    at = layout_of(parent).find(session.forked_at.hex)
    if at is None:
        return Parent(parent.pk, short_id(parent))
    return Parent(parent.pk, short_id(parent), at + 1, session.forked_at.hex)
