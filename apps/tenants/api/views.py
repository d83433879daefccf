"""The API about the credential itself."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.tenants.access import open_project, permissions_of_key
from apps.tenants.api.serializers import MeOut
from apps.tenants.doors import CredentialAPIView, person_of, project_named_in
from apps.tenants.models import ApiKey, Project
from apps.tenants.queries import projects_of


class Me(CredentialAPIView):
    """Who the credential is, and what it may do."""

    @extend_schema(
        operation_id="me",
        tags=["credential"],
        responses=MeOut,
        parameters=[
            OpenApiParameter(
                "project", description="As organization/project; only for a signed-in person."
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Tell who the credential is, its project, scopes or role, and what it may do."""
        unknown = sorted(set(request.query_params) - {"project"})
        if unknown:
            raise InvalidError(f"Unknown query parameter: {', '.join(unknown)}.", unknown[0])
        if isinstance(request.auth, ApiKey):
            return Response(MeOut(about_key(request.auth)).data)
        return Response(MeOut(about_person(request, person_of(request))).data)


def about_key(key: ApiKey) -> dict[str, Any]:
    """Return what the holder of a key may know about it."""
    return {
        "kind": "key",
        "id": str(key.pk),
        "name": key.name,
        "email": None,
        "project": name_of(key.project),
        "environment": key.environment or None,
        "scopes": key.scopes,
        "role": None,
        "permissions": sorted(permissions_of_key(key)),
        "expires_at": key.expires_at,
        "projects": [name_of(key.project)],
    }


def about_person(request: Request, user: User) -> dict[str, Any]:
    """Return who is signed in, and their role in the project if they name one."""
    project, role = None, None
    if "X-Playhead-Project" in request.headers or "project" in request.query_params:
        entrance = open_project(user, *project_named_in(request))
        project, role = entrance.project, entrance.role
    return {
        "kind": "user",
        "id": str(user.pk),
        "name": str(user),
        "email": user.email,
        "project": name_of(project) if project else None,
        "environment": None,
        "scopes": None,
        "role": role,
        "permissions": sorted(role.permissions) if role else [],
        "expires_at": None,
        "projects": [name_of(project) for project in projects_of(user)],
    }


def name_of(project: Project) -> dict[str, str]:
    """Return the words by which a project is named."""
    return {
        "organization": project.organization.slug,
        "slug": project.slug,
        "name": project.name,
    }
