"""What the player asks for when it is needed: where steps stand, and which session is next."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.audit.services import record_reading
from apps.core.errors import InvalidError
from apps.sessions import listing, pages, search
from apps.sessions.filters import SessionFilters, refuse_unknown
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.places import places_of
from apps.sessions.queries import AFTER, BEFORE, cursor_of, session_page
from apps.sessions.views import find_session
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

SIDES = {"next": AFTER, "previous": BEFORE}


@require_safe
@project_view(Permission.READ_META)
def step_places(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Say where steps stand, for whoever knows them by their ids."""
    refuse_unknown(request.GET.dict(), frozenset({"steps"}))
    layout = layout_of(find_session(project, session_id))
    return JsonResponse({"places": places_of(layout, request.GET.get("steps", ""))})


@require_safe
@project_view(Permission.READ_META, beyond_session=True)
def session_beside(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Name the session beside one in a list, which the rest of the address describes."""
    session = find_session(project, session_id)
    query = request.GET.dict()
    filters = SessionFilters.from_query(query, also=listing.PARAMETERS | {"to"})
    side = SIDES.get(query.get("to", ""))
    if side is None:
        raise InvalidError(f"to must be one of {', '.join(SIDES)}.", "to")
    beside = _beside(request, project, filters, cursor_of(session, filters.sort, side))
    return JsonResponse({"url": None if beside is None else _address(project, beside)})


def _beside(
    request: SignedInRequest, project: Project, filters: SessionFilters, cursor: str
) -> Session | None:
    if not filters.q:
        return next(iter(session_page(project, filters, cursor=cursor, limit=1)), None)
    # Whether a word occurs is content.
    if not pages.may_read_content(request):
        raise PermissionDenied
    found = next(iter(search.find(project, filters, cursor=cursor, limit=1).page), None)
    if found is not None:
        record_reading(
            request.actor,
            organization_id=project.organization_id,
            project_id=project.pk,
            session_ids=[str(found.pk)],
        )
    return found


def _address(project: Project, session: Session) -> str:
    return reverse("sessions:detail", args=(project.organization.slug, project.slug, session.pk))
