"""A project's API keys. A secret is shown in the answer that makes it, and nowhere else."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.paging import read_limit
from apps.tenants import key_services, queries
from apps.tenants.access import permissions_in_project
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import KeyForm, RotateForm, tell
from apps.tenants.models import ApiKey, Project
from apps.tenants.permissions import Permission


@require_safe
@project_view(Permission.MANAGE_KEYS)
def key_list(request: SignedInRequest, project: Project) -> HttpResponse:
    return show(request, project, KeyForm(permissions_in_project(request.actor, project)))


@require_POST
@never_cache
@project_view(Permission.MANAGE_KEYS)
def create(request: SignedInRequest, project: Project) -> HttpResponse:
    form = KeyForm(permissions_in_project(request.actor, project), request.POST)
    if not form.is_valid():
        return show(request, project, form, status=422)
    try:
        key, secret = key_services.create_api_key(
            project,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            environment=form.cleaned_data["environment"],
            expires_at=form.expires_at,
            actor=request.actor,
        )
    except DomainError as error:
        tell(form, error)
        return show(request, project, form, status=error.status)
    return show_once(request, project, key, secret)


@require_POST
@never_cache
@project_view(Permission.MANAGE_KEYS)
def rotate(request: SignedInRequest, project: Project, pk: int) -> HttpResponse:
    key = get_object_or_404(project.keys, pk=pk)
    form = RotateForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose when the old key stops.")
        return back(project)
    try:
        successor, secret = key_services.rotate_api_key(
            key, overlap=form.overlap, actor=request.actor
        )
    except DomainError as error:
        messages.error(request, str(error))
        return back(project)
    return show_once(request, project, successor, secret)


@require_POST
@project_view(Permission.MANAGE_KEYS)
def revoke(request: SignedInRequest, project: Project, pk: int) -> HttpResponse:
    key = get_object_or_404(project.keys, pk=pk)
    try:
        key_services.revoke_api_key(key, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The key {key.name} no longer works.")
    return back(project)


def back(project: Project) -> HttpResponse:
    return redirect("tenants:keys", project.organization.slug, project.slug)


def show(request: HttpRequest, project: Project, form: KeyForm, status: int = 200) -> HttpResponse:
    cursor, limit = request.GET.get("cursor"), read_limit(request.GET.get("limit"))
    context = {
        "project": project,
        "page": queries.key_page(project, cursor=cursor, limit=limit),
        "form": form,
        "rotate_form": RotateForm(),
    }
    return render(request, "tenants/keys.html", context, status=status)


def show_once(request: HttpRequest, project: Project, key: ApiKey, secret: str) -> HttpResponse:
    context = {"project": project, "key": key, "secret": secret}
    return render(request, "tenants/key_created.html", context)
