"""The one door: loading a project or organization and checking the right to it are one act."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from apps.accounts.models import User
from apps.audit.actors import Actor
from apps.tenants.models import ApiKey, Membership, Organization, Project
from apps.tenants.permissions import SCOPE_PERMISSIONS, Permission, Role, Scope

EVERYTHING = frozenset(Permission)
NOTHING: frozenset[Permission] = frozenset()


def enter_project(
    user: User, organization_slug: str, project_slug: str, *, needs: Permission
) -> Project:
    """Return the project if the person may do ``needs`` in it.

    A stranger gets a 404, so that slugs cannot be probed; a member whose role is too low
    gets a 403, so that they know whom to ask.
    """
    project, role = open_project(user, organization_slug, project_slug)
    require(role, needs)
    return project


def open_project(user: User, organization_slug: str, project_slug: str) -> tuple[Project, Role]:
    """Return the project and the person's role in it, or a 404 for strangers."""
    ours = Membership.objects.filter(user=user, organization=OuterRef("organization"))
    own, whole = ours.filter(project=OuterRef("pk")), ours.filter(project=None)
    project = (
        Project.objects.select_related("organization")
        .filter(organization__slug=organization_slug, slug=project_slug)
        .annotate(role=Coalesce(Subquery(own.values("role")), Subquery(whole.values("role"))))
        .first()
    )
    if project is None or project.role is None:
        raise Http404
    return project, Role(project.role)


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
    roles: dict[int | None, str] = dict(
        Membership.objects.filter(user=user, organization_id=project.organization_id)
        .filter(Q(project=None) | Q(project=project))
        .values_list("project_id", "role")
    )
    role = roles.get(project.pk, roles.get(None))
    return None if role is None else Role(role)


def role_in_organization(user: User, organization: Organization) -> Role | None:
    """Return the person's role in the organization as a whole."""
    membership = user.memberships.filter(organization=organization, project=None).first()
    return None if membership is None else Role(membership.role)


def permissions_of_key(key: ApiKey) -> frozenset[Permission]:
    """Return what the key's scopes allow now."""
    scopes = [Scope(scope) for scope in key.scopes]
    plain = [SCOPE_PERMISSIONS[scope] for scope in scopes if scope != Scope.ADMIN]
    allowed = NOTHING.union(*plain)
    if Scope.ADMIN in scopes:
        allowed |= SCOPE_PERMISSIONS[Scope.ADMIN] & _permissions_of_maker(key)
    return allowed


def permissions_in_project(actor: Actor, project: Project) -> frozenset[Permission]:
    """Return what an actor may do in a project, and so the most that they may hand on."""
    if actor.kind == "system":
        return EVERYTHING
    if actor.kind == "key":
        key = project.keys.filter(pk=actor.id).first()
        return permissions_of_key(key) if key else NOTHING
    user = _active_user(actor.id)
    return _permissions(role_in_project(user, project) if user else None)


def permissions_in_organization(actor: Actor, organization: Organization) -> frozenset[Permission]:
    """Return what an actor may do in the organization as a whole. A key has no say there."""
    if actor.kind == "system":
        return EVERYTHING
    user = _active_user(actor.id) if actor.kind == "user" else None
    return _permissions(role_in_organization(user, organization) if user else None)


def require(role: Role, needs: Permission) -> None:
    """Raise PermissionDenied, naming the missing right, unless the role has it."""
    if not role.allows(needs):
        raise PermissionDenied(f"Your role, {role.label}, may not {needs.label}.")


def _permissions_of_maker(key: ApiKey) -> frozenset[Permission]:
    # The scope `admin` acts as the person who made the key: as they are now, not as they were.
    maker = _active_user(key.created_by_id) if key.created_by_id else None
    return _permissions(role_in_project(maker, key.project) if maker else None)


def _active_user(pk: int | str) -> User | None:
    return User.objects.filter(pk=pk, is_active=True).first()


def _permissions(role: Role | None) -> frozenset[Permission]:
    return NOTHING if role is None else role.permissions
