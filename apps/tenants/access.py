"""The one door: loading a project or organization and checking the right to it are one act."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404

from apps.accounts.models import User
from apps.tenants.models import ApiKey, Membership, Organization, Project
from apps.tenants.permissions import SCOPE_PERMISSIONS, Permission, Role, Scope


def enter_project(
    user: User, organization_slug: str, project_slug: str, *, needs: Permission
) -> Project:
    """Return the project if the person may do ``needs`` in it.

    A stranger gets a 404, so that slugs cannot be probed; a member whose role is too low
    gets a 403, so that they know whom to ask.
    """
    project = (
        Project.objects.select_related("organization")
        .filter(organization__slug=organization_slug, slug=project_slug)
        .first()
    )
    role = project and role_in_project(user, project)
    if project is None or role is None:
        raise Http404
    require(role, needs)
    return project


def enter_organization(user: User, slug: str, *, needs: Permission) -> Organization:
    """Return the organization if the person's role in it (not in one project) allows ``needs``."""
    membership = (
        user.memberships.select_related("organization")
        .filter(organization__slug=slug, project=None)
        .first()
    )
    if membership is None:
        raise Http404
    require(Role(membership.role), needs)
    return membership.organization


def enter_with_key(key: ApiKey, *, needs: Permission) -> Project:
    """Return the key's project if one of its scopes allows ``needs``."""
    if needs not in permissions_of_key(key):
        scopes = [scope for scope in Scope if needs in SCOPE_PERMISSIONS[scope]]
        wanted = " or ".join(f"`{scope}`" for scope in scopes) or "a person's sign-in"
        raise PermissionDenied(f"This needs the scope {wanted}.")
    return key.project


def role_in_project(user: User, project: Project) -> Role | None:
    """Return the person's role: the project's own membership wins over the organization's."""
    roles = dict(
        Membership.objects.filter(user=user, organization_id=project.organization_id)
        .filter(Q(project=None) | Q(project=project))
        .values_list("project_id", "role")
    )
    role = roles.get(project.pk, roles.get(None))
    return None if role is None else Role(role)


def permissions_of_key(key: ApiKey) -> frozenset[Permission]:
    """Return what the key's scopes allow."""
    allowed = [SCOPE_PERMISSIONS[Scope(scope)] for scope in key.scopes]
    return frozenset().union(*allowed)


def require(role: Role, needs: Permission) -> None:
    """Raise PermissionDenied, naming the missing right, unless the role has it."""
    if not role.allows(needs):
        raise PermissionDenied(f"Your role, {role.label}, may not {needs.label}.")
