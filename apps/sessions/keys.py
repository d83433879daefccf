"""Keys of the record: the master key wraps project keys, those wrap each session's own key.

What is sealed is bound by AAD to its project, session and purpose, so a row that was moved
elsewhere does not open. A project has a second key, "index", from which the keys of digests
and of searchable hashes come: it never changes, or nothing would be found any more.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction

from apps.core.secrets import derive
from apps.sessions.models import ProjectKey
from apps.tenants.models import Project

KEY_BYTES = 32
NONCE_BYTES = 12
WRAP, INDEX = "wrap", "index"
# Projects whose keys a process keeps at hand.
CACHED_PROJECTS = 1024


class SealError(Exception):
    """Something sealed does not open: wrong key, wrong place, or changed bytes."""


def seal(cipher: AESGCM, data: bytes, place: bytes) -> bytes:
    """Encrypt ``data`` for one place only."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, data, place)


def unseal(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    """Decrypt what ``seal`` made for this place."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        raise SealError("This content does not open with the key of its place.") from None


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A session's key as it is stored."""

    version: int
    wrapped_by: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class SessionCipher:
    """Seals and opens the content of one session."""

    version: int
    _cipher: AESGCM
    _place: bytes

    def seal(self, data: bytes, purpose: bytes) -> bytes:
        return seal(self._cipher, data, self._place + purpose)

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        return unseal(self._cipher, sealed, self._place + purpose)


@dataclass(frozen=True, slots=True)
class ProjectKeys:
    """The unwrapped keys of a project."""

    project_id: int
    _wrapping: dict[int, AESGCM]
    # Keys digests of content and hashes of what must be found again without being read.
    content_key: bytes
    identity_key: bytes
    # Keys the terms by which words of content are found.
    search_key: bytes

    def digest(self, data: bytes) -> bytes:
        """Return the 16 bytes under which content is stored."""
        return hashlib.blake2b(data, digest_size=16, key=self.content_key).digest()

    def identity(self, purpose: str, text: str) -> bytes:
        """Return a hash that finds ``text`` again and tells nothing of it."""
        data = purpose.encode() + b"\0" + text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, digest_size=16, key=self.identity_key).digest()

    def new_session_key(self, session_id: uuid.UUID) -> WrappedKey:
        """Make a data key for a session, wrapped for storing."""
        by = max(self._wrapping)
        place = self._place(session_id, 1)
        wrapped = seal(self._wrapping[by], AESGCM.generate_key(KEY_BYTES * 8), b"key" + place)
        return WrappedKey(version=1, wrapped_by=by, wrapped=wrapped)

    def cipher(self, session_id: uuid.UUID, key: WrappedKey) -> SessionCipher:
        """Unwrap a session's key."""
        place = self._place(session_id, key.version)
        opened = _unwrapped(self._wrapping[key.wrapped_by], key.wrapped, b"key" + place)
        return SessionCipher(key.version, opened, place)

    def seal_apart(self, data: bytes, purpose: bytes) -> bytes:
        """Encrypt what belongs to the project and to no session (samples of refused data)."""
        by = max(self._wrapping)
        return by.to_bytes(2, "big") + seal(self._wrapping[by], data, self._apart(purpose))

    def open_apart(self, sealed: bytes, purpose: bytes) -> bytes:
        """Decrypt what ``seal_apart`` made."""
        by = int.from_bytes(sealed[:2], "big")
        return unseal(self._wrapping[by], sealed[2:], self._apart(purpose))

    def _apart(self, purpose: bytes) -> bytes:
        return b"apart" + self.project_id.to_bytes(8, "big") + purpose

    def _place(self, session_id: uuid.UUID, version: int) -> bytes:
        return self.project_id.to_bytes(8, "big") + session_id.bytes + version.to_bytes(2, "big")


@lru_cache(maxsize=8192)
def _unwrapped(wrapping: AESGCM, wrapped: bytes, place: bytes) -> AESGCM:
    return AESGCM(unseal(wrapping, wrapped, place))


def user_ref(project: Project, user: str) -> str:
    """Return the keyed hash by which a user's sessions are found."""
    return project_keys(project.pk).identity("user", user).hex()


_kept: dict[int, ProjectKeys] = {}


def project_keys(project_id: int) -> ProjectKeys:
    """Return the project's keys, making them on first use."""
    keys = _kept.get(project_id)
    if keys is None:
        keys = _load(project_id)
        # Keys made in a transaction that is rolled back must not be used by the next one.
        transaction.on_commit(lambda: _keep(keys))
    return keys


def _keep(keys: ProjectKeys) -> None:
    if len(_kept) >= CACHED_PROJECTS:
        _kept.clear()
    _kept[keys.project_id] = keys


def _load(project_id: int) -> ProjectKeys:
    rows = list(_rows(project_id))
    if not rows:
        _make(project_id)
        rows = list(_rows(project_id))
    opened = {
        (row.purpose, row.version): unseal(
            _master(), bytes(row.wrapped), _key_place(project_id, row.purpose, row.version)
        )
        for row in rows
    }
    index = opened[INDEX, 1]
    wrapping = {version: AESGCM(key) for (use, version), key in opened.items() if use == WRAP}
    subkeys = (_subkey(index, purpose) for purpose in (b"content", b"identity", b"search"))
    return ProjectKeys(project_id, wrapping, *subkeys)


def _rows(project_id: int) -> Iterable[ProjectKey]:
    return ProjectKey.unscoped.filter(project_id=project_id)


def _make(project_id: int) -> None:
    rows = [
        ProjectKey(
            project_id=project_id,
            purpose=purpose,
            version=1,
            wrapped=seal(_master(), os.urandom(KEY_BYTES), _key_place(project_id, purpose, 1)),
        )
        for purpose in (INDEX, WRAP)
    ]
    # Two first appends may meet; the first to commit decides.
    ProjectKey.unscoped.bulk_create(rows, ignore_conflicts=True)


def _master() -> AESGCM:
    return AESGCM(derive("record"))


def _key_place(project_id: int, purpose: str, version: int) -> bytes:
    return f"project:{project_id}:{purpose}:{version}".encode()


def _subkey(key: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(key=key, person=purpose, digest_size=32).digest()
