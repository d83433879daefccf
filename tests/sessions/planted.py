"""Looking for planted words in bytes, in every way in which they may be written."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from urllib.parse import quote

import zstandard

ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
ZLIB_HEADS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


def spellings(word: str) -> set[bytes]:
    """Return the bytes that would give a word away, apart from compression and keys."""
    found: set[bytes] = set()
    for text in {word, word.lower(), word.upper(), word[::-1]}:
        plain = text.encode()
        wide = {text.encode("utf-16-le"), text.encode("utf-16-be")}
        escaped = {text.encode("unicode_escape"), quote(text).encode()}
        found |= {plain, plain.hex().encode(), plain.hex().upper().encode()} | wide | escaped
        found |= set(in_base64(plain))
    return found


def in_base64(data: bytes) -> Iterator[bytes]:
    """Yield what of the data's base64 is the same whatever stands before and after it."""
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data)
        first, last = -(-shift * 4 // 3), (shift + len(data)) // 3 * 4
        yield whole[first:last]
        yield whole[first:last].replace(b"+", b"-").replace(b"/", b"_")


def unpacked(data: bytes) -> Iterator[bytes]:
    """Yield the data, and what of it opens without a key."""
    yield data
    at = -1
    while (at := data.find(ZSTD_FRAME, at + 1)) >= 0:
        try:
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
        except zstandard.ZstdError:
            continue
    for head in ZLIB_HEADS:
        at = -1
        while (at := data.find(head, at + 1)) >= 0:
            try:
                yield zlib.decompressobj().decompress(data[at:], 1 << 20)
            except zlib.error:
                continue


def words_in(data: bytes, words: list[str]) -> set[str]:
    """Return which of the words stand in the data, or in what is compressed in it."""
    pieces = list(unpacked(data))
    return {
        word
        for word in words
        if any(spelling in piece for spelling in spellings(word) for piece in pieces)
    }
