"""Pages of replays: of a session, one of them, and how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.audit.services import record_reading
from apps.core.paging import read_limit
from apps.replays import pages_detail
from apps.replays.models import Replay, Where
from apps.replays.pages_amounts import took
from apps.replays.pages_code import snippets_for
from apps.replays.pages_rows import rows_of, told_of
from apps.replays.pages_tree import kin_of
from apps.replays.queries import ReplayFilters, find_replay, replay_page
from apps.replays.sealing import opened
from apps.replays.server.progress import progress_of
from apps.sessions import reader
from apps.sessions.fidelity import assess
from apps.sessions.filters import refuse_unknown
from apps.sessions.layout_cache import layout_of
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.sessions.places import find_step
from apps.sessions.views import find_session, moved
from apps.sessions.ways_back import leads_back
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_safe
@gzip_page
@project_view(Permission.READ_META, beyond_session=True)
def session_replays(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """List the replays of a session, and draw the tree of forks around it."""
    refuse_unknown(request.GET.dict(), frozenset({"cursor", "limit"}))
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    page = replay_page(
        project,
        ReplayFilters(session=session.pk),
        cursor=request.GET.get("cursor"),
        limit=read_limit(request.GET.get("limit")),
    )
    content, kin = may_read(request), kin_of(session)
    replays = list({replay.pk: replay for replay in (*page.rows, *kin.below)}.values())
    told = told_of(replays, content=content, also=[session, *kin.above])
    context = names(request, session, told.titles) | {
        "page": page,
        "rows": [told.rows[replay.pk] for replay in page.rows],
        "tree": kin.tree(told),
        "assessed": assess(session),
    }
    shown = [replay.session_id for replay in replays]
    write_down(request, project, [session.pk, *shown, *told.titles])
    return render(request, "replays/session.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
@leads_back
def replay_code(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Show how this session is replayed, and forked at a step, from the application."""
    refuse_unknown(request.GET.dict(), frozenset({"step", "at"}))
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    layout = layout_of(session)
    context = session_context(request, session) | {"assessed": assess(session), "at": None}
    if len(layout):
        at = find_step(layout, request.GET.get("step", ""), request.GET.get("at", ""))
        context |= {"at": at + 1, "place": layout.place(at), "count": len(layout)}
    context["code"] = snippets_for(session, server=settings.PLAYHEAD_URL, at=context["at"])
    write_down(request, project, [session.pk])
    return render(request, "replays/code.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def replay_detail(request: SignedInRequest, project: Project, replay_id: UUID) -> HttpResponse:
    """Show one replay: its numbers, and each place where it was not as recorded."""
    refuse_unknown(request.GET.dict(), frozenset({"from"}))
    replay = find_replay(project, replay_id)
    content = may_read(request)
    [row] = rows_of([replay], content=content)
    body = opened(replay) if content else None
    context = {
        "project": project,
        "organization": project.organization,
        "may_read": content,
        "replay": replay,
        "row": row,
        "numbers": pages_detail.numbers_of(replay),
        "took": took(replay),
    }
    if replay.where == Where.SERVER:
        context |= run_context(request, project, replay)
    if body is not None:
        context |= pages_detail.body_context(replay, body, request.GET.get("from", ""))
    sides = [replay.session_id, *([replay.original_id] if replay.original_id else [])]
    write_down(request, project, sides)
    return render(request, "replays/detail.html", context)


def run_context(request: SignedInRequest, project: Project, replay: Replay) -> dict[str, Any]:
    """Return how far a replay of the server has come, and whether one may hold it."""
    run = project.server_replays.filter(replay=replay).select_related("budget").first()
    return {
        "progress": None if run is None else progress_of(run),
        "numbers": pages_detail.numbers_of(replay, run.mode if run else ""),
        "trial": project.trials.filter(replay=replay).select_related("run").first(),
        "may_run": Permission.RUN_REPLAYS in request.permissions,
    }


@require_safe
@project_view(Permission.READ_CONTENT)
def replay_against(request: SignedInRequest, project: Project, replay_id: UUID) -> HttpResponse:
    """Open the replay beside its original, where it first left it."""
    refuse_unknown(request.GET.dict(), frozenset())
    replay = find_replay(project, replay_id)
    if replay.original is None:
        raise Http404("The session that was replayed is not on this server.")
    return HttpResponseRedirect(comparison_of(replay))


def comparison_of(replay: Replay) -> str:
    """Return the address of the comparison with the original, at the first divergence.

    One side names its step: naming both would leave out what came before.
    """
    place = replay.project.organization.slug, replay.project.slug
    original, session = str(replay.original_id), str(replay.session_id)
    if event := _there(replay.original, replay.first_event):
        original += f"@{event.hex}"
    elif event := _there(replay.session, replay.first_made):
        session += f"@{event.hex}"
    query = urlencode({"a": original, "b": session}, safe="@")
    return f"{reverse('sessions:compare', args=place)}?{query}"


def _there(session: Session | None, event: UUID | None) -> UUID | None:
    """Return a step that has arrived; a report may come before the events that it names."""
    if session is None or event is None:
        return None
    return event if layout_of(session).find(event.hex) is not None else None


def session_context(request: SignedInRequest, session: Session) -> dict[str, Any]:
    return names(request, session, reader.titles([session]) if may_read(request) else {})


def names(request: SignedInRequest, session: Session, titles: Mapping[UUID, str]) -> dict[str, Any]:
    """Return how the session of a page is spoken of."""
    return {
        "project": session.project,
        "organization": session.project.organization,
        "session": session,
        "short_id": short_id(session),
        "title": titles.get(session.pk, ""),
        "may_read": may_read(request),
    }


def may_read(request: SignedInRequest) -> bool:
    return Permission.READ_CONTENT in request.permissions


def write_down(request: SignedInRequest, project: Project, session_ids: list[UUID]) -> None:
    """Write down whose titles and words a page shows."""
    if may_read(request):
        record_reading(
            request.actor,
            organization_id=project.organization_id,
            project_id=project.pk,
            session_ids=[str(pk) for pk in dict.fromkeys(session_ids)],
        )
