"""Answers of tools from other sessions of the project: the same tool, the same arguments, recently.

Only where whoever starts a replay allows it: what was true for another session at another time
need not be true in this one, so it is said with every such answer where it is from and how old.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.providers.protocol import ToolCall
from apps.replays.server.tools import POOLED, Served, parts_of
from apps.sessions import reader
from apps.sessions.content import Parts
from apps.sessions.facets import facet_value
from apps.sessions.keys import project_keys
from apps.sessions.models import UNKNOWN_TIME, Facet, Origin, Session
from apps.tenants.models import Project

Json = Any

# The newest sessions in which a tool was called that are looked at.
MOST_SESSIONS = 500
MADE = (Origin.REPLAY, Origin.FORK)


def pooled(project: Project, call: ToolCall, *, max_age_days: int, but: UUID) -> Served | None:
    """Return the newest recorded answer of another session than ``but``; None where none is."""
    since = timezone.now() - timedelta(days=max_age_days)
    found = _newest(project, call, since, but)
    if found is None:
        return None
    session_id, event_id, at = found
    session = project.sessions.get(pk=session_id)
    session.project = project
    event = reader.read_step(session, event_id.hex)
    if event is None:
        return None
    parts, is_error = parts_of(event)
    return Served(call, POOLED, parts, is_error, None, _source(session, event, at))


def _newest(
    project: Project, call: ToolCall, since: datetime, but: UUID
) -> tuple[UUID, UUID, datetime] | None:
    digest = Parts(project_keys(project.pk).digest).store("input", call.arguments)
    rows = project.events.filter(
        Q(started_at__gte=since) | Q(started_at=None, arrived_at__gte=since),
        session_id__in=_sessions(project, call.name, since, but),
        kind="tool",
        name=call.name,
        input_digest=digest,
        output_digest__isnull=False,
    )
    newest = rows.annotate(at=Coalesce("started_at", "arrived_at")).order_by("-at")
    return newest.values_list("session_id", "id", "at").first()


def _sessions(project: Project, tool: str, since: datetime, but: UUID) -> list[UUID]:
    """Return the newest sessions that called a tool, none of them made by a replay."""
    facets = project.session_facets.filter(
        Q(started_at__gte=since) | Q(started_at=UNKNOWN_TIME),
        facet=Facet.TOOL,
        value=facet_value(tool),
    )
    made = project.sessions.filter(origin__in=MADE).values("pk")
    newest = facets.exclude(session_id=but).exclude(session_id__in=made).order_by("-started_at")
    return list(newest.values_list("session_id", flat=True)[:MOST_SESSIONS])


def _source(session: Session, event: Mapping[str, Json], at: datetime) -> dict[str, Json]:
    days = (timezone.now() - at).total_seconds() / 86_400
    return {"session": session.pk.hex, "event": event["id"], "days": round(max(days, 0), 1)}
