"""What the player and the pages of single steps show, put together from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404

from apps.audit.services import record_reading
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.sessions import graph_pages, player, reader, search, step_panel, step_rows
from apps.sessions.drawing import drawing_of
from apps.sessions.filters import SessionFilters
from apps.sessions.layout import Layout
from apps.sessions.layout_cache import layout_of
from apps.sessions.listing import short_id, total_tokens
from apps.sessions.model_names import grouped
from apps.sessions.models import Facet, Session
from apps.sessions.parents import parent_of
from apps.sessions.places import find_step
from apps.sessions.queries import facets_of, session_page
from apps.sessions.search import Found
from apps.sessions.step_filter import find_steps
from apps.sessions.transcript import Room, place_turns, tell
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
        "is_placed": any(place_of(request)),
        "title": head.title,
        # Other sessions are not for those who were given this one alone.
        "made_from": parent_of(session) if request.is_member else None,
        "facets": facets,
        "models": grouped(facets.get(Facet.MODEL, [])),
        "outcome_reason": head.reason,
    }
    layout = layout_of(session)
    if not len(layout):
        return context
    at = find_step(layout, *place_of(request))
    asked = step_panel.read_asked(
        request.GET, layout, may_read=context["may_read"], cipher=head.cipher
    )
    window, before = player.transcript_window(layout, at) if view == "transcript" else ((), [])
    also = [*before, *window] if asked.may_read else []
    shown = step_panel.read_shown(session, layout, at, asked, also)
    context |= step_panel.step_context(session, layout, shown, asked)
    if view == "transcript":
        told = shown.also[: len(before)], shown.also[len(before) :]
        return context | transcript_context(request, layout, window, told)
    if view == "graph":
        drawn = graph_pages.read_asked(request.GET.dict())
        return context | graph_pages.graph_context(session, drawn, at, head.cipher)
    return context | {"rows": rows_page(request, session, layout, at, view)}


def place_of(request: SignedInRequest) -> tuple[str, str, str]:
    """Return what the address says of the place: a step's id, its number, a time."""
    asked = request.GET
    return asked.get("step", ""), asked.get("at", ""), asked.get("t", "")


def rows_page(
    request: SignedInRequest, session: Session, layout: Layout, at: int, view: str
) -> step_rows.RowPage:
    drawing, asked = drawing_of(session, layout), request.GET
    window = step_rows.read_window(asked.get("from"), asked.get("to"))
    found = find_steps(drawing, asked.get("f", ""))
    return step_rows.row_page(drawing, at, view, found, window)


def panel_context(request: SignedInRequest, session: Session, event_id: str = "") -> dict[str, Any]:
    context = session_context(request, session)
    layout = layout_of(session)
    if not len(layout):
        raise Http404("This session has no steps.")
    step, number, time = place_of(request)
    at = find_step(layout, event_id or step, number, time)
    view = read_view(request.GET.get("view"))
    asked = step_panel.read_asked(request.GET, layout, may_read=context["may_read"], cipher=None)
    shown = step_panel.read_shown(session, layout, at, asked)
    return context | step_panel.step_context(session, layout, shown, asked) | {"view": view}


def transcript_context(
    request: SignedInRequest,
    layout: Layout,
    window: Sequence[int],
    events: tuple[Sequence[Any], Sequence[Any]],
) -> dict[str, Any]:
    """Return the turns of a window, after events that are not told; none that are not read."""
    is_raw = read_text(request.GET.get("text"))
    before, told = events
    if not told:
        return {"turns": [], "is_raw": is_raw}
    turns = tell(before, told)
    place_turns(turns, layout, window)
    return {
        "turns": turns,
        "is_raw": is_raw,
        "markdown": None if is_raw else Room(),
        "first": layout.id(window[0]),
        "last": layout.id(window[-1]),
        "earlier": layout.id(window[0] - 1) if window[0] else None,
        "later": layout.id(window[-1] + 1) if window[-1] + 1 < len(layout) else None,
    }


def read_text(name: str | None) -> bool:
    """Return whether answers are shown as they were written."""
    if name not in (None, "formatted", "raw"):
        raise InvalidError("text must be formatted or raw.", "text")
    return name == "raw"


def read_whole_step(
    request: SignedInRequest, session: Session, event_id: str
) -> Mapping[str, Json]:
    session_context(request, session)
    step = reader.read_step(session, event_id, raw=True)
    if step is None:
        raise Http404("This session has no such step.")
    return step
