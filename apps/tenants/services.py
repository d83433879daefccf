"""Every change to organizations, projects and memberships (API keys: ``key_services``).

Each locks, checks, changes and audits in one transaction. Nobody can hand on more than
they may do themselves.
"""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.core.jobs import after_commit
from apps.tenants.access import permissions_in_organization, permissions_in_project
from apps.tenants.grants import forget_member
from apps.tenants.models import Membership, Organization, Project, slug_is_plain
from apps.tenants.permissions import Permission, Role

NAME_LENGTH = 120
LAST_OWNER = "An organization needs an owner. Make somebody else an owner first."


@transaction.atomic
def create_organization(
    *, slug: str, name: str = "", owner: User | None, actor: Actor
) -> Organization:
    """Found an organization. Its first owner may be named later only by the command line."""
    check_slug(slug)
    organization = _claim(slug, clean_name(name or slug))
    audit.record(
        actor,
        "organization.create",
        organization_id=organization.pk,
        objects=[f"organization:{slug}"],
        detail={"name": organization.name},
    )
    if owner is not None:
        _join(organization, owner, Role.OWNER, None, actor)
    return organization


@transaction.atomic
def rename_organization(organization: Organization, *, name: str, actor: Actor) -> Organization:
    """Change the name that people see; the slug in URLs stays."""
    organization = _locked(organization)
    before = organization.name
    organization.name = clean_name(name)
    organization.save(update_fields=["name"])
    audit.record(
        actor,
        "organization.rename",
        organization_id=organization.pk,
        objects=[f"organization:{organization.slug}"],
        detail={"before": before, "after": organization.name},
    )
    return organization


@transaction.atomic
def create_project(
    organization: Organization, *, slug: str, name: str = "", is_demo: bool = False, actor: Actor
) -> Project:
    """Add a project. Everybody with a role in the whole organization is in it at once."""
    organization = _locked(organization)
    check_slug(slug)
    if organization.projects.filter(slug=slug).exists():
        raise InvalidError(f"This organization already has a project {slug}.", "slug")
    name = clean_name(name or slug)
    project = organization.projects.create(slug=slug, name=name, is_demo=is_demo)
    audit.record(
        actor,
        "project.create",
        organization_id=organization.pk,
        project_id=project.pk,
        objects=[f"project:{slug}"],
        detail={"name": project.name},
    )
    return project


@transaction.atomic
def rename_project(project: Project, *, name: str, actor: Actor) -> Project:
    """Change the name that people see; the slug in URLs stays, so that links keep working."""
    project = Project.objects.select_for_update().get(pk=project.pk)
    before = project.name
    project.name = clean_name(name)
    project.save(update_fields=["name"])
    audit.record(
        actor,
        "project.rename",
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[f"project:{project.slug}"],
        detail={"before": before, "after": project.name},
    )
    return project


@transaction.atomic
def allow_links(project: Project, *, allowed: bool, actor: Actor) -> Project:
    """Let sessions be shown by share links, or not: then those that exist do not open, either."""
    project = Project.objects.select_for_update().get(pk=project.pk)
    if Permission.MANAGE_PROJECT not in permissions_in_project(actor, project):
        raise PermissionDenied("Your role may not change project settings.")
    if project.allows_links == allowed:
        return project
    project.allows_links = allowed
    project.save(update_fields=["allows_links"])
    audit.record(
        actor,
        "project.links",
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[f"project:{project.slug}"],
        detail={"allowed": allowed},
    )
    return project


@transaction.atomic
def remove_demo_project(project: Project, *, actor: Actor) -> None:
    """Take a demo project out of sight for good, with its keys; its short name is free again.

    What it holds is erased afterwards (``apps.web.demo.removal``).
    """
    project = Project.everything.select_for_update().get(pk=project.pk)
    if not project.is_demo:
        raise ConflictError("This project holds sessions of your own, no demo data.")
    if project.removed_at is not None:
        return
    slug, now = project.slug, timezone.now()
    project.keys.filter(revoked_at=None).update(revoked_at=now)
    project.slug, project.removed_at = f"removed-{project.pk}", now
    project.save(update_fields=["slug", "removed_at"])
    audit.record(
        actor,
        "project.remove_demo",
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[f"project:{slug}"],
        detail={"name": project.name},
    )
    after_commit("web.erase_demo", project.pk)


