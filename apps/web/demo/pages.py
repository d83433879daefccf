"""Removing the demo."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.core.errors import ConflictError
from apps.tenants import services
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_POST
@project_view(Permission.ERASE)
def remove(request: SignedInRequest, project: Project) -> HttpResponse:
    """Remove a demo project; one that holds somebody's own sessions is refused."""
    slugs = (project.organization.slug, project.slug)
    try:
        services.remove_demo_project(project, actor=request.actor)
    except ConflictError as error:
        messages.error(request, str(error))
        return redirect("sessions:list", *slugs)
    messages.success(request, f"{project.name} is gone. Its sessions are being erased.")
    return redirect("web:home")
