"""Reading a file that may be packed: it is unpacked as it is read, within limits."""

from __future__ import annotations

import gzip
import io
from typing import Any, BinaryIO, cast

from apps.core.bodies import MAX_RATIO
from apps.core.body_limit import MIB
from apps.core.errors import LimitError

GZIP = b"\x1f\x8b"
LARGEST_UNPACKED = 4 * 1024 * MIB
BUFFER = 256 * 1024


def unpacked(raw: io.RawIOBase, size: int) -> BinaryIO:
    """Return the content of a file of ``size`` bytes as a buffered stream."""
    # Both are read where they stand, so that nothing is held twice.
    start = raw.read(len(GZIP))
    raw.seek(0)
    if start != GZIP:
        return io.BufferedReader(raw, BUFFER)
    packed = gzip.GzipFile(fileobj=cast(BinaryIO, raw), mode="rb")
    return guarded(packed, size)


def guarded(packed: Any, size: int) -> BinaryIO:
    """Return what ``packed`` unpacks of ``size`` bytes, as far as it is not too much."""
    return io.BufferedReader(_Guarded(packed, size), BUFFER)


class _Guarded(io.RawIOBase):
    """Stops where a few packed bytes become too many."""

    def __init__(self, packed: Any, size: int) -> None:
        self._packed = packed
        self._limit = min(LARGEST_UNPACKED, MAX_RATIO * size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        position: int = self._packed.tell()
        return position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position: int = self._packed.seek(offset, whence)
        return position

    def readinto(self, buffer: Any) -> int:
        chunk = self._packed.read(len(buffer))
        if self._packed.tell() > self._limit:
            raise LimitError(self._sentence())
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _sentence(self) -> str:
        if self._limit < LARGEST_UNPACKED:
            return f"The file unpacks to more than {MAX_RATIO} times its size"
        return f"The file unpacks to more than the limit of {LARGEST_UNPACKED // MIB} MiB"
