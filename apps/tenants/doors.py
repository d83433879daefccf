"""How a page or an API view says which permission it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.audit.actors import Actor
from apps.core.addresses import client_ip
from apps.core.errors import InvalidError
from apps.core.needs import PUBLIC, SIGNED_IN
from apps.tenants.access import (
    enter_organization,
    enter_project,
    enter_with_key,
    open_project,
)
from apps.tenants.models import ApiKey, Project
from apps.tenants.permissions import Permission

View = Callable[..., HttpResponseBase]

NAME_A_PROJECT = (
    "Name the project as organization/project, in the query parameter `project` "
    "or the header X-Playhead-Project."
)


class SignedInRequest(HttpRequest):
    """A request after a door: who acts is known."""

    user: User
    actor: Actor
    request_id: str
    # What the person may do in the project that was entered; where the address names a
    # session, what they may do with that one.
    permissions: frozenset[Permission]
    # False: the person has no role here, and was given this one session.
    is_member: bool


def actor_of(request: HttpRequest, user: User) -> Actor:
    """Return the signed-in person as an actor."""
    return _actor(request, "user", str(user.pk), user.email)


def actor_of_key(request: HttpRequest, key: ApiKey) -> Actor:
    """Return the API key as an actor."""
    return _actor(request, "key", str(key.pk), key.name)


def _actor(request: HttpRequest, kind: str, pk: str, label: str) -> Actor:
    request_id = getattr(request, "request_id", "")
    return Actor(kind=kind, id=pk, label=label, ip=client_ip(request), request_id=request_id)


def project_view(needs: Permission, *, beyond_session: bool = False) -> Callable[[View], View]:
    """Swap ``organization_slug`` and ``project_slug`` of the URL for a project that may be used.

    Where the URL has a ``session_id``, a grant on that session lets in, too: the view must show
    nothing of the project but that session, or say that it goes ``beyond_session``.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(
            request: SignedInRequest, organization_slug: str, project_slug: str, **kwargs: Any
        ) -> HttpResponseBase:
            entrance = open_project(
                request.user,
                organization_slug,
                project_slug,
                session_id=None if beyond_session else kwargs.get("session_id"),
            )
            entrance.require(needs)
            request.actor = actor_of(request, request.user)
            request.permissions = entrance.permissions
            request.is_member = entrance.role is not None
            return view(request, entrance.project, **kwargs)

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
        ) -> HttpResponseBase:
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
    def guarded(request: SignedInRequest, **kwargs: Any) -> HttpResponseBase:
        request.actor = actor_of(request, request.user)
        return view(request, **kwargs)

    guarded.needs = SIGNED_IN  # type: ignore[attr-defined]
    return guarded


def public_view(view: View) -> View:
    """Mark a view that anybody may open."""
    view.needs = PUBLIC  # type: ignore[attr-defined]
    return view


class HasCredential(BasePermission):
    """Lets in whoever sent a good key or is signed in; what they may do is asked next."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, ApiKey) or request.user is not None


class CredentialAPIView(APIView):
    """An API view for any good credential; it tells only about the credential itself."""

    needs: ClassVar[Any] = SIGNED_IN
    permission_classes = [HasCredential]


class ProjectAPIView(APIView):
    """An API view of one project, entered with a key or as a signed-in person.

    A key belongs to a project. A person names it: header ``X-Playhead-Project`` or query
    parameter ``project``, as ``organization/project``.
    """

    permission_classes = [HasCredential]

    # One permission for each method that the view answers.
    needs: ClassVar[Mapping[str, Permission]]

    project: Project
    actor: Actor
    # The key's environment; empty when the key leaves it open or a person asks.
    environment: str = ""
    # The session that the answer tells of, where the address does not name it.
    told_session: UUID | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # HEAD is answered by ``get``, so it needs the same.
        method = "GET" if request.method == "HEAD" else request.method or ""
        needs = self.needs.get(method)
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
        self.actor = actor_of_key(request, key)

    def _enter_as_person(self, request: Request, needs: Permission) -> None:
        person = person_of(request)
        self.project = enter_project(
            person, *project_named_in(request), needs=needs, session_id=self._session_id
        )
        self.actor = actor_of(request, person)

    @property
    def _session_id(self) -> UUID | None:
        """The session in the URL: a grant on it lets in, too."""
        found: UUID | None = self.kwargs.get("session_id")
        return found

    def require(self, needs: Permission) -> None:
        """Check a further permission, where what is asked for decides which one it takes."""
        if isinstance(self.request.auth, ApiKey):
            enter_with_key(self.request.auth, needs=needs)
        else:
            place = (self.project.organization.slug, self.project.slug)
            person = person_of(self.request)
            enter_project(person, *place, needs=needs, session_id=self._session_id)

    def may(self, permission: Permission) -> bool:
        """Tell whether the caller has a further permission."""
        try:
            self.require(permission)
        except PermissionDenied:
            return False
        return True


def person_of(request: Request) -> User:
    """Return who is signed in; the credential has been checked before."""
    return cast(User, request.user)


def project_named_in(request: Request) -> tuple[str, str]:
    """Return the slugs of the organization and project that a person's request is about."""
    named = request.headers.get("X-Playhead-Project") or request.query_params.get("project", "")
    organization_slug, _, project_slug = named.partition("/")
    if not project_slug:
        raise InvalidError(NAME_A_PROJECT, "project")
    if "\x00" in named:
        raise InvalidError("A project's name holds no NUL.", "project")
    return organization_slug, project_slug
