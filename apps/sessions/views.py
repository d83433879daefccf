"""Pages of recorded sessions."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_safe
@project_view(Permission.READ_META)
def session_list(request: SignedInRequest, project: Project) -> HttpResponse:
    return render(request, "sessions/list.html", {"project": project})
