"""Whether a project's sessions may be shown by links, and all links that open now."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.annotations import share_links
from apps.core.errors import InvalidError
from apps.sessions.listing import short_id
from apps.tenants import services
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

MOST_SHOWN = 200
ANSWERS = {"yes": True, "no": False}


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Permission.MANAGE_PROJECT)
def sharing(request: SignedInRequest, project: Project) -> HttpResponse:
    if request.method == "POST":
        allowed = ANSWERS.get(request.POST.get("allowed", ""))
        if allowed is None:
            raise InvalidError("allowed must be yes or no.", "allowed")
        services.allow_links(project, allowed=allowed, actor=request.actor)
        messages.success(request, f"Share links are switched {'on' if allowed else 'off'}.")
        return back(project)
    links = share_links.open_links_of(project, MOST_SHOWN)
    for link, _ in links:
        link.short_id = short_id(link.session)  # type: ignore[attr-defined]
    context = {
        "project": project,
        "organization": project.organization,
        "links": [(link, note, None) for link, note in links],
        "limit": MOST_SHOWN,
    }
    return render(request, "annotations/sharing.html", context)


@require_POST
@project_view(Permission.MANAGE_PROJECT)
def revoke_all(request: SignedInRequest, project: Project) -> HttpResponse:
    count = share_links.revoke_all(project, actor=request.actor)
    messages.success(request, f"{count} link{'' if count == 1 else 's'} revoked.")
    return back(project)


def back(project: Project) -> HttpResponse:
    return redirect("annotations:sharing", project.organization.slug, project.slug)
