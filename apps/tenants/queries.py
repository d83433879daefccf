"""Reads across organizations and projects."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.tenants.models import Membership, Organization, Project


def projects_of(user: User) -> QuerySet[Project]:
    """Return every project in which the person has a role, for a switcher."""
    held = Membership.objects.filter(user=user)
    whole = held.filter(project=None).values("organization")
    single = held.exclude(project=None).values("project")
    projects = Project.objects.filter(Q(organization__in=whole) | Q(pk__in=single))
    return projects.select_related("organization").order_by("organization__name", "name", "pk")


def organizations_of(user: User) -> QuerySet[Organization]:
    """Return every organization in which the person has a role as a whole."""
    held = Membership.objects.filter(user=user, project=None).values("organization")
    return Organization.objects.filter(pk__in=held).order_by("name", "pk")
