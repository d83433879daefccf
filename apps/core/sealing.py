"""Encrypting for one place only: what was sealed elsewhere does not open here.

AES-256-GCM with a random nonce of 96 bits in front. The place is authenticated, not stored, so
a row that somebody moves to another tenant is as good as broken.
"""

from __future__ import annotations

import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.core.secrets import derive

NONCE_BYTES = 12


class SealError(Exception):
    """Something sealed does not open: wrong key, wrong place, or changed bytes."""


def seal(purpose: str, plain: bytes, place: str) -> bytes:
    """Encrypt under the installation's key for ``purpose``, for one place only."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(derive(purpose)).encrypt(nonce, plain, place.encode())


def unseal(purpose: str, sealed: bytes, place: str) -> bytes:
    """Decrypt what ``seal`` made for this purpose and place, or raise SealError."""
    try:
        return _cipher(derive(purpose)).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode()
        )
    except (InvalidTag, ValueError):
        raise SealError("This does not open with the key of its place.") from None


@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
