"""Pages from which sessions are taken away: files, and a report to be printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import ConflictError, InvalidError
from apps.core.streaming import PiecewiseResponse
from apps.sessions.api.output import session_json, sessions_json
from apps.sessions.export_lines import JSONL
from apps.sessions.exporting import (
    FORMS,
    MOST_SESSIONS,
    Form,
    export_session,
    export_sessions,
    filename,
)
from apps.sessions.filters import refuse_unknown
from apps.sessions.list_views import read_ids
from apps.sessions.models import Session
from apps.sessions.pages import session_context
from apps.sessions.report import read_first, report_context
from apps.sessions.views import find_session, moved
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def session_export(
    request: SignedInRequest, project: Project, session_id: UUID, form: str
) -> HttpResponseBase:
    """Send a session as a file."""
    refuse_unknown(request.GET.dict(), frozenset())
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    facts = session_json(project, session, content=True)
    return as_file(
        export_session(session, FORMS[form], facts, actor=request.actor), FORMS[form], [session]
    )


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def session_report(
    request: SignedInRequest, project: Project, session_id: UUID
) -> HttpResponseBase:
    """Show all of a session on a page that is made to be printed."""
    refuse_unknown(request.GET.dict(), frozenset({"from"}))
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    first = read_first(request.GET.get("from"), session)
    context = session_context(request, session)
    facts = session_json(project, session, content=True)
    return render(request, "sessions/report.html", context | report_context(session, facts, first))


@require_POST
@project_view(Permission.READ_CONTENT)
def export_selected(request: SignedInRequest, project: Project) -> HttpResponseBase:
    """Send the selected sessions as one file of events."""
    ids = read_ids(request.POST.getlist("session"), "session")
    if not 1 <= len(ids) <= MOST_SESSIONS:
        raise InvalidError(f"Select 1 to {MOST_SESSIONS} sessions to export.", "session")
    found = project.sessions.select_related("project__organization").in_bulk(ids)
    sessions = [found[pk] for pk in ids if pk in found and found[pk].is_listed]
    if len(sessions) < len(ids):
        gone = len(ids) - len(sessions)
        raise ConflictError(f"{gone} of the selected sessions are not there any more.")
    facts = sessions_json(project, sessions, content=True)
    content = export_sessions(project, list(zip(sessions, facts, strict=True)), actor=request.actor)
    return as_file(content, FORMS[JSONL], sessions)


def as_file(content: Iterator[bytes], form: Form, sessions: Sequence[Session]) -> PiecewiseResponse:
    """Return content as a file to be saved."""
    name = filename(form, sessions)
    return PiecewiseResponse(content, content_type=form.content_type, filename=name)
