"""Erasing what a removed demo project held, session by session."""

from __future__ import annotations

from apps.audit.actors import SYSTEM
from apps.core.errors import ConflictError
from apps.sessions import store
from apps.sessions.models import Session
from apps.tenants.models import Project

# Of a project, in one turn of a worker; the sweep goes on.
SESSIONS_AT_MOST = 1_000


def erase_demo(project: Project) -> int:
    """Erase the sessions of a removed demo project, each in its own transaction."""
    return sum(
        erase_once(session)
        for session in project.sessions.filter(erased_at=None)[:SESSIONS_AT_MOST]
    )


def erase_once(session: Session) -> bool:
    """Erase a session unless another worker has just done it."""
    try:
        store.erase(session, actor=SYSTEM)
    except ConflictError:
        return False
    return True


def removed_demos() -> list[Project]:
    """Return the removed demo projects that still hold something."""
    gone = Project.everything.filter(is_demo=True, removed_at__isnull=False)
    return list(gone.filter(sessions__isnull=False, sessions__erased_at=None).distinct())
