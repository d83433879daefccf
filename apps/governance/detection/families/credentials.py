"""What opens doors: keys of providers and clouds, tokens, private keys, passwords."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator

from apps.governance.detection.canonical import Plain
from apps.governance.detection.families import assignments
from apps.governance.detection.families.family import Family
from apps.governance.detection.kinds import Finding

_T = "[A-Za-z0-9_-]"
_A = "[A-Za-z0-9]"
# Each issuer's own beginning, and at least how much follows it. The first that fits counts.
_KEYS: tuple[tuple[str, str], ...] = (
    ("playhead_key", rf"phk_(?:live|test)_{_A}{{36}}"),
    ("service_token", rf"(?:sk|rk)_(?:live|test)_{_A}{{16,}}|whsec_[A-Za-z0-9+/]{{24,}}"),
    ("service_token", rf"gh[pousr]_{_A}{{36,}}|github_pat_[A-Za-z0-9_]{{40,}}"),
    ("service_token", rf"gl(?:pat|dt|rt|ptt|ft|cbt|soat|agent|oas)-{_T}{{20,}}"),
    ("service_token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{20,}"),
    ("service_token", r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{16,}"),
    ("service_token", rf"SG\.{_T}{{20,24}}\.{_T}{{40,46}}"),
    (
        "service_token",
        rf"npm_{_A}{{36}}|pypi-{_T}{{50,}}|rubygems_[a-f0-9]{{48}}|dckr_pat_{_T}{{20,}}",
    ),
    ("service_token", r"SK[0-9a-f]{32}|key-[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    ("service_token", rf"[MNO]{_T}{{23,25}}\.{_T}{{6}}\.{_T}{{27,40}}"),
    ("service_token", rf"[0-9]{{8,10}}:AA{_T}{{33}}|lin_api_{_A}{{32,}}|ntn_{_A}{{40,}}"),
    (
        "service_token",
        rf"hvs\.{_T}{{24,}}|sntry[su]_{_T}{{20,}}|glsa_[A-Za-z0-9_]{{32,}}|figd_{_T}{{30,}}",
    ),
    ("service_token", rf"ATATT3{_T}{{30,}}|PMAK-[0-9a-f]{{24}}-[0-9a-f]{{34}}|sbp_[0-9a-f]{{40}}"),
    ("provider_key", rf"sk-(?:ant|proj|svcacct|admin|or|lf|None)-{_T}{{20,}}"),
    ("provider_key", rf"sk-{_A}{{20,}}|pk-lf-[0-9a-f-]{{36}}|AIza{_T}{{35}}|hf_{_A}{{30,}}"),
    (
        "provider_key",
        rf"gsk_{_A}{{40,}}|xai-{_A}{{40,}}|r8_{_A}{{37}}|pplx-{_A}{{40,}}|tvly-{_T}{{20,}}",
    ),
    (
        "provider_key",
        rf"lsv2_(?:pt|sk)_[0-9a-f]{{32}}_[0-9a-f]{{10}}|nvapi-{_T}{{40,}}|jina_{_T}{{40,}}",
    ),
    ("cloud_key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}|do[opr]_v1_[a-f0-9]{64}|dapi[0-9a-f]{32}"),
    ("cloud_key", rf"GOCSPX-{_T}{{24,}}|ya29\.{_T}{{20,}}|1//0[0-9]{_T}{{30,}}"),
    ("cloud_key", r"[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}"),
)
_KEY_CHECKS = tuple((kind, re.compile(pattern.encode())) for kind, pattern in _KEYS)
_KEY_PATTERN = r"\b(?:" + "|".join(pattern for _, pattern in _KEYS) + ")"


def read_key(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Tell by its beginning whose key it is."""
    image = plain.image
    if end < len(image) and (image[end : end + 1].isalnum() and image[end - 1 : end].isalnum()):
        end = _end_of_word(image, end)
    for kind, check in _KEY_CHECKS:
        if check.match(image, start, end):
            if _is_random(image[start:end]):
                yield Finding(kind, start, end)
            return


_WORD = re.compile(rb"[A-Za-z0-9_-]*")
_SAME = re.compile(rb"(?i)(.)\1{7}|your|example-|placeholder")


def _end_of_word(image: bytes, end: int) -> int:
    match = _WORD.match(image, end)
    return match.end() if match else end


def _is_random(key: bytes) -> bool:
    """Return whether it is a key and not a name with hyphens, or a stand-in such as sk-xxxx."""
    if not any(byte in b"0123456789" for byte in key[4:]) and key.lower() == key:
        return False
    return _SAME.search(key) is None


_JWT = rf"eyJ{_T}{{6,}}\.{_T}{{2,}}(?:\.{_T}*)*"
_PEM_BODY = r"(?:[A-Za-z0-9+/=\s\\:,.()]|-[A-Za-z0-9])*"
_PEM = (
    rf"-----BEGIN (?:[A-Z0-9]+ ){{0,3}}PRIVATE KEY(?: BLOCK)?-----{_PEM_BODY}"
    r"(?:-----END [A-Z0-9 ]{0,40}-----)?"
    rf"|PuTTY-User-Key-File-[0-9]{_PEM_BODY}"
)
_BEARER = (
    r"(?i)\bbearer[ \"':]{1,3}[A-Za-z0-9._~+/=-]{12,}"
    r"|\bauthorization[\\\s]{0,3}[\"']?\s{0,2}[:=]\s{0,2}[\\\s]{0,3}[\"']?"
    r"(?:(?:basic|token|apikey|digest|bearer|aws4-hmac-sha256)\s+)?[A-Za-z0-9._~+/=:-]{8,}"
)
_BEARER_VALUE = re.compile(rb"[A-Za-z0-9._~+/=:-]+\Z")
_URL = r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"'<>\\`]*:[^\s/\"'<>\\`]+@"
_STAND_IN = re.compile(rb"[*.]+|x+|[<\[{(].*|\$[A-Z_]+|\$[{(].*|%[A-Z_]+%|%[(s].*", re.IGNORECASE)


def read_jwt(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Believe it if its head is that of a token."""
    head = plain.image[start:end].split(b".", 1)[0]
    try:
        told = urlsafe_b64decode(head + b"=" * (-len(head) % 4))
    except (binascii.Error, ValueError):
        return
    if b'"alg"' in told or b'"typ"' in told or b'"enc"' in told:
        yield Finding("jwt", start, start + len(plain.image[start:end].rstrip(b".")))


def read_private_key(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """A key that was cut before its end is a key all the same."""
    yield Finding(
        "private_key", start, start + len(plain.image[start:end].rstrip(b" \r\n\t\\.:,()"))
    )


def read_bearer(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    match = _BEARER_VALUE.search(plain.image, start, end)
    if match is None:
        return
    value = match.group()
    if assignments.looks_secret(value.decode("ascii")):
        yield Finding("bearer_token", *match.span())


def read_url(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Take name and password with the sign behind them; the host stays in sight."""
    first = plain.image.index(b"://", start) + 3
    password = plain.image[first : end - 1].partition(b":")[2]
    if not _STAND_IN.fullmatch(password):
        yield Finding("url_credentials", first, end)


FAMILIES = (
    Family(frozenset(kind for kind, _ in _KEYS), _KEY_PATTERN, read_key),
    Family(frozenset({"jwt"}), _JWT, read_jwt),
    Family(frozenset({"private_key"}), _PEM, read_private_key),
    Family(frozenset({"bearer_token"}), _BEARER, read_bearer),
    Family(frozenset({"url_credentials"}), _URL, read_url),
    *assignments.FAMILIES,
)
