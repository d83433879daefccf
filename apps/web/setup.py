"""The setup page: a key, four ways to send the first session, and waiting for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.errors import InvalidError
from apps.sessions.models import Session
from apps.tenants import key_services
from apps.tenants.access import permissions_in_project
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

# What stands in the examples until a key has been made.
PLACEHOLDER = "YOUR_PROJECT_KEY"
RECENT = timedelta(hours=1)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Permission.INGEST)
def setup(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show how to send the first session; POST makes a key and fills it in, this once."""
    secret = make_key(request, project) if request.method == "POST" else ""
    may = permissions_in_project(request.actor, project)
    context = {
        "project": project,
        "secret": secret,
        "key": secret or PLACEHOLDER,
        "endpoint": settings.PLAYHEAD_URL,
        "now": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "may_make_key": Permission.MANAGE_KEYS in may,
        "has_key": project.keys.filter(revoked_at=None).exists(),
    }
    return render(request, "web/setup.html", context | waiting(project, timezone.now()))


def make_key(request: SignedInRequest, project: Project) -> str:
    """Make a key that may send; the service refuses those whose role may not make keys."""
    _, secret = key_services.create_api_key(
        project, name="Setup", scopes=["ingest"], actor=request.actor
    )
    return secret


@require_safe
@never_cache
@project_view(Permission.INGEST)
def setup_status(request: SignedInRequest, project: Project) -> HttpResponse:
    """Say what has arrived since the page was opened; open the project's first session."""
    context = waiting(project, read_since(request.GET.get("since", "")))
    was_empty = request.GET.get("empty") == "1"
    response = render(request, "web/setup_status.html", context | {"project": project})
    first = context["arrived"]
    if was_empty and first:
        slugs = (project.organization.slug, project.slug)
        response["HX-Redirect"] = reverse("sessions:detail", args=(*slugs, first[-1].pk))
    return response


def read_since(text: str) -> datetime:
    try:
        since = parse_datetime(text)
    except ValueError:
        since = None
    if since is None or since.tzinfo is None:
        raise InvalidError("since must be a time such as 2026-11-21T03:12:04Z.", "since")
    return since


def waiting(project: Project, since: datetime) -> dict[str, Any]:
    """Return what a page that waits shows: new sessions, and what was refused lately."""
    listed = project.sessions.filter(is_listed=True)
    arrived: list[Session] = list(
        listed.filter(last_arrival_at__gt=since).order_by("-last_arrival_at")[:5]
    )
    losses = (
        project.ingest_losses.filter(minute__gt=timezone.now() - RECENT)
        .values("reason", "source")
        .annotate(count=Sum("count"), last=Max("minute"))
        .order_by("-last", "reason")[:8]
    )
    return {
        "since": since,
        "arrived": arrived,
        "is_empty": not arrived and not listed.exists(),
        "losses": list(losses),
    }
