"""From rows of the record to the JSON of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from apps.sessions import queries, reader
from apps.sessions.fidelity import assess
from apps.sessions.models import Facet, Session
from apps.sessions.search import Hit
from apps.tenants.models import Project

Json = dict[str, Any]

STAMPS = {
    "agent_versions": Facet.AGENT_VERSION,
    "models": Facet.MODEL,
    "providers": Facet.PROVIDER,
    "prompts": Facet.PROMPT,
    "tools": Facet.TOOL,
    "releases": Facet.RELEASE,
}


def session_json(project: Project, session: Session, *, content: bool) -> Json:
    """Return one session."""
    return sessions_json(project, [session], content=content)[0]


def detail_json(project: Project, session: Session, *, content: bool, beyond: bool) -> Json:
    """Return one session with how far it can be replayed, and how often it was.

    Not ``beyond`` the session: whoever was given this one alone is told of no other.
    """
    assessed = assess(session)
    told = session_json(project, session, content=content) | {
        "fidelity_next": assessed.next,
        "fidelity_missing": assessed.missing,
        "replays": project.sessions.listed().filter(replay_of=session.pk).count(),
    }
    return told if beyond else told | dict.fromkeys(("replay_of", "forked_at", "replays"))


def sessions_json(project: Project, sessions: Sequence[Session], *, content: bool) -> list[Json]:
    """Return sessions with their stamps and tags; titles and reasons only with ``content``."""
    facets = queries.facets_of(project, sessions)
    titles = reader.titles(sessions) if content else {}
    return [
        _one(project, session, facets.get(session.pk, {}), titles.get(session.pk), content=content)
        for session in sessions
    ]


def _one(
    project: Project,
    session: Session,
    facets: Mapping[str, list[str]],
    title: str | None,
    *,
    content: bool,
) -> Json:
    page = f"/o/{project.organization.slug}/p/{project.slug}/sessions/{session.pk}/"
    return {
        "id": session.pk,
        "external_id": session.external_id,
        "title": title,
        "environment": session.environment,
        "status": session.status,
        "origin": session.origin,
        "agent": session.agent,
        "release": session.release,
        "outcome": _outcome(session, content=content),
        "fidelity": session.fidelity_class,
        "started_at": session.started_at,
        "last_event_at": session.last_event_at,
        "duration_ms": session.duration_ms,
        "events": session.event_count,
        "errors": session.error_count,
        "counts": session.counts,
        "usage": {
            "input": session.input_tokens,
            "output": session.output_tokens,
            "cache_read": session.cache_read,
            "cache_write": session.cache_write,
            "reasoning": session.reasoning,
        },
        "cost": session.cost,
        "stamps": {name: facets[facet] for name, facet in STAMPS.items() if facet in facets},
        "tags": facets.get(Facet.TAG, []),
        "replay_of": session.replay_of,
        "forked_at": session.forked_at.hex if session.forked_at else None,
        "url": settings.PLAYHEAD_URL + page,
    }


def _outcome(session: Session, *, content: bool) -> Json | None:
    if session.outcome is None:
        return None
    return {
        "status": session.outcome,
        "reason": reader.outcome_reason(session) if content else None,
        "code": session.outcome_code,
    }


def hit_json(hit: Hit) -> Json:
    """Return where a session holds what was searched for."""
    return {
        "event": hit.event,
        "seq": hit.seq,
        "field": hit.field,
        "excerpt": [{"text": part.text, "match": part.is_match} for part in hit.excerpt],
    }


def step_json(row: Json, *, raw: bool) -> Json:
    """Return an event; ``raw`` adds what no field holds, and what the client sent."""
    shape = {name: value for name, value in row.items() if name not in ("extra", "raw")}
    return shape | {"raw": row.get("raw", {})} if raw else shape
