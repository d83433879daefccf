"""Content: large parts are taken out of a body, stored once under their digest, and put back.

A body becomes a skeleton with references. The rule looks at the value alone, never at what
is stored already, so equal bodies have equal skeletons and a skeleton's digest stands for
the whole body.
"""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
import zstandard

from apps.core.canonical import canonical_json
from apps.sessions.keys import SessionCipher

Json = Any
Digest = Callable[[bytes], bytes]

# Lists of these names hold what is sent again with every call: each element is content.
LISTS = frozenset({"messages", "input", "output", "tools", "system", "documents"})
LONG_STRING = 256
# Characters that cannot be more bytes than that.
SHORT_STRING = LONG_STRING // 4
# A reference takes about this much; what is shorter stays where it is.
SHORT_ELEMENT = 64
DIGEST_BYTES = 16

# A reference is {"$ph": digest}. Recorded keys that begin like it get the mark once more.
MARK = "$ph"
REFERENCE = re.compile(rb'\{"\$ph":"([0-9a-f]{32})"\}')
MARK_IN_BYTES = b'"$ph'

# How a chunk's body is made: zstd of the lengths and the bytes, then AES-256-GCM.
CODEC_ZSTD = 1
LEVEL_ON_ARRIVAL = 1
LEVEL_COMPACTED = 9


class MissingContentError(Exception):
    """A reference names content that no chunk of the session holds."""


class Parts:
    """Contents taken out of bodies, by digest."""

    __slots__ = ("_digest", "by_digest")

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self.by_digest: dict[bytes, bytes] = {}

    def store(self, name: str, body: Json) -> bytes:
        """Take ``body`` apart and return the digest of its skeleton."""
        skeleton = self._long(body, name) if isinstance(body, dict | list) else body
        return self._put(canonical_json(skeleton))

    def _put(self, data: bytes) -> bytes:
        digest = self._digest(data)
        self.by_digest[digest] = data
        return digest

    def _long(self, value: Json, name: str) -> Json:
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, dict):
            # Most values are short words and numbers, for which a call each would cost most.
            return {
                MARK + key if key.startswith(MARK) else key: inner
                if type(inner) is int or (type(inner) is str and len(inner) <= SHORT_STRING)
                else self._long(inner, key)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            if name in LISTS:
                return [self._element(inner) for inner in value]
            return [self._long(inner, "") for inner in value]
        return value

    def _string(self, value: str) -> Json:
        if len(value) <= SHORT_STRING or len(value.encode()) <= LONG_STRING:
            return value
        return {MARK: self._put(canonical_json(value)).hex()}

    def _element(self, value: Json) -> Json:
        data = canonical_json(value)
        if len(data) <= SHORT_ELEMENT:
            return self._long(value, "")
        return {MARK: self._put(data).hex()}


def references(skeleton: bytes) -> list[bytes]:
    """Return the digests that a skeleton refers to."""
    if MARK_IN_BYTES not in skeleton:
        return []
    return [bytes.fromhex(found.decode()) for found in REFERENCE.findall(skeleton)]


def join(skeleton: bytes, contents: Mapping[bytes, bytes]) -> Json:
    """Put the body together again, exactly as it was."""
    value = orjson.loads(skeleton)
    return _joined(value, contents) if MARK_IN_BYTES in skeleton else value


def _joined(value: Json, contents: Mapping[bytes, bytes]) -> Json:
    if isinstance(value, list):
        return [_joined(inner, contents) for inner in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and MARK in value:
        return orjson.loads(find(contents, bytes.fromhex(value[MARK])))
    return {_unmarked(key): _joined(inner, contents) for key, inner in value.items()}


def find(contents: Mapping[bytes, bytes], digest: bytes) -> bytes:
    """Return the content with this digest, or say that it is missing."""
    try:
        return contents[digest]
    except KeyError:
        raise MissingContentError(f"Content {digest.hex()} is not in this session.") from None


def _unmarked(key: str) -> str:
    return key[len(MARK) :] if key.startswith(MARK) else key


_local = threading.local()


def _compressor(level: int) -> zstandard.ZstdCompressor:
    # Making one costs more than a small chunk; one must not be used by two threads.
    made: dict[int, zstandard.ZstdCompressor] = _local.__dict__.setdefault("compressors", {})
    if level not in made:
        made[level] = zstandard.ZstdCompressor(level=level)
    return made[level]


def pack(
    cipher: SessionCipher, number: int, contents: Mapping[bytes, bytes], *, level: int
) -> tuple[bytes, bytes]:
    """Return the digests and the sealed body of a chunk."""
    digests = b"".join(contents)
    lengths = struct.pack(f"<I{len(contents)}I", len(contents), *map(len, contents.values()))
    packed = _compressor(level).compress(lengths + b"".join(contents.values()))
    return digests, cipher.seal(packed, _place(number, CODEC_ZSTD, digests))


def unpack(
    cipher: SessionCipher, number: int, codec: int, digests: bytes, body: bytes
) -> dict[bytes, bytes]:
    """Open a chunk: its contents by digest."""
    packed = cipher.open(body, _place(number, codec, digests))
    data = zstandard.ZstdDecompressor().decompress(packed)
    (count,) = struct.unpack_from("<I", data)
    lengths = struct.unpack_from(f"<{count}I", data, 4)
    return dict(zip(split_digests(digests), _slices(data, 4 + 4 * count, lengths), strict=True))


def split_digests(digests: bytes) -> list[bytes]:
    """Return the single digests of a packed row of them."""
    return [digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)]


def _slices(data: bytes, start: int, lengths: Iterable[int]) -> list[bytes]:
    found = []
    for length in lengths:
        found.append(data[start : start + length])
        start += length
    return found


def _place(number: int, codec: int, digests: bytes) -> bytes:
    return b"chunk" + number.to_bytes(4, "big") + codec.to_bytes(1, "big") + digests
