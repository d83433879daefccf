"""Values that are secret because of the name before them: ``api_key = "..."``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.governance.detection.canonical import Plain
from apps.governance.detection.families.family import Family
from apps.governance.detection.kinds import Finding

_GAP = r"[\\\s]{0,4}[\"'`]?[\\\s]{0,4}"
_PASSWORD_NAMES = (
    r"passw(?:or)?d|passwort|kennwort|passphrase|passcode|\bpwd|_pwd|\bpass|_pass|contrase\?a|\bsenha"
    r"|mot de passe|wachtwoord|has\?o"
)
_SECRET_NAMES = (
    r"api[_ -]?key|secret|access[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token"
    r"|session[_-]?(?:id|token|key)|account[_-]?key|credential|signing[_-]?key|[_-]token|\btoken"
    r"|x-[a-z-]{0,20}key|encryption[_-]?key|\bcookie|sharedaccesskey|\bsig"
)
_SIGN = r"(?:=>|:=|={1,2}|:)"
_PASSWORD = (
    rf"(?i)(?:{_PASSWORD_NAMES}){_GAP}(?:{_SIGN}|\bis\b|\blautet\b|\best\b|\bes\b|\bist\b){_GAP}"
    r"(?:[^\s\"'`<>,;)}\]\\]|\\[^\s\"'])[^\s\"'`<>,;)}\]&]{3,}"
)
_WIDE_PASSWORD = r"\?{4,6}[ ]?[:=]?\?{0,1}[ ]?[!-~]{6,}"
_SECRET = (
    rf"(?i)(?:{_SECRET_NAMES})[a-z0-9_-]{{0,20}}{_GAP}{_SIGN}{_GAP}[A-Za-z0-9_./+=~%$!@#^*-]{{12,}}"
)
_VALUE = re.compile(r"[^\s\"'`<>,;:)}\]&]+\Z")
_NO_VALUE = re.compile(
    r"(?i)[*.•x_-]+|(?:none|null|true|false|undefined|string|str|required|optional|redacted"
    r"|changeme_?|password|passwd|secret|token|hidden|masked|removed|missing|empty|unset|incorrect"
    r"|invalid|wrong|expired|correct|reset|protected|needed|stored|hashed)[.!?]*|[<\[{($%].*"
    r"|\[?redacted.*|your[_-].*|my[_-](?:api|secret|pass).*|.*\(.*|process\.env.*|os\.environ.*"
)
# ``settings.db_password``, ``user_password``: a name in code, not a value.
_CODE = re.compile(r"[A-Za-z_]+(?:[._][A-Za-z_]+)+|[a-z]+|[A-Z][a-z]+|[a-z]+(?:[A-Z][a-z]+)+")
_UUID_OR_PATH = re.compile(r"/[\w./-]*|[\w.-]+(?:/[\w.-]+){2,}|https?.*")


def read_password(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """A password in quotes is one whatever it is; without, a plain word is rather prose or code."""
    value = _value_at(plain, start, end)
    if value is None or _NO_VALUE.fullmatch(plain.text[slice(*value)]):
        return
    first, last = value
    quoted = first > 0 and plain.text[first - 1] in "\"'`"
    if quoted or not _CODE.fullmatch(plain.text[first:last].rstrip(".!?")):
        yield Finding("password", first, last)


def read_secret(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    value = _value_at(plain, start, end)
    if value and looks_secret(plain.text[slice(*value)]):
        yield Finding("secret", *value)


def _value_at(plain: Plain, start: int, end: int) -> tuple[int, int] | None:
    match = _VALUE.search(plain.text, start, end)
    if match is None:
        return None
    first, last = match.span()
    while first < last and plain.text[first] in "=\\":
        first += 1
    while last > first and plain.text[last - 1] in ".!?\\":
        last -= 1
    return (first, last) if last - first >= 4 else None


def looks_secret(value: str) -> bool:
    """Return whether a value is as mixed as something that was made by chance."""
    if _NO_VALUE.fullmatch(value) or _CODE.fullmatch(value) or _UUID_OR_PATH.fullmatch(value):
        return False
    digits = sum(sign.isdigit() for sign in value)
    return 0 < digits < len(value) and len(set(value)) >= min(8, len(value) // 2)


FAMILIES = (
    Family(frozenset({"password"}), _PASSWORD, read_password),
    Family(frozenset({"secret"}), _SECRET, read_secret),
)
