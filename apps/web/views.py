"""The start page, an organization's home and the choice of a theme."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.tenants.access import permissions_in_organization
from apps.tenants.doors import (
    SignedInRequest,
    organization_view,
    project_view,
    public_view,
    signed_in_view,
)
from apps.tenants.grants import grants_to
from apps.tenants.models import Organization, Project
from apps.tenants.permissions import Permission
from apps.web.context import THEME_COOKIE, THEMES, Shell

ONE_YEAR = 365 * 24 * 3600


@require_safe
@signed_in_view
def home(request: SignedInRequest) -> HttpResponse:
    """Open the project that this browser saw last, else the first one, else say what to do."""
    projects = Shell(request).projects
    last = request.COOKIES.get("playhead_project", "")
    for project in projects:
        if f"{project.organization.slug}/{project.slug}" == last:
            return redirect("sessions:list", project.organization.slug, project.slug)
    if projects:
        return redirect("sessions:list", projects[0].organization.slug, projects[0].slug)
    if grants_to(request.user):
        return redirect("web:shared-with-me")
    return redirect("tenants:welcome")


@require_safe
@organization_view(Permission.READ_META)
def organization_home(request: SignedInRequest, organization: Organization) -> HttpResponse:
    projects = organization.projects.order_by("name", "pk")
    may = permissions_in_organization(request.actor, organization)
    context = {
        "organization": organization,
        "projects": projects,
        "can_create": Permission.MANAGE_PROJECT in may,
    }
    return render(request, "web/organization.html", context)


@require_safe
@project_view(Permission.READ_META)
def project_home(request: SignedInRequest, project: Project) -> HttpResponse:
    return redirect("sessions:list", project.organization.slug, project.slug)


@require_POST
@public_view
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme: with the person if one is signed in, and in a cookie for this browser."""
    theme = request.POST.get("theme", "")
    if theme not in THEMES:
        raise InvalidError(f"theme must be one of {', '.join(THEMES)}.", "theme")
    if isinstance(request.user, User):
        request.user.theme = theme
        request.user.save(update_fields=["theme"])
    response = redirect(safe_next(request))
    response.set_cookie(
        THEME_COOKIE, theme, max_age=ONE_YEAR, samesite="Lax", secure=request.is_secure()
    )
    return response


def safe_next(request: HttpRequest) -> str:
    """Return where to go after a form; never another site."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else "/"
