"""Letting lists of sessions find them by the version of an agent: the facet ``support@3``."""

from __future__ import annotations

from collections.abc import Sequence

from apps.sessions import sql
from apps.sessions.agents.models import Agent, SessionAgentVersion
from apps.sessions.arrays import array
from apps.sessions.choices import Facet
from apps.sessions.facets import facet_value
from apps.sessions.models import Session

# What an agent without a name is called in addresses and filters.
UNNAMED = "-"
REPUBLISH = """
WITH moved AS (
    DELETE FROM agent_sessions_sessionfacet
    WHERE project_id = $1 AND facet = $2 AND value = $3
    RETURNING project_id, session_id, facet, started_at
)
INSERT INTO agent_sessions_sessionfacet (project_id, session_id, facet, value, started_at)
SELECT project_id, session_id, facet, $4, started_at FROM moved
ON CONFLICT DO NOTHING
"""
UNPUBLISH = """
DELETE FROM agent_sessions_sessionfacet
WHERE project_id = $1 AND session_id = $2 AND facet = $3 AND value <> ALL($4::text[])
"""
PUBLISH = """
INSERT INTO agent_sessions_sessionfacet (project_id, session_id, facet, value, started_at)
SELECT $1, $2, $3, value, $5 FROM unnest($4::text[]) AS given (value)
ON CONFLICT DO NOTHING
"""


def stamp_of(agent: str, number: int) -> str:
    """Return the value under which sessions of a version of an agent are found."""
    return facet_value(f"{agent or UNNAMED}@{number}")


def publish(session: Session, links: Sequence[SessionAgentVersion]) -> None:
    """Let a locked session be found by its versions, and by no others."""
    facet = Facet.AGENT_VERSION.value
    wanted = sorted({stamp_of(link.agent.name, link.version.number) for link in links})
    place = (session.project_id, session.pk, facet, array("text", wanted))
    sql.run(UNPUBLISH, *place)
    if wanted:
        sql.run(PUBLISH, *place, session.sort_started)


def republish(agent: Agent, number: int, into: int) -> None:
    """Let sessions of a version be found as those of the one that it turned out to be."""
    old, new = stamp_of(agent.name, number), stamp_of(agent.name, into)
    sql.run(REPUBLISH, agent.project_id, Facet.AGENT_VERSION.value, old, new)
