"""What the player and the pages of single steps show, put together from the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404

from apps.audit.services import record_reading
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.sessions import panel, player, reader, search
from apps.sessions.filters import SessionFilters
from apps.sessions.json_tree import json_tree
from apps.sessions.keys import SessionCipher
from apps.sessions.layout import Layout
from apps.sessions.layout_cache import layout_of
from apps.sessions.listing import short_id, total_tokens
from apps.sessions.model_names import grouped
from apps.sessions.models import Facet, Session
from apps.sessions.queries import facets_of, session_page
from apps.sessions.search import Found
from apps.sessions.state import state_at
from apps.sessions.steps import Step
from apps.sessions.transcript import tell
from apps.tenants.doors import SignedInRequest
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any


def may_read_content(request: SignedInRequest) -> bool:
    return Permission.READ_CONTENT in request.permissions


def find_sessions(request: SignedInRequest, project: Project, filters: SessionFilters) -> Found:
    """Return the sessions that the list shows, and where they hold what is searched for."""
    cursor, limit = request.GET.get("cursor"), read_limit(request.GET.get("limit"))
    if not filters.q:
        return Found(session_page(project, filters, cursor=cursor, limit=limit), {})
    # Whether a word occurs is content.
    if not may_read_content(request):
        raise PermissionDenied
    found = search.find(project, filters, cursor=cursor, limit=limit)
    record_reading(
        request.actor,
        organization_id=project.organization_id,
        project_id=project.pk,
        session_ids=[str(session.pk) for session in found.page.rows],
    )
    return found


def read_view(name: str | None) -> str:
    if name is None:
        return player.VIEWS[0]
    if name not in player.VIEWS:
        raise InvalidError(f"view must be one of {', '.join(player.VIEWS)}.", "view")
    return name


def session_context(request: SignedInRequest, session: Session) -> dict[str, Any]:
    """Return what every page of a session shows, and write down that it was read."""
    project = session.project
    may_read = may_read_content(request)
    if may_read:
        record_reading(
            request.actor,
            organization_id=project.organization_id,
            project_id=project.pk,
            session_ids=[str(session.pk)],
        )
    return {
        "project": project,
        "organization": project.organization,
        "session": session,
        "short_id": short_id(session),
        "total_tokens": total_tokens(session),
        "may_read": may_read,
    }


def player_context(request: SignedInRequest, session: Session, view: str) -> dict[str, Any]:
    context = session_context(request, session)
    head = reader.head(session) if context["may_read"] else reader.Head("", None, None)
    facets = facets_of(session.project, [session]).get(session.pk, {})
    context |= {
        "view": view,
        "views": player.VIEWS,
        "title": head.title,
        "facets": facets,
        "models": grouped(facets.get(Facet.MODEL, [])),
        "outcome_reason": head.reason,
    }
    layout = layout_of(session)
    if not len(layout):
        return context
    at = player.find_step(layout, request.GET.get("step", ""), request.GET.get("at", ""))
    context |= step_context(session, layout, at, may_read=context["may_read"], cipher=head.cipher)
    if view == "transcript":
        return context | transcript_context(session, layout, at, head)
    return context | {"rows": player.row_page(layout, at)}


def panel_context(request: SignedInRequest, session: Session, event_id: str = "") -> dict[str, Any]:
    context = session_context(request, session)
    layout = layout_of(session)
    if not len(layout):
        raise Http404("This session has no steps.")
    wanted = event_id or request.GET.get("step", "")
    at = player.find_step(layout, wanted, request.GET.get("at", ""))
    view = read_view(request.GET.get("view"))
    return (
        context | step_context(session, layout, at, may_read=context["may_read"]) | {"view": view}
    )


def step_context(
    session: Session,
    layout: Layout,
    at: int,
    *,
    may_read: bool,
    cipher: SessionCipher | None = None,
) -> dict[str, Any]:
    """Return one step, laid out for the panel."""
    [(step, event)] = reader.read_at(session, layout, [at], content=may_read, cipher=cipher)
    found = list(panel.sections(event)) if may_read else []
    if may_read:
        found[1:1] = state_sections(session, step, event) + source_sections(session, layout, event)
    return {
        "at": player.playhead_at(layout, at),
        "step": step,
        "event": event,
        "group": player.group_of(step.kind),
        "icon": player.icon_of(step.kind),
        "sections": found,
    }


def state_sections(session: Session, step: Step, event: Mapping[str, Json]) -> list[panel.Section]:
    """Return what the step changed in the state, and the state after it, where it has any."""
    if event.get("state_patch") is None and event.get("state") is None:
        return []
    after = state_at(session, step.seq)
    state = panel.Section("state", "State after this step", is_open=False)
    state.tree = json_tree(after.state)
    return [panel.change_section(after.changes), state]


def source_sections(
    session: Session, layout: Layout, event: Mapping[str, Json]
) -> list[panel.Section]:
    """Return the steps whose output the step was given, where its sender named any."""
    named = event.get("inputs")
    if not named:
        return []
    rows = session.project.event_inputs.filter(session_id=session.pk, event_id=event["id"])
    found = (layout.find(source.hex) for source in rows.values_list("source_id", flat=True))
    places = [layout.place(at) for at in sorted(at for at in found if at is not None)]
    return [panel.source_section(places, max(len(named), len(places)))]


def transcript_context(
    session: Session, layout: Layout, at: int, head: reader.Head
) -> dict[str, Any]:
    """Return the turns of the page that holds the step; none where content is not read."""
    if head.cipher is None:
        return {"turns": []}
    window, before = player.transcript_window(layout, at)
    indexes = [*before, *window]
    read = reader.read_at(session, layout, indexes, content=True, cipher=head.cipher)
    events = [event for _, event in read]
    return {
        "turns": tell(events[: len(before)], events[len(before) :]),
        "earlier": layout.id(window[0] - 1) if window[0] else None,
        "later": layout.id(window[-1] + 1) if window[-1] + 1 < len(layout) else None,
    }


def read_whole_step(
    request: SignedInRequest, session: Session, event_id: str
) -> Mapping[str, Json]:
    session_context(request, session)
    step = reader.read_step(session, event_id, raw=True)
    if step is None:
        raise Http404("This session has no such step.")
    return step
