"""Pages beside the panel: words found in a session, and bodies of any size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.core.errors import InvalidError
from apps.sessions import bodies, pages, reader
from apps.sessions.filters import refuse_unknown
from apps.sessions.finding import Hits, find_inside, read_find
from apps.sessions.json_tree import More, json_tree
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.views import find_session, moved
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

FIND = frozenset({"find", "cursor", "view", "tab", "at", "step"})
BODY = frozenset({"as", "piece", "q", "path", "from"})


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def session_find(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Show where in a session words stand; the player takes the list out of this page."""
    refuse_unknown(request.GET.dict(), FIND)
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    context = pages.session_context(request, session)
    query = read_find(request.GET.get("find"))
    hits = Hits()
    if query is not None:
        hits = find_inside(session, layout_of(session), query, request.GET.get("cursor"))
    view = pages.read_view(request.GET.get("view"))
    return render(
        request,
        "sessions/found.html",
        context | {"hits": hits, "find": request.GET.get("find", ""), "view": view},
    )


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def step_body(
    request: SignedInRequest, project: Project, session_id: UUID, event_id: str, field: str
) -> HttpResponse:
    """Show a field of a step a piece at a time, or a part of it as a tree."""
    refuse_unknown(request.GET.dict(), BODY)
    session = find_session(project, session_id)
    context = pages.session_context(request, session)
    event = _event(session, event_id)
    value = _value(event, field)
    context |= {"step": event, "field": field, "title": field.replace("_", " ").capitalize()}
    if request.GET.get("as") == "tree":
        return render(request, "sessions/body.html", context | _tree(request, value))
    wanted = request.GET.get("q", "")
    if len(wanted) > bodies.LONGEST_SEARCH:
        raise InvalidError(f"q may have {bodies.LONGEST_SEARCH} characters.", "q")
    number = bodies.read_number(request.GET.get("piece"), "piece", least=1)
    piece = bodies.read_piece(bodies.text_of(value), number, wanted)
    return render(request, "sessions/body.html", context | {"piece": piece, "q": wanted})


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def step_body_file(
    request: SignedInRequest, project: Project, session_id: UUID, event_id: str, field: str
) -> HttpResponse:
    """Send a field of a step whole, to be kept as a file."""
    refuse_unknown(request.GET.dict(), frozenset())
    session = find_session(project, session_id)
    pages.session_context(request, session)
    value = _value(_event(session, event_id), field)
    is_text = isinstance(value, str)
    kind = "text/plain" if is_text else "application/json"
    response = HttpResponse(bodies.text_of(value), content_type=f"{kind}; charset=utf-8")
    name = f"step-{event_id[:32]}-{field}.{'txt' if is_text else 'json'}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _tree(request: SignedInRequest, value: Json) -> dict[str, Any]:
    path = request.GET.get("path", "")
    start = bodies.read_number(request.GET.get("from"), "from")
    inner = bodies.value_at(value, path)
    return {"tree": json_tree(inner, More(request.path), path=path, start=start), "path": path}


def _event(session: Session, event_id: str) -> Mapping[str, Json]:
    layout = layout_of(session)
    at = layout.find(event_id)
    if at is None:
        raise Http404("This session has no such step.")
    [(_, event)] = reader.read_at(session, layout, [at], content=True)
    return event


def _value(event: Mapping[str, Json], field: str) -> Json:
    value = bodies.field_of(event, field)
    if value is None:
        raise Http404("This step has no such field, or nothing in it.")
    return value
