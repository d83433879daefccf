"""Addresses of machines: IP and MAC."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from apps.governance.detection.canonical import Plain
from apps.governance.detection.families.family import Family, before, stands_alone
from apps.governance.detection.kinds import Finding

_V4 = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
_HEX = r"[0-9A-Fa-f]{1,4}"
_V6 = (
    rf"(?:{_HEX}:){{6}}(?:{_HEX}:{_HEX}|{_V4})"
    rf"|(?:{_HEX}:)+:(?:(?:{_HEX}:)*(?:{_V4}|{_HEX}))?|::ffff:{_V4}"
)
_GOES_ON = re.compile(rb"[.:][0-9A-Fa-f:]|[0-9A-Za-z_]|-[0-9]")
_CAME_FROM = re.compile(rb"(?:[0-9A-Za-z_:]|[0-9A-Za-z][.-])\Z")
# What says that four numbers with dots are a version or a chapter.
_VERSION = re.compile(
    r"(?:\bversions?|\bver\.?|\bv\.?|\brelease|\brev\.?|\bbuild|\bsection|\bchapter|\bclause|§|\bfig\.?"
    r"|\btable|\babschnitt|\bkapitel|\bversión|バージョン|==|[~^><!]=|[a-z0-9_)]/|[a-z0-9]@|\boid)"
    r"[\s:=\"'(]{0,4}\Z"
)
_VERSION_CONTEXT = 16


def read_v4(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    if _is_inside(plain.image, start, end):
        return
    address = _parse(plain.image[start:end].decode("ascii"))
    if address is None or address.is_loopback or address.is_unspecified:
        return
    if not _VERSION.search(before(plain, start, _VERSION_CONTEXT).lower()):
        yield Finding("ip", start, end)


def read_v6(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    written = plain.image[start:end].decode("ascii")
    if _is_inside(plain.image, start, end) or not any(sign.isdigit() for sign in written):
        return
    address = _parse(written)
    if address is not None and not address.is_loopback and written.count(":") > 1:
        yield Finding("ip", start, end)


def _is_inside(image: bytes, start: int, end: int) -> bool:
    """Return whether it is a piece of something longer, such as 1.2.3.4.5 or a::b::c."""
    if _CAME_FROM.search(image, max(0, start - 2), start):
        return not _escaped(image, start)
    return _GOES_ON.match(image, end) is not None


def _escaped(image: bytes, start: int) -> bool:
    return image[max(0, start - 2) : start] == b"  "


def _parse(written: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(written)
    except ValueError:
        return None


_PAIR = "[0-9A-Fa-f]{2}"
_MAC = rf"\b(?:{_PAIR}(?::{_PAIR}){{5}}|{_PAIR}(?:-{_PAIR}){{5}})\b|\b(?:[0-9a-f]{{4}}\.){{2}}[0-9a-f]{{4}}\b"
_NOT_MAC = frozenset({"0", "f"})


def read_mac(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    image = plain.image
    touching = image[end : end + 1] in (b":", b"-", b".") and stands_alone(image, 0, 0)
    if image[end : end + 1] in (b":", b"-") and image[end + 1 : end + 2].isalnum():
        return
    if start and image[start - 1 : start] in (b":", b"-") and image[max(0, start - 2) : start - 1].isalnum():
        return
    digits = set(image[start:end].decode("ascii").lower()) - set(":-.")
    if len(digits) > 2 and any(sign.isdigit() for sign in digits):
        yield Finding("mac", start, end)


FAMILIES = (
    Family(frozenset({"ip"}), _V4, read_v4),
    Family(frozenset({"ip"}), _V6, read_v6),
    Family(frozenset({"mac"}), _MAC, read_mac),
)
