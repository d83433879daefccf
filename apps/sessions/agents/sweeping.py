"""Finding the sessions whose agents have not been looked at, some seconds at a time.

Ingest does nothing for it: what is due is found in the tables, once a session is closed. A
session to which more came since is looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.sessions import sql
from apps.sessions.agents.assigning import read_session
from apps.sessions.agents.models import Agent, AgentReading
from apps.sessions.choices import UNKNOWN_TIME, Facet
from apps.sessions.keys import SealError
from apps.sessions.models import Session, SessionFacet
from apps.tenants.models import Project

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 10.0
BATCH = 100
# Each sweep looks at what arrived so lately; the daily one at everything.
LATELY = timedelta(hours=6)
DUE = """
SELECT s.project_id, s.id FROM agent_sessions_session s
WHERE s.status = 'closed' AND s.is_listed AND s.last_arrival_at > $1
    AND ($3::bigint IS NULL OR s.project_id = $3) AND NOT EXISTS (
        SELECT FROM agent_sessions_agentreading r WHERE r.project_id = s.project_id
            AND r.session_id = s.id AND r.arrived_at >= s.last_arrival_at
    )
ORDER BY {order} LIMIT $2
"""
AS_THEY_CAME = DUE.format(order="s.last_arrival_at, s.id")
AS_THEY_BEGAN = DUE.format(order="s.sort_started, s.id")


def sweep(*, is_whole: bool = False, seconds: float = SWEEP_SECONDS) -> int:
    """Look at sessions that are due, for a while; return at how many."""
    since = UNKNOWN_TIME if is_whole else timezone.now() - LATELY
    end, count = time.monotonic() + seconds, 0
    for session in _due(AS_THEY_CAME, since, None):
        _read(session)
        count += 1
        if time.monotonic() > end:
            break
    return count


def read_project(project: Project) -> Iterator[Session]:
    """Look at every session of a project that is due, in the order in which they began."""
    for session in _due(AS_THEY_BEGAN, UNKNOWN_TIME, project.pk):
        _read(session)
        yield session


@transaction.atomic
def forget_agents(project: Project) -> None:
    """Forget what was found of a project's agents; reading it again numbers versions anew."""
    Agent.unscoped.filter(project_id=project.pk).delete()
    AgentReading.unscoped.filter(project_id=project.pk).delete()
    facets = SessionFacet.unscoped.filter(project_id=project.pk, facet=Facet.AGENT_VERSION)
    facets.delete()


def _due(query: str, since: datetime, project_id: int | None) -> Iterator[Session]:
    last: set[UUID] = set()
    while True:
        keys = sql.rows(query, since, BATCH, project_id)
        # What stays due although it was read would be found for ever.
        ids = [key for _, key in keys if key not in last]
        if not ids:
            return
        last = set(ids)
        rows = Session.unscoped.filter(pk__in=ids, project_id__in={pk for pk, _ in keys})
        yield from rows.select_related("project").order_by("sort_started", "pk")


def _read(session: Session) -> None:
    try:
        read_session(session)
    except SealError:
        log.exception("a session's agents cannot be read", session=str(session.pk))
        AgentReading.unscoped.update_or_create(
            project_id=session.project_id,
            session_id=session.pk,
            defaults={"arrived_at": session.last_arrival_at},
        )
