"""Pages of examples: the library, and what it says of one session."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.annotations import exemplifying, library, pages
from apps.annotations.forms import ExampleForm
from apps.audit.services import record_reading
from apps.core.errors import ConflictError, DomainError
from apps.core.paging import read_limit
from apps.sessions.filters import refuse_unknown
from apps.sessions.listing import short_id
from apps.sessions.models import Facet, Session
from apps.sessions.pages import session_context
from apps.sessions.views import find_session, moved
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

MOST_TAGS = 30


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def example_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show the library of examples."""
    refuse_unknown(request.GET.dict(), frozenset({"q", "tag", "cursor", "limit"}))
    filters = library.read_filters(request.GET.get("q"), request.GET.get("tag"))
    cursor, limit = request.GET.get("cursor"), read_limit(request.GET.get("limit"))
    page = library.example_page(project, filters, cursor=cursor, limit=limit)
    record_reading(
        request.actor,
        organization_id=project.organization_id,
        project_id=project.pk,
        session_ids=[str(shown.row.session.pk) for shown in page.rows],
    )
    examples = [(shown, short_id(shown.row.session)) for shown in page.rows]
    context = {
        "project": project,
        "page": page,
        "examples": examples,
        "filters": filters,
        "tags": _tags(project),
        "may_annotate": Permission.ANNOTATE in request.permissions,
    }
    return render(request, "annotations/examples.html", context)


def _tags(project: Project) -> list[str]:
    """Return tags that examples have, for a list to choose from."""
    rows = project.session_facets.filter(
        facet=Facet.TAG, session_id__in=project.examples.values("session_id")
    )
    return list(rows.order_by("value").values_list("value", flat=True).distinct()[:MOST_TAGS])


@require_http_methods(["GET", "POST"])
@project_view(Permission.ANNOTATE)
def example_form(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Show and take what the library says of a session."""
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    context = session_context(request, session)
    shown = library.example_of(session) if context["may_read"] else None
    if request.method == "POST":
        form = ExampleForm(request.POST)
        if form.is_valid() and _saved(request, session, form):
            messages.success(request, "It stands in the library of examples.")
            return redirect(pages.address_of(session))
        status = 422
    else:
        status, form = (
            200,
            ExampleForm({"title": shown.title, "notes": shown.notes} if shown else None),
        )
    version = request.POST.get("version") or (shown.row.version if shown else 0)
    context |= {"form": form, "shown": shown, "version": version}
    return render(request, "annotations/example_form.html", context, status=status)


def _saved(request: SignedInRequest, session: Session, form: ExampleForm) -> bool:
    """Save what was typed, or tell the form what was wrong."""
    try:
        seen = pages.read_number(request.POST.get("version", ""), "version")
        exemplifying.mark_example(
            session, **form.cleaned_data, seen_version=seen, actor=request.actor
        )
    except DomainError as error:
        tell(form, error)
        return False
    return True


@require_POST
@project_view(Permission.ANNOTATE)
def remove_example(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    session = find_session(project, session_id)
    try:
        exemplifying.unmark_example(session, actor=request.actor)
    except ConflictError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It is no example any more.")
    return redirect(reverse("annotations:examples", args=(project.organization.slug, project.slug)))
