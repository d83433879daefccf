"""Addresses of machines: IP and MAC."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from apps.governance.detection.canonical import Plain
from apps.governance.detection.families.family import Family, before
from apps.governance.detection.kinds import Finding

_V4 = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
_HEX = r"[0-9A-Fa-f]{1,4}"
_V6 = (
    rf"(?:{_HEX}:){{6}}(?:{_HEX}:{_HEX}|{_V4})"
    rf"|(?:{_HEX}:)+:(?:(?:{_HEX}:)*(?:{_V4}|{_HEX}))?|::ffff:{_V4}"
)
_V4_GOES_ON = re.compile(rb"\.[0-9]|[0-9A-Za-z_]|-[0-9]")
_V6_GOES_ON = re.compile(rb"[.:][0-9A-Fa-f:]|[0-9A-Za-z_]")
_V4_CAME_FROM = re.compile(rb"(?:[0-9A-Za-z_]|[0-9][.-])\Z")
_V6_CAME_FROM = re.compile(rb"(?:[0-9A-Za-z_:]|[0-9A-Za-z][.-])\Z")
# What says that four numbers with dots are a version or a chapter.
_VERSION = re.compile(
    r"(?:\b(?:versions?|ver|v|releases?|rev|builds?|sections?|chapters?|clauses?|fig|tables?|abschnitt"
    r"|kapitel|versi[oó]n|oid)\b\.?|§|バージョン|==|[~^><!]=|[a-z0-9_)]/)[\s:=\"'(]{0,4}"
    r"(?:[0-9.]{3,20}(?:,| and| to| or| und| bis| bzw\.|\s?[-–>]+)? ?){0,3}\Z"
)
_VERSION_CONTEXT = 48
# Shorter ones are rather slices: values[1::2].
_SHORTEST_V6 = 6


def read_v4(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Leave out pieces of longer numbers, and what is called a version."""
    image = plain.image
    if _V4_CAME_FROM.search(image, max(0, start - 2), start) or _V4_GOES_ON.match(image, end):
        return
    address = _parse(image[start:end].decode("ascii"))
    if address is None or address.is_loopback or address.is_unspecified:
        return
    if not _VERSION.search(before(plain, start, _VERSION_CONTEXT).lower()):
        yield Finding("ip", start, end)


def read_v6(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Leave out ``a::b`` of programs and what goes on to both sides, such as a fingerprint."""
    image = plain.image
    if _V6_CAME_FROM.search(image, max(0, start - 2), start) or _V6_GOES_ON.match(image, end):
        return
    written = image[start:end].decode("ascii")
    if len(written) < _SHORTEST_V6 or not any(sign.isdigit() for sign in written):
        return
    address = _parse(written)
    if address is not None and not address.is_loopback:
        yield Finding("ip", start, end)


def _parse(written: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(written)
    except ValueError:
        return None


_PAIR = "[0-9A-Fa-f]{2}"
_MAC = (
    rf"\b(?:{_PAIR}(?::{_PAIR}){{5}}|{_PAIR}(?:-{_PAIR}){{5}})\b"
    r"|\b(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}\b"
)
_MAC_GOES_ON = re.compile(rb"[:-][0-9A-Za-z]")
_MAC_CAME_FROM = re.compile(rb"[0-9A-Za-z][:-]\Z")


def read_mac(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Leave out pieces of fingerprints, and the address of everybody."""
    image = plain.image
    if _MAC_CAME_FROM.search(image, max(0, start - 2), start) or _MAC_GOES_ON.match(image, end):
        return
    digits = set(image[start:end].decode("ascii")) - set(":-.")
    if len(digits) > 2 and any(sign.isdigit() for sign in digits):
        yield Finding("mac", start, end)


FAMILIES = (
    Family(frozenset({"ip"}), _V4, read_v4),
    Family(frozenset({"ip"}), _V6, read_v6),
    Family(frozenset({"mac"}), _MAC, read_mac),
)
