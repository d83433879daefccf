"""Reads across organizations and projects."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.paging import Page, decode_position, encode_cursor
from apps.tenants.models import ApiKey, Membership, Organization, Project
from apps.tenants.permissions import Role


def projects_of(user: User) -> QuerySet[Project]:
    """Return every project in which the person has a role, for a switcher."""
    held = Membership.objects.filter(user=user)
    whole = held.filter(project=None).values("organization")
    single = held.exclude(project=None).values("project")
    projects = Project.objects.filter(Q(organization__in=whole) | Q(pk__in=single))
    return projects.select_related("organization").order_by("organization__name", "name", "pk")


def roles_of(user: User, projects: Collection[Project]) -> dict[int, Role]:
    """Return the person's role in each of the projects in which they have one; one query."""
    held = Membership.objects.filter(user=user).filter(
        Q(project__in=projects)
        | Q(project=None, organization__in=[project.organization_id for project in projects])
    )
    roles = {(row.organization_id, row.project_id): Role(row.role) for row in held}
    found = {
        project.pk: roles.get(
            (project.organization_id, project.pk), roles.get((project.organization_id, None))
        )
        for project in projects
    }
    return {pk: role for pk, role in found.items() if role is not None}


def organizations_of(user: User) -> QuerySet[Organization]:
    """Return every organization in which the person has a role as a whole."""
    held = Membership.objects.filter(user=user, project=None).values("organization")
    return Organization.objects.filter(pk__in=held).order_by("name", "pk")


def key_page(project: Project, *, cursor: str | None, limit: int) -> Page[ApiKey]:
    """Return the project's keys, newest first, with who made them."""
    rows = project.keys.select_related("created_by").order_by("-pk")
    if cursor:
        rows = rows.filter(pk__lt=decode_position(cursor))
    found = list(rows[: limit + 1])
    following = encode_cursor(found[limit - 1].pk) if len(found) > limit else None
    return Page(found[:limit], next=following)
