"""Who sends an API request: a key, or a signed-in browser."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from apps.tenants.models import ApiKey


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer phk_...``, or HTTP Basic with the key as the secret."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        return None


class BrowserSessionAuthentication(SessionAuthentication):
    """The signed-in browser, with CSRF."""
