"""Whether somebody who was let in a while ago would still be let in.

A stream outlives the request that opened it: keys are revoked, sign-ins end and roles change
meanwhile. What is kept here asks the door again, without holding on to the request.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from rest_framework.request import Request

from apps.tenants.access import enter_project, enter_with_key
from apps.tenants.doors import SignedInRequest, person_of, project_named_in
from apps.tenants.key_rows import key_with
from apps.tenants.models import ApiKey, Project
from apps.tenants.permissions import Permission


@dataclass(frozen=True, slots=True)
class BrowserPass:
    """A signed-in browser before a page of a project."""

    session_key: str
    user_id: int
    place: tuple[str, str]
    needs: Permission

    @property
    def credential(self) -> Hashable:
        return self

    def is_good(self) -> bool:
        """Whether the same person is signed in still, and may still do what is needed."""
        asking = HttpRequest()
        store = import_module(settings.SESSION_ENGINE).SessionStore
        asking.session = store(self.session_key)
        user: Any = get_user(asking)
        if user.pk != self.user_id:
            return False
        try:
            enter_project(user, *self.place, needs=self.needs)
        except (Http404, PermissionDenied):
            return False
        return True


@dataclass(frozen=True, slots=True)
class KeyPass:
    """An API key, known by the digest of its secret."""

    digest: bytes
    needs: Permission

    @property
    def credential(self) -> Hashable:
        return self

    def is_good(self) -> bool:
        """Whether the key can still be used, and for what is needed."""
        key = key_with(self.digest)
        if key is None or not key.is_usable:
            return False
        try:
            enter_with_key(key, needs=self.needs)
        except PermissionDenied:
            return False
        return True


def pass_of_page(request: SignedInRequest, project: Project, needs: Permission) -> BrowserPass:
    """Return the pass of whoever a page's door let in."""
    place = project.organization.slug, project.slug
    return BrowserPass(request.session.session_key or "", request.user.pk, place, needs)


def pass_of_call(request: Request, needs: Permission) -> BrowserPass | KeyPass:
    """Return the pass of whoever an API's door let in, a key or a signed-in browser."""
    if isinstance(request.auth, ApiKey):
        return KeyPass(bytes(request.auth.digest), needs)
    session_key = request._request.session.session_key or ""
    return BrowserPass(session_key, person_of(request).pk, project_named_in(request), needs)