@transaction.atomic
def add_member(
    organization: Organization,
    user: User,
    *,
    role: Role,
    project: Project | None = None,
    actor: Actor,
) -> Membership:
    """Give a person a role in the organization, or in one project where it differs."""
    organization = _locked(organization)
    _check_grant(actor, organization, role)
    if project is not None and project.organization_id != organization.pk:
        raise InvalidError("This project is not of this organization.", "project")
    if organization.memberships.filter(user=user, project=project).exists():
        raise ConflictError(f"{user.email} is already a member here. Change the role instead.")
    return _join(organization, user, role, project, actor)


@transaction.atomic
def change_role(membership: Membership, *, role: Role, actor: Actor) -> Membership:
    """Change what a member may do, from their next request on."""
    organization, membership = _locked_membership(membership)
    before = Role(membership.role)
    _check_grant(actor, organization, before)
    _check_grant(actor, organization, role)
    if role != Role.OWNER:
        _check_not_last_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    _record_membership(
        actor, "member.change", membership, {"before": before.value, "after": role.value}
    )
    return membership


@transaction.atomic
def remove_member(membership: Membership, *, actor: Actor) -> None:
    """Take a person's role away: somebody else's with the right to, one's own always.

    Leaving the organization ends the person's roles in its projects too.
    """
    organization, membership = _locked_membership(membership)
    is_own = actor.kind == "user" and actor.id == str(membership.user_id)
    if not is_own:
        _check_grant(actor, organization, Role(membership.role))
    _check_not_last_owner(membership)
    _record_membership(actor, "member.remove", membership, {"role": membership.role})
    if membership.project_id is None:
        organization.memberships.filter(user_id=membership.user_id).delete()
    else:
        membership.delete()
    forget_member(organization, membership.user, membership.project)
    # What was the member's alone goes, too.
    after_commit("sessions.sweep_views")


def check_slug(slug: str) -> None:
    """Raise InvalidError unless the slug may stand in a URL."""
    try:
        slug_is_plain(slug)
    except ValidationError as error:
        raise InvalidError(error.messages[0], "slug") from None


def clean_name(name: str) -> str:
    """Return a name that can be shown on one line."""
    name = " ".join(name.replace("\x00", "").split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise InvalidError(f"Give a name of at most {NAME_LENGTH} characters.", "name")
    return name


def _claim(slug: str, name: str) -> Organization:
    # Two people may want it at once, and there is no row to lock: the constraint is the judge.
    try:
        with transaction.atomic():
            return Organization.objects.create(slug=slug, name=name)
    except IntegrityError:
        raise InvalidError(f"The name {slug} is taken. Choose another.", "slug") from None


def _locked(organization: Organization) -> Organization:
    # Members and projects of an organization change one after another.
    return Organization.objects.select_for_update().get(pk=organization.pk)


def _locked_membership(membership: Membership) -> tuple[Organization, Membership]:
    organization = _locked(membership.organization)
    current = organization.memberships.select_related("user").filter(pk=membership.pk).first()
    if current is None:
        raise ConflictError("This member has been removed in the meantime.")
    return organization, current


def _join(
    organization: Organization, user: User, role: Role, project: Project | None, actor: Actor
) -> Membership:
    membership = organization.memberships.create(user=user, role=role, project=project)
    _record_membership(actor, "member.add", membership, {"role": role.value})
    return membership


def _check_grant(actor: Actor, organization: Organization, role: Role) -> None:
    own = permissions_in_organization(actor, organization)
    if Permission.MANAGE_MEMBERS not in own:
        raise PermissionDenied("Your role may not manage members and roles.")
    if not role.permissions <= own:
        raise PermissionDenied(f"Your role may not give or take the role {role.label}.")


def _check_not_last_owner(membership: Membership) -> None:
    if membership.project_id is not None or membership.role != Role.OWNER:
        return
    others = Membership.objects.filter(
        organization_id=membership.organization_id,
        project=None,
        role=Role.OWNER,
        user__is_active=True,
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise ConflictError(LAST_OWNER)


def _record_membership(
    actor: Actor, act: str, membership: Membership, detail: dict[str, str]
) -> None:
    audit.record(
        actor,
        act,
        organization_id=membership.organization_id,
        project_id=membership.project_id,
        objects=[f"user:{membership.user_id}"],
        detail={"email": membership.user.email} | detail,
    )
