"""The text of an API key: how it is made, recognised and turned into what is stored.

``phk_live_`` or ``phk_test_``, 30 random characters, and 6 of checksum, so that a scanner
of leaked secrets, and we, can tell a key from a look-alike without asking the database.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib

from apps.core.secrets import derive

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 30
CHECKSUM_LENGTH = 6
# What a secret scanner should look for.
PATTERN = re.compile(r"phk_(?:live|test)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})")
# How much of a key the list of keys shows, from its start and from its end.
SHOWN_START = 12
SHOWN_END = 4


def make(*, is_live: bool) -> str:
    """Return a new key with 178 random bits."""
    start = "phk_live_" if is_live else "phk_test_"
    body = start + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + checksum(body)


def is_well_formed(key: str) -> bool:
    """Return whether the text is shaped like a key and its checksum fits."""
    if PATTERN.fullmatch(key) is None:
        return False
    return checksum(key[:-CHECKSUM_LENGTH]) == key[-CHECKSUM_LENGTH:]


def checksum(body: str) -> str:
    """Return the CRC-32 of ``body`` in six characters."""
    number = zlib.crc32(body.encode())
    letters = []
    for _ in range(CHECKSUM_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(reversed(letters))


def digest(key: str) -> bytes:
    """Return what is stored in place of the key. A stolen table alone verifies nothing."""
    return hmac.digest(derive("api-key-pepper"), key.encode(), "sha256")
