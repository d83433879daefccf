"""The page of a project's providers and prices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError
from apps.providers import prices, services
from apps.providers.forms import PriceForm, ProviderForm, RotateForm
from apps.providers.models import Credential
from apps.providers.queries import credentials_of
from apps.providers.remote import NOT_INSTALLED, is_installed
from apps.tenants.access import permissions_in_organization
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_safe
@never_cache
@project_view(Permission.MANAGE_PROVIDERS)
def provider_list(request: SignedInRequest, project: Project) -> HttpResponse:
    return _page(request, project)


@require_POST
@never_cache
@project_view(Permission.MANAGE_PROVIDERS)
def add(request: SignedInRequest, project: Project) -> HttpResponse:
    form = ProviderForm(request.POST, may_share=_may_share(request, project))
    if form.is_valid():
        try:
            added = services.add_credential(project, form.draft, actor=request.actor)
        except DomainError as error:
            tell(form, error)
        else:
            messages.success(request, f"{added.name} was added. Test it before you rely on it.")
            return _back(project)
    return _page(request, project, form=form, status=422)


@require_POST
@never_cache
@project_view(Permission.MANAGE_PROVIDERS)
def rotate(request: SignedInRequest, project: Project, credential_id: UUID) -> HttpResponse:
    credential = _credential(project, credential_id)
    form = RotateForm(request.POST)
    try:
        form.full_clean()
        key = form.cleaned_data.get("key", "")
        services.rotate_credential(project, credential, key=key, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{credential.name} has a new key. Test it.")
    return _back(project)


@require_POST
@never_cache
@project_view(Permission.MANAGE_PROVIDERS)
def test(request: SignedInRequest, project: Project, credential_id: UUID) -> HttpResponse:
    """Make one true call, and say what came of it."""
    credential = _credential(project, credential_id)
    try:
        tested = services.run_test(project, credential, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
        return _back(project)
    if tested.test_error:
        messages.error(request, f"{tested.name} did not answer: {tested.test_error}")
    else:
        found = len(tested.models_found)
        messages.success(request, f"{tested.name} works: its key may use {found:,} models.")
    return _back(project)


@require_POST
@never_cache
@project_view(Permission.MANAGE_PROVIDERS)
def remove(request: SignedInRequest, project: Project, credential_id: UUID) -> HttpResponse:
    credential = _credential(project, credential_id)
    try:
        services.remove_credential(project, credential, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{credential.name} was removed and its key destroyed.")
    return _back(project)


@require_POST
@never_cache
@project_view(Permission.MANAGE_PROVIDERS)
def add_price(request: SignedInRequest, project: Project) -> HttpResponse:
    form = PriceForm(request.POST, auto_id="price_%s")
    if form.is_valid():
        try:
            row = prices.add_price(project, form.new_price, actor=request.actor)
        except DomainError as error:
            tell(form, error)
        else:
            messages.success(request, f"The price of {row.model} was added.")
            return _back(project)
    return _page(request, project, price_form=form, status=422)


@require_POST
@never_cache
@project_view(Permission.MANAGE_PROVIDERS)
def remove_price(request: SignedInRequest, project: Project, price_id: int) -> HttpResponse:
    row = get_object_or_404(project.price_overrides.select_related("project"), pk=price_id)
    prices.remove_price(row, actor=request.actor)
    messages.success(request, f"The price of {row.model} was removed.")
    return _back(project)


def _credential(project: Project, credential_id: UUID) -> Credential:
    return get_object_or_404(credentials_of(project), pk=credential_id)


def _may_share(request: SignedInRequest, project: Project) -> bool:
    allowed = permissions_in_organization(request.actor, project.organization)
    return Permission.MANAGE_PROVIDERS in allowed


def _back(project: Project) -> HttpResponse:
    return redirect("providers:list", project.organization.slug, project.slug)


def _page(
    request: SignedInRequest, project: Project, *, status: int = 200, **shown: Any
) -> HttpResponse:
    may_share = _may_share(request, project)
    context = {
        "project": project,
        "credentials": [
            (row, may_share or row.project_id is not None)
            for row in credentials_of(project).select_related("created_by")
        ],
        "prices": project.price_overrides.order_by("model", "provider", "-starts_at"),
        "form": ProviderForm(may_share=may_share),
        "price_form": PriceForm(auto_id="price_%s"),
        "not_installed": "" if is_installed() else NOT_INSTALLED,
    }
    return render(request, "providers/list.html", context | shown, status=status)
