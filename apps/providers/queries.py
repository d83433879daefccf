"""What a project may ask, and what was set for it."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from apps.core.errors import InvalidError
from apps.providers.models import Credential
from apps.tenants.models import Project

UNKNOWN = "This project has no provider of that name or id."


def credentials_of(project: Project) -> QuerySet[Credential]:
    """Return the project's own credentials and those of its organization, none that is gone."""
    return Credential.unscoped.filter(
        Q(project=project) | Q(project=None),
        organization_id=project.organization_id,
        removed_at=None,
    ).order_by("name", "pk")


def credential_named(project: Project, named: str) -> Credential:
    """Return a credential by id or by name, the project's own before its organization's.

    For gate files and command lines. InvalidError where there is none.
    """
    found = credentials_of(project).filter(_is_id(named) | Q(name=named))
    credential = found.order_by("project_id").first()
    if credential is None:
        raise InvalidError(UNKNOWN, "provider")
    return credential


def _is_id(named: str) -> Q:
    try:
        return Q(pk=UUID(named))
    except (ValueError, ValidationError):
        return Q(pk=None)
