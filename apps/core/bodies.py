"""Reading the body of a request: every size is checked before anything is parsed.

A sender may be hostile or broken: a few bytes can unpack to gigabytes, and a few
brackets can exhaust the stack. Both are refused early, and the limit is named.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import accumulate

import zstandard
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from apps.core.body_limit import BODY_LIMIT, MIB
from apps.core.errors import DomainError, EncodingError, LimitError

MAX_RATIO = 100
MAX_DEPTH = 200
# What one step of unpacking may add before the limits are looked at again.
INFLATE_STEP = 256 * 1024
# A block of zstd holds 128 KiB at most and takes four bytes at least, so a slice of this
# size unpacks to 16 MiB at the worst.
ZSTD_SLICE = 512
# Windows beyond this are for archives; RFC 8878 asks decoders for 8 MiB.
ZSTD_WINDOW = 8 * MIB

BRACKETS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
ALL_BUT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))


def read_body(request: HttpRequest) -> bytes:
    """Return the body of ``request``, unpacked."""
    try:
        sent = request.body
    except RequestDataTooBig:
        raise LimitError(f"The body is larger than the limit of {BODY_LIMIT // MIB} MiB.") from None
    except UnreadablePostError:
        raise DomainError("The body broke off before its end.") from None
    return unpack(sent, request.headers.get("Content-Encoding", ""))


def unpack(sent: bytes, encoding: str) -> bytes:
    """Return ``sent`` without its content encoding, within the limits."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _within(sent, BODY_LIMIT)
    if name not in DECODERS:
        raise EncodingError(
            f"The content encoding {name[:40]!r} is not read here; use gzip, zstd or deflate."
        )
    if not sent:
        return b""
    limit = min(BODY_LIMIT, MAX_RATIO * len(sent))
    parts, size = [], 0
    for part in DECODERS[name](sent):
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def check_depth(body: bytes) -> None:
    """Refuse JSON that is nested deeper than the limit, without parsing it."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    # Pairs of backslashes go first, so that what is left before a quote escapes it.
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, ALL_BUT_STRUCTURE)
    # Every second part lies inside a string.
    structure = b"".join(plain.split(b'"')[::2])
    steps = memoryview(structure.translate(BRACKETS)).cast("b")
    if max(accumulate(steps), default=0) > MAX_DEPTH:
        raise DomainError(f"The JSON is nested deeper than the limit of {MAX_DEPTH}.")


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> LimitError:
    if limit < BODY_LIMIT:
        return LimitError(f"The body unpacks to more than {MAX_RATIO} times its size.")
    return LimitError(f"The body is larger than the limit of {BODY_LIMIT // MIB} MiB, unpacked.")


def _broken(name: str) -> DomainError:
    return DomainError(f"The body is not a whole {name} stream.")


def _inflate(sent: bytes, window: int, name: str) -> Iterator[bytes]:
    inflater = zlib.decompressobj(window)
    waiting = sent
    while not inflater.eof:
        try:
            part = inflater.decompress(waiting, INFLATE_STEP)
        except zlib.error:
            raise _broken(name) from None
        waiting = inflater.unconsumed_tail
        if not part and not waiting and not inflater.eof:
            raise _broken(name)
        yield part
        if inflater.eof and inflater.unused_data:
            # A gzip body may hold several members, one after the other.
            waiting, inflater = inflater.unused_data, zlib.decompressobj(window)


def _gzip(sent: bytes) -> Iterator[bytes]:
    return _inflate(sent, 31, "gzip")


def _deflate(sent: bytes) -> Iterator[bytes]:
    # RFC 9110 means the zlib format; some senders leave its header out.
    is_zlib = len(sent) > 1 and sent[0] & 0x0F == 8 and int.from_bytes(sent[:2], "big") % 31 == 0
    return _inflate(sent, 15 if is_zlib else -15, "deflate")


def _zstd(sent: bytes) -> Iterator[bytes]:
    frames = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    decoder = frames.decompressobj()
    position = 0
    while position < len(sent):
        if decoder.eof:
            decoder = frames.decompressobj()
        try:
            part = decoder.decompress(sent[position : position + ZSTD_SLICE])
        except zstandard.ZstdError:
            raise _broken("zstd") from None
        position = min(position + ZSTD_SLICE, len(sent)) - len(decoder.unused_data)
        yield part
    if not decoder.eof:
        raise _broken("zstd")


DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
