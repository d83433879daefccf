"""The one door: loading a project or organization and checking the right to it are one act."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from apps.accounts.models import User
from apps.audit.actors import Actor
from apps.tenants.grant_models import SessionGrant
from apps.tenants.models import ApiKey, Membership, Organization, Project
from apps.tenants.permissions import (
    GRANTS,
    ROLE_PERMISSIONS,
    SCOPE_PERMISSIONS,
    Permission,
    Role,
    Scope,
)

EVERYTHING = frozenset(Permission)
NOTHING: frozenset[Permission] = frozenset()


@dataclass(frozen=True)
class Entrance:
    """A project that somebody may enter: by their role, or for one session that was granted."""

    project: Project
    # None: a guest, who may see that one session and nothing else.
    role: Role | None
    granted: Collection[str] = ()

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        of_role = NOTHING if self.role is None else self.role.permissions
        return of_role.union(*(GRANTS[name] for name in self.granted if name in GRANTS))

    def require(self, needs: Permission) -> None:
        """Raise PermissionDenied, naming the missing right, unless it was given."""
        if needs in self.permissions:
            return
        if self.role is None:
            raise PermissionDenied(f"You were given this session, but may not {needs.label}.")
        require(self.role, needs)


def enter_project(
    user: User,
    organization_slug: str,
    project_slug: str,
    *,
    needs: Permission,
    session_id: UUID | None = None,
) -> Project:
    """Return the project if the person may do ``needs`` in it, or with the one session.

    A stranger gets a 404, so that slugs cannot be probed; a member whose role is too low
    gets a 403, so that they know whom to ask.
    """
    entrance = open_project(user, organization_slug, project_slug, session_id=session_id)
    entrance.require(needs)
    return entrance.project


def open_project(
    user: User, organization_slug: str, project_slug: str, *, session_id: UUID | None = None
) -> Entrance:
    """Return the project and what the person may do in it, or a 404 for strangers.

    With a session, what they may do with that session: then a grant on it opens the door, too.
    It takes one query either way.
    """
    projects = Project.objects.select_related("organization").filter(
        organization__slug=organization_slug, slug=project_slug
    )
    projects = _with_role(projects, user)
    if session_id is not None:
        projects = projects.annotate(granted=_granted(user, session_id))
    project: Any = projects.first()
    granted = getattr(project, "granted", ())
    if project is None or not (project.role or granted):
        raise Http404
    return Entrance(project, Role(project.role) if project.role else None, granted)


def _with_role(projects: QuerySet[Project], user: User) -> QuerySet[Project]:
    ours = Membership.objects.filter(user=user, organization=OuterRef("organization"))
    own, whole = ours.filter(project=OuterRef("pk")), ours.filter(project=None)
    role = Coalesce(Subquery(own.values("role")), Subquery(whole.values("role")))
    return projects.annotate(role=role)


def _granted(user: User, session_id: UUID) -> ArraySubquery:
    held = SessionGrant.unscoped.filter(
        project=OuterRef("pk"), content_object=session_id, user=user
    )
    return ArraySubquery(held.values("permission__codename"))


def people_who_may_see(
    project: Project, session: Model | None = None, *, needs: Permission = Permission.READ_CONTENT
) -> QuerySet[User]:
    """Return who may see a session, by role or by grant; without one, all of the project's.

    They are whom a comment can mention and a ticket can be given to.
    """
    whole, own = _holders(project, needs)
    may = Q(Exists(own.filter(role__in=_roles(needs)))) | (Q(Exists(whole)) & ~Q(Exists(own)))
    if session is not None:
        codenames = [name for name, permissions in GRANTS.items() if needs in permissions]
        granted = project.session_grants.filter(
            content_object=session.pk, user=OuterRef("pk"), permission__codename__in=codenames
        )
        may |= Q(Exists(granted))
    return User.objects.filter(may, is_active=True).order_by("email")


def _holders(
    project: Project, needs: Permission
) -> tuple[QuerySet[Membership], QuerySet[Membership]]:
    """Return who may by their role in the organization, and all with a role of the project."""
    held = Membership.objects.filter(user=OuterRef("pk"), organization_id=project.organization_id)
    return held.filter(project=None, role__in=_roles(needs)), held.filter(project=project)


def _roles(needs: Permission) -> list[Role]:
    return [role for role, permissions in ROLE_PERMISSIONS.items() if needs in permissions]


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
