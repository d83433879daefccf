"""Keys for single purposes, derived from the one master key of an installation."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32


def master_key() -> bytes:
    """Return the 32 bytes of PLAYHEAD_MASTER_KEY."""
    return _decode(settings.PLAYHEAD_MASTER_KEY)


def derive(purpose: str) -> bytes:
    """Return the 32-byte key for ``purpose``; no key tells anything of another."""
    return _derive(settings.PLAYHEAD_MASTER_KEY, purpose)


def _decode(encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured("PLAYHEAD_MASTER_KEY must be 32 bytes in base64.")
    return key


@lru_cache(maxsize=64)
def _derive(encoded: str, purpose: str) -> bytes:
    info = b"playhead/" + purpose.encode()
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(_decode(encoded))
