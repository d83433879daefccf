"""How a page or an API view says which permission it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.tenants.access import enter_organization, enter_project, enter_with_key
from apps.tenants.models import ApiKey, Project
from apps.tenants.permissions import Permission

View = Callable[..., HttpResponse]
PUBLIC = "public"
SIGNED_IN = "signed in"


class SignedInRequest(HttpRequest):
    """A request after a door: who acts is known."""

    user: User  # type: ignore[assignment]
    actor: Actor
    request_id: str


def actor_of(request: HttpRequest, user: User) -> Actor:
    """Return the signed-in person as an actor."""
    return Actor(
        kind="user",
        id=str(user.pk),
        label=user.email,
        ip=request.META.get("REMOTE_ADDR", ""),
        request_id=getattr(request, "request_id", ""),
    )


def project_view(needs: Permission) -> Callable[[View], View]:
    """Swap ``organization_slug`` and ``project_slug`` of the URL for a project that may be used."""

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(
            request: SignedInRequest, organization_slug: str, project_slug: str, **kwargs: Any
        ) -> HttpResponse:
            project = enter_project(request.user, organization_slug, project_slug, needs=needs)
            request.actor = actor_of(request, request.user)
            return view(request, project, **kwargs)

        guarded.needs = needs  # type: ignore[attr-defined]
        return guarded

    return decorate


def organization_view(needs: Permission) -> Callable[[View], View]:
    """Swap ``organization_slug`` of the URL for an organization that may be used."""

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(
            request: SignedInRequest, organization_slug: str, **kwargs: Any
        ) -> HttpResponse:
            organization = enter_organization(request.user, organization_slug, needs=needs)
            request.actor = actor_of(request, request.user)
            return view(request, organization, **kwargs)

        guarded.needs = needs  # type: ignore[attr-defined]
        return guarded

    return decorate


def signed_in_view(view: View) -> View:
    """Mark a page that any signed-in person may open; it shows only what is theirs."""

    @wraps(view)
    @login_required
    def guarded(request: SignedInRequest, **kwargs: Any) -> HttpResponse:
        request.actor = actor_of(request, request.user)
        return view(request, **kwargs)

    guarded.needs = SIGNED_IN  # type: ignore[attr-defined]
    return guarded


def public_view(view: View) -> View:
    """Mark a view that anybody may open."""
    view.needs = PUBLIC  # type: ignore[attr-defined]
    return view


class ProjectAPIView(APIView):
    """An API view of one project, entered with a key or as a signed-in person.

    A key belongs to a project. A person names it: header ``X-Playhead-Project`` or query
    parameter ``project``, as ``organization/project``.
    """

    # One permission for each method that the view answers.
    needs: ClassVar[Mapping[str, Permission]]

    project: Project
    actor: Actor
    # The key's environment; empty when the key leaves it open or a person asks.
    environment: str = ""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        needs = self.needs.get(request.method or "")
        if needs is None:
            self.http_method_not_allowed(request, *args, **kwargs)
            return
        if isinstance(request.auth, ApiKey):
            self._enter_with_key(request, request.auth, needs)
        else:
            self._enter_as_person(request, needs)

    def _enter_with_key(self, request: Request, key: ApiKey, needs: Permission) -> None:
        self.project = enter_with_key(key, needs=needs)
        self.environment = key.environment
        self.actor = Actor(
            kind="key",
            id=str(key.pk),
            label=key.name,
            ip=request.META.get("REMOTE_ADDR", ""),
            request_id=getattr(request, "request_id", ""),
        )

    def _enter_as_person(self, request: Request, needs: Permission) -> None:
        named = request.headers.get("X-Playhead-Project") or request.query_params.get("project", "")
        organization_slug, _, project_slug = named.partition("/")
        if not project_slug:
            raise InvalidError(
                "Name the project as organization/project, in the query parameter `project` "
                "or the header X-Playhead-Project.",
                "project",
            )
        self.project = enter_project(request.user, organization_slug, project_slug, needs=needs)
        self.actor = actor_of(request, request.user)
