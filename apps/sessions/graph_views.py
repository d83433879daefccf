"""What the graph on a page asks for beside its picture."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.sessions.graph import graph_of
from apps.sessions.views import find_session
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def graph_groups(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Send which group of the graph each step is in, in replay order."""
    groups = graph_of(find_session(project, session_id)).groups
    return JsonResponse({"groups": groups.of.tolist()})
