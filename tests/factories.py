"""Makers of what tests need, through the services where a change is audited."""

from __future__ import annotations

from itertools import count
from typing import Any

from allauth.account.models import EmailAddress

from apps.accounts.models import User
from apps.audit.actors import SYSTEM
from apps.tenants import key_services, services
from apps.tenants.models import ApiKey, Membership, Organization, Project
from apps.tenants.permissions import Role

numbers = count(1)


def make_user(email: str = "", password: str | None = None, **fields: Any) -> User:
    """Without a password, so that no test pays for hashing one that it does not use."""
    email = email or f"person-{next(numbers)}@example.com"
    user = User.objects.create_user(email, password, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def make_organization(slug: str = "", **fields: Any) -> Organization:
    slug = slug or f"org-{next(numbers)}"
    return services.create_organization(
        **{"slug": slug, "name": slug.title(), "owner": None, "actor": SYSTEM} | fields
    )


def make_project(
    organization: Organization | None = None, slug: str = "", **fields: Any
) -> Project:
    slug = slug or f"project-{next(numbers)}"
    return services.create_project(
        organization or make_organization(),
        **{"slug": slug, "name": slug.title(), "actor": SYSTEM} | fields,
    )


def make_membership(
    organization: Organization,
    user: User | None = None,
    role: Role = Role.VIEWER,
    project: Project | None = None,
) -> Membership:
    return services.add_member(
        organization, user or make_user(), role=role, project=project, actor=SYSTEM
    )


def make_key(project: Project, scopes: Any = ("ingest",), **fields: Any) -> tuple[ApiKey, str]:
    return key_services.create_api_key(
        project, **{"name": "a key", "scopes": scopes, "actor": SYSTEM} | fields
    )
