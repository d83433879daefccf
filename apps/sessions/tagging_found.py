"""Tagging all sessions that filters find, not only those of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.sessions.filters import SessionFilters
from apps.sessions.queries import matching
from apps.sessions.tagging import MOST_SESSIONS, Tagged, tag_sessions, undo_tagging
from apps.tenants.models import Project

# Sessions of one act: they are held until it is done, so that all are tagged or none.
MOST_FOUND = 5_000


@transaction.atomic
def tag_found(
    project: Project,
    filters: SessionFilters,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    actor: Actor,
) -> list[Tagged]:
    """Tag every session that the filters find now; one entry of the trail a portion."""
    if filters.q:
        message = "All that hold a word cannot be tagged at once: select them on their pages."
        raise InvalidError(message, "q")
    found = matching(project, filters, None, MOST_FOUND, descends=True)
    if len(found) > MOST_FOUND:
        message = f"More than {MOST_FOUND:,} sessions match. Narrow the filters, and tag in parts."
        raise InvalidError(message, "session")
    # In the order in which every writer locks sessions.
    ids = sorted(session.pk for session in found)
    to_add, to_remove = list(add), list(remove)
    return [
        tag_sessions(
            project, ids[at : at + MOST_SESSIONS], add=to_add, remove=to_remove, actor=actor
        )
        for at in range(0, len(ids), MOST_SESSIONS)
    ]


@transaction.atomic
def undo_all(project: Project, entries: Sequence[int], *, actor: Actor) -> list[Tagged]:
    """Take back what the portions of one act changed."""
    return [undo_tagging(project, entry, actor=actor) for entry in entries]


def joined(parts: Sequence[Tagged]) -> Tagged:
    """Return what the portions changed together; the first one's number stands for it."""
    entries = [part.entry for part in parts if part.entry is not None]
    return Tagged(
        entry=entries[0] if entries else None,
        added=set().union(*(part.added for part in parts)),
        removed=set().union(*(part.removed for part in parts)),
        kept=set().union(*(part.kept for part in parts)),
        missing=sum(part.missing for part in parts),
    )
