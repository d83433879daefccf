"""Pages of recorded sessions: the list, the player, one step."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

import orjson
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.core.errors import DomainError, InvalidError
from apps.sessions import (
    graph_pages,
    list_head,
    list_views,
    listing,
    pages,
    places,
    step_panel,
    step_rows,
)
from apps.sessions.columns import COOKIE, REMEMBER, read_look
from apps.sessions.filters import SessionFilters, refuse_unknown
from apps.sessions.models import Session
from apps.sessions.saved_view_pages import with_saved_views
from apps.sessions.saved_view_tabs import Tabs
from apps.sessions.spans import answer_columns
from apps.sessions.suggestions import suggest
from apps.sessions.ways_back import leads_back
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

# What the address of a session's page may say.
PLAYER = places.PARAMETERS | graph_pages.PARAMETERS | step_rows.PARAMETERS | step_panel.PARAMETERS
# Which comparison one came from: its own query, so that one finds back to the same line.
PLAYER |= {"compare"}
ONE_YEAR = 365 * 24 * 3600


class ErasedError(DomainError):
    """The session was erased; only that it existed is known."""

    status = 410
    title = "This session was erased"


@require_safe
@gzip_page
@project_view(Permission.READ_META)
@with_saved_views
def session_list(request: SignedInRequest, project: Project, tabs: Tabs) -> HttpResponse:
    try:
        address = list_head.better_address(request.GET)
        if address:
            return HttpResponseRedirect(address)
        return list_page(request, project, tabs)
    except (InvalidError, PermissionDenied) as error:
        context = list_head.refused_context(request.GET, project, error) | {"tabs": tabs}
    return render(request, "sessions/list.html", context, status=context["status"])


def list_page(request: SignedInRequest, project: Project, tabs: Tabs) -> HttpResponse:
    filters = SessionFilters.from_query(request.GET.dict(), also=listing.PARAMETERS)
    look = read_look(request.GET, request.COOKIES.get(COOKIE, ""))
    if REMEMBER in request.GET:
        return list_views.remember(request, look)
    found = pages.find_sessions(request, project, filters)
    may_read = pages.may_read_content(request)
    context = listing.list_context(project, filters, found, look, may_read=may_read)
    context |= list_views.rows_context(request, filters, found)
    context |= list_head.head_context(request.GET, project, filters, found, context["rows"])
    response = render(request, "sessions/list.html", context | {"tabs": tabs})
    place = f"{project.organization.slug}/{project.slug}"
    response.set_cookie("playhead_project", place, max_age=ONE_YEAR, samesite="Lax", httponly=True)
    return response


@require_safe
@project_view(Permission.READ_META)
def session_suggestions(request: SignedInRequest, project: Project) -> HttpResponse:
    """Send what the filter box offers for the word that is typed there."""
    refuse_unknown(request.GET.dict(), frozenset({"key", "prefix"}))
    offered = suggest(project, request.GET.get("key", ""), request.GET.get("prefix", ""))
    return JsonResponse({"offered": [asdict(suggestion) for suggestion in offered]})


@require_safe
@gzip_page
@project_view(Permission.READ_META)
@leads_back
def session_detail(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Show the player. What it shows follows from the address alone: view and step."""
    refuse_unknown(request.GET.dict(), PLAYER)
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    view = pages.read_view(request.GET.get("view"))
    return render(request, "sessions/detail.html", pages.player_context(request, session, view))


@require_safe
@project_view(Permission.READ_META)
def session_spans(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Send the steps in columns, for the rows and the overview of the player."""
    return answer_columns(request, find_session(project, session_id))


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def session_panel(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Send the panel of one step, to be put into the player."""
    refuse_unknown(request.GET.dict(), PLAYER)
    context = pages.panel_context(request, find_session(project, session_id))
    return render(request, "sessions/panel.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
@leads_back
def step_detail(
    request: SignedInRequest, project: Project, session_id: UUID, event_id: str
) -> HttpResponse:
    """Show one step on a page of its own, to print or to read without scripts."""
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    context = pages.panel_context(request, session, event_id)
    return render(request, "sessions/step.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def step_raw(
    request: SignedInRequest, project: Project, session_id: UUID, event_id: str
) -> HttpResponse:
    """Send one step whole, as JSON in a file; nothing is cut."""
    session = find_session(project, session_id)
    step = pages.read_whole_step(request, session, event_id)
    response = HttpResponse(
        orjson.dumps(step, default=str, option=orjson.OPT_INDENT_2),
        content_type="application/json; charset=utf-8",
    )
    response["Content-Disposition"] = f'inline; filename="step-{event_id[:32]}.json"'
    return response


def find_session(project: Project, session_id: UUID) -> Session:
    session = get_object_or_404(
        project.sessions.select_related("project__organization"), pk=session_id
    )
    if session.erased_at:
        raise ErasedError(f"It was erased on {session.erased_at:%Y-%m-%d at %H:%M} UTC.")
    return session


def moved(project: Project, session_id: UUID) -> HttpResponse:
    """Send on to the session that this one became part of."""
    slugs = (project.organization.slug, project.slug)
    return redirect(reverse("sessions:detail", args=(*slugs, session_id)), permanent=True)
