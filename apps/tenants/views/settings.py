"""Founding and naming organizations and projects."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError, InvalidError
from apps.tenants import services
from apps.tenants.doors import (
    SignedInRequest,
    organization_view,
    project_view,
    signed_in_view,
)
from apps.tenants.forms import ProjectForm, RenameForm, StartForm, tell
from apps.tenants.models import Organization, Project
from apps.tenants.permissions import Permission

form_page = require_http_methods(["GET", "HEAD", "POST"])


@form_page
@signed_in_view
def welcome(request: SignedInRequest) -> HttpResponse:
    """Let somebody found an organization, where people may sign themselves up at all."""
    if not settings.PLAYHEAD_SIGNUP:
        return render(request, "tenants/welcome.html", {"form": None})
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = found(request, **form.cleaned_data)
        except DomainError as error:
            tell(form, error)
        else:
            return redirect("web:project", project.organization.slug, project.slug)
    return render(request, "tenants/welcome.html", {"form": form}, status=status_of(form))


@transaction.atomic
def found(request: SignedInRequest, *, organization: str, project: str) -> Project:
    """Create both or neither, naming the field that was refused."""
    try:
        field = "organization"
        home = services.create_organization(
            slug=organization, owner=request.user, actor=request.actor
        )
        field = "project"
        return services.create_project(home, slug=project, actor=request.actor)
    except InvalidError as error:
        raise InvalidError(str(error), field) from None


@form_page
@organization_view(Permission.MANAGE_PROJECT)
def project_new(request: SignedInRequest, organization: Organization) -> HttpResponse:
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = services.create_project(
                organization, actor=request.actor, **form.cleaned_data
            )
        except DomainError as error:
            tell(form, error)
        else:
            return redirect("web:project", organization.slug, project.slug)
    context = {"organization": organization, "form": form}
    return render(request, "tenants/project_new.html", context, status=status_of(form))


@form_page
@organization_view(Permission.MANAGE_ORGANIZATION)
def organization_settings(request: SignedInRequest, organization: Organization) -> HttpResponse:
    form = RenameForm(request.POST or None, initial={"name": organization.name})
    if request.method == "POST" and form.is_valid():
        try:
            services.rename_organization(organization, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            tell(form, error)
        else:
            messages.success(request, "The organization was renamed.")
            return redirect("tenants:organization-settings", organization.slug)
    context = {"organization": organization, "form": form}
    return render(request, "tenants/organization_settings.html", context, status=status_of(form))


@form_page
@project_view(Permission.MANAGE_PROJECT)
def project_settings(request: SignedInRequest, project: Project) -> HttpResponse:
    form = RenameForm(request.POST or None, initial={"name": project.name})
    if request.method == "POST" and form.is_valid():
        try:
            services.rename_project(project, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            tell(form, error)
        else:
            messages.success(request, "The project was renamed.")
            return redirect("tenants:settings", project.organization.slug, project.slug)
    context = {"project": project, "form": form}
    return render(request, "tenants/project_settings.html", context, status=status_of(form))


def status_of(form: StartForm | ProjectForm | RenameForm) -> int:
    """Return 422 for a form with errors, so that programs see them too."""
    return 422 if form.is_bound and form.errors else 200
