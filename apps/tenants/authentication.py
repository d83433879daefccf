"""Who sends an API request: a key, or a signed-in browser."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.tenants import keys
from apps.tenants.key_rows import key_with
from apps.tenants.models import ApiKey

USE_GRAIN = timedelta(minutes=1)
REFUSED = "This API key is unknown, expired or revoked."
SHAPE = "Send `Authorization: Bearer phk_...`, or HTTP Basic with the key as the password."


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer phk_...``, or HTTP Basic with the key as the secret.

    The row is read for each request: a revoked key is refused by the next one.
    """

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        header = get_authorization_header(request)
        if not header:
            return None
        public, secret = read_credential(header)
        key = find_key(secret)
        if key is None or public not in {None, str(key.pk)}:
            raise AuthenticationFailed(REFUSED)
        note_use(key)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Playhead"'


class BrowserSessionAuthentication(SessionAuthentication):
    """The signed-in browser, with CSRF."""

    def enforce_csrf(self, request: Request) -> None:
        # Django's own request: REST framework's would parse the body to look for a token.
        super().enforce_csrf(request._request)  # type: ignore[arg-type]


def read_credential(header: bytes) -> tuple[str | None, str]:
    """Return the key's id (None when the scheme names none) and its secret."""
    scheme, _, credential = header.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return None, credential.strip().decode("latin-1")
    if scheme.lower() != b"basic":
        raise AuthenticationFailed(SHAPE)
    try:
        pair = base64.b64decode(credential.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationFailed(SHAPE) from None
    public, _, secret = pair.partition(":")
    return public, secret


def find_key(secret: str) -> ApiKey | None:
    """Return the usable key with this secret; a wrong checksum costs no query."""
    if not keys.is_well_formed(secret):
        return None
    key = key_with(keys.digest(secret))
    return key if key is not None and key.is_usable else None


def note_use(key: ApiKey) -> None:
    """Remember the use to the minute: at most one write a minute for each key."""
    now = timezone.now()
    if key.last_used_at is not None and key.last_used_at > now - USE_GRAIN:
        return
    # Asked again in the statement, so that a burst of requests writes once.
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_GRAIN)
    ApiKey.unscoped.filter(stale, pk=key.pk).update(last_used_at=now)
    key.last_used_at = now
