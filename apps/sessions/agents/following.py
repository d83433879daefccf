"""What was found of agents goes with its session, and is found anew where sessions join."""

from __future__ import annotations

from uuid import UUID

from apps.sessions.agents.models import AgentReading, SessionAgentVersion
from apps.sessions.choices import Facet
from apps.sessions.models import SessionFacet


def forget_session(project_id: int, session_id: UUID) -> None:
    """Forget of which versions a session was that is being erased.

    Versions stay: they hold keyed hashes of words, names of models and tools, and numbers.
    """
    about = {"project_id": project_id, "session_id": session_id}
    SessionAgentVersion.unscoped.filter(**about).delete()
    AgentReading.unscoped.filter(**about).delete()


def join_sessions(project_id: int, old: UUID, new: UUID) -> None:
    """Forget it of both: the session that has all their steps is looked at again."""
    facet = Facet.AGENT_VERSION.value
    for session_id in (old, new):
        forget_session(project_id, session_id)
        rows = SessionFacet.unscoped.filter(project_id=project_id, session_id=session_id)
        rows.filter(facet=facet).delete()
