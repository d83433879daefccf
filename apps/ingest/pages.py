"""The pages of ingest: its health, and what the project may send."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.errors import DomainError
from apps.ingest import health, queries, quotas
from apps.ingest.chart import chart_of
from apps.ingest.quotas import LARGEST
from apps.tenants.access import permissions_in_project
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

WINDOWS = ((1, "1 hour"), (24, "24 hours"), (168, "7 days"))


@require_safe
@never_cache
@project_view(Permission.INGEST)
def health_page(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show what came in, what did not, why, and how to fix it."""
    context = _context(request, project)
    found: health.Health = context["health"]
    context |= {
        "chart": chart_of(found.by_hour),
        "windows": WINDOWS,
        "has_any": queries.last_seen(project) is not None,
        "may_change": Permission.MANAGE_PROJECT in permissions_in_project(request.actor, project),
    }
    return render(request, "ingest/health.html", context)


@require_safe
@never_cache
@project_view(Permission.INGEST)
def health_now(request: SignedInRequest, project: Project) -> HttpResponse:
    """Say the state once more, for the page that is open."""
    return render(request, "ingest/health_now.html", _context(request, project))


def _context(request: SignedInRequest, project: Project) -> dict[str, Any]:
    hours = health.read_hours(request.GET.get("hours", ""))
    may_read = Permission.READ_CONTENT in permissions_in_project(request.actor, project)
    found = health.health_of(project, timezone.now(), hours, may_read=may_read)
    return {"project": project, "health": found}


class QuotaForm(forms.Form):
    """What a project may send; an empty field is as much as comes."""

    events_per_minute = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST["events_per_minute"],
        label="Events a minute",
        help_text="Guards this server from a sender that runs wild. Empty: as many as come.",
    )
    events_per_month = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST["events_per_month"],
        label="Events stored a month",
        help_text="Guards its disk. Counted from the first of the month, in UTC. Empty: no end.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Permission.MANAGE_PROJECT)
def quota_settings(request: SignedInRequest, project: Project) -> HttpResponse:
    quota = quotas.read_quota(project)
    initial = {
        "events_per_minute": quota.events_per_minute,
        "events_per_month": quota.events_per_month,
    }
    form = QuotaForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            quotas.set_quota(project, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            tell(form, error)
        else:
            messages.success(request, "The quotas were changed.")
            return redirect("ingest:quotas", project.organization.slug, project.slug)
    context = {"project": project, "form": form, "uses": quotas.uses(project)}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "ingest/quotas.html", context, status=status)
