"""Who is in an organization, and what they may do."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.core.errors import DomainError, InvalidError
from apps.tenants import services
from apps.tenants.access import permissions_in_organization
from apps.tenants.doors import SignedInRequest, organization_view
from apps.tenants.forms import MemberForm, RoleForm, tell
from apps.tenants.models import Organization
from apps.tenants.permissions import Permission, Role

NO_ACCOUNT = "Nobody with this address has an account here. Ask them to sign up first."


@require_safe
@organization_view(Permission.READ_MEMBERS)
def member_list(request: SignedInRequest, organization: Organization) -> HttpResponse:
    roles = roles_to_give(request, organization)
    form = MemberForm(roles, organization.projects.order_by("name"))
    return show(request, organization, form, roles)


@require_POST
@organization_view(Permission.MANAGE_MEMBERS)
def add(request: SignedInRequest, organization: Organization) -> HttpResponse:
    roles = roles_to_give(request, organization)
    form = MemberForm(roles, organization.projects.order_by("name"), request.POST)
    if not form.is_valid():
        return show(request, organization, form, roles, status=422)
    user = User.objects.filter(email=form.cleaned_data["email"].lower(), is_active=True).first()
    try:
        if user is None:
            raise InvalidError(NO_ACCOUNT, "email")
        services.add_member(
            organization,
            user,
            role=Role(form.cleaned_data["role"]),
            project=form.cleaned_data["project"],
            actor=request.actor,
        )
    except DomainError as error:
        tell(form, error)
        return show(request, organization, form, roles, status=error.status)
    messages.success(request, f"{user.email} is now a member.")
    return redirect("tenants:members", organization.slug)


@require_POST
@organization_view(Permission.MANAGE_MEMBERS)
def change_role(request: SignedInRequest, organization: Organization, pk: int) -> HttpResponse:
    membership = get_object_or_404(organization.memberships, pk=pk)
    form = RoleForm(Role, request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the roles.")
        return redirect("tenants:members", organization.slug)
    try:
        services.change_role(membership, role=Role(form.cleaned_data["role"]), actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The role was changed.")
    return redirect("tenants:members", organization.slug)


@require_POST
@organization_view(Permission.MANAGE_MEMBERS)
def remove(request: SignedInRequest, organization: Organization, pk: int) -> HttpResponse:
    membership = get_object_or_404(organization.memberships.select_related("user"), pk=pk)
    try:
        services.remove_member(membership, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{membership.user.email} was removed.")
    return redirect_after_removal(request, organization)


@require_POST
@organization_view(Permission.READ_MEMBERS)
def leave(request: SignedInRequest, organization: Organization) -> HttpResponse:
    membership = get_object_or_404(organization.memberships, user=request.user, project=None)
    try:
        services.remove_member(membership, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"You have left {organization.name}.")
    return redirect_after_removal(request, organization)


def redirect_after_removal(request: SignedInRequest, organization: Organization) -> HttpResponse:
    """Go back to the list, unless the person has just shut themselves out of it."""
    is_member = organization.memberships.filter(user=request.user, project=None).exists()
    return redirect("tenants:members", organization.slug) if is_member else redirect("/")


def roles_to_give(request: SignedInRequest, organization: Organization) -> list[Role]:
    """Return the roles that the person may give and take: those that allow no more than theirs."""
    own = permissions_in_organization(request.actor, organization)
    if Permission.MANAGE_MEMBERS not in own:
        return []
    return [role for role in Role if role.permissions <= own]


def show(
    request: HttpRequest,
    organization: Organization,
    form: MemberForm,
    roles: list[Role],
    status: int = 200,
) -> HttpResponse:
    members = organization.memberships.select_related("user", "project")
    context = {
        "organization": organization,
        "members": members.order_by("user__email", "project__name"),
        "roles": roles,
        "form": form if roles else None,
    }
    return render(request, "tenants/members.html", context, status=status)
