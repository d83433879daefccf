"""The file of an import, in encrypted pieces in PostgreSQL, written and read as a stream."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.core.body_limit import MIB
from apps.core.errors import LimitError
from apps.ingest.models import Import
from apps.sessions import sql
from apps.sessions.keys import project_keys

PART = MIB
# Through the driver itself: Django's own cursors write a piece into the statement's text, which
# takes many times its size.
INSERT = """
INSERT INTO ingest_importpart (project_id, of_import_id, number, body) VALUES ($1, $2, $3, $4)
"""
SELECT = """
SELECT body FROM ingest_importpart WHERE project_id = $1 AND of_import_id = $2 AND number = $3
"""
LARGEST_FILE = 1024 * MIB
TOO_LARGE = f"The file is larger than the limit of {LARGEST_FILE // MIB} MiB."


def _place(row: Import, number: int) -> bytes:
    """Bind a piece to its import and its number, so that none opens anywhere else."""
    return b"import" + row.pk.bytes + number.to_bytes(4, "big")


class PartWriter:
    """Takes a file in chunks of any size. Never more than one piece of it is in memory."""

    def __init__(self, row: Import, *, is_kept: bool = True) -> None:
        self.row = row
        self.is_kept = is_kept
        self.size = 0
        self._waiting = bytearray()
        self._number = 0
        key = project_keys(row.project_id).content_key
        self._hash = hashlib.blake2b(key=key, digest_size=32)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        self.size += len(chunk)
        if self.size > LARGEST_FILE:
            raise LimitError(TOO_LARGE)
        self._waiting += chunk
        while len(self._waiting) >= PART:
            self._store(PART)

    def finish(self) -> None:
        """Store what is left."""
        if self._waiting:
            self._store(len(self._waiting))

    def digest(self, *ways: str) -> bytes:
        """Return a keyed hash of the file and of how it is to be read."""
        whole = self._hash.copy()
        whole.update("\0".join(ways).encode())
        return whole.digest()

    def _store(self, size: int) -> None:
        piece = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._hash.update(piece)
        if self.is_kept:
            self._keep(piece)
        if not connection.in_atomic_block:
            # A slow sender must not hold a connection that others wait for.
            connection.close()

    def _keep(self, piece: bytes) -> None:
        row, number = self.row, self._number
        sealed = project_keys(row.project_id).seal_apart(piece, _place(row, number))
        sql.run(INSERT, row.project_id, row.pk, number, sealed)
        row.touched_at = timezone.now()
        row.save(update_fields=["touched_at"])
        self._number += 1


class PartsFile(io.RawIOBase):
    """The file of an import, to be read; one piece of it is in memory at a time."""

    def __init__(self, row: Import) -> None:
        self.row = row
        self._position = 0
        self._number = -1
        self._piece = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.row.size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        number, offset = divmod(self._position, PART)
        if self._position >= self.row.size:
            return 0
        if number != self._number:
            self._number, self._piece = number, self._read(number)
        chunk = self._piece[offset : offset + len(buffer)]
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def _read(self, number: int) -> bytes:
        row = self.row
        [(sealed,)] = sql.rows(SELECT, row.project_id, row.pk, number)
        return project_keys(row.project_id).open_apart(bytes(sealed), _place(row, number))
