"""Values that are secret because of the name before them: ``api_key = "..."``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.governance.detection.canonical import Plain
from apps.governance.detection.families.family import Family, before
from apps.governance.detection.kinds import Finding

_GAP = r"[\\\s]{0,4}[\"'`]?[\\\s]{0,4}"
_NAMES_OF_PASSWORDS = (
    r"passw(?:or)?d|passwort|kennwort|passphrase|passcode|\bpwd|_pwd|\bpass|_pass|contrase\?a|\bsenha"
    r"|mot de passe|wachtwoord|has\?o"
)
_NAMES_OF_SECRETS = (
    r"api[_ -]?key|secret|access[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token"
    r"|session[_-]?(?:id|token|key)|account[_-]?key|credential|signing[_-]?key|[_-]token|\btoken"
    r"|x-[a-z-]{0,20}key|encryption[_-]?key|\bcookie|sharedaccesskey|\bsig"
)
_SIGN = r"(?:=>|:=|={1,2}|:)"
_VERB = r"(?:is|lautet|est|es|ist)"
_PASSWORD = (
    rf"(?i)(?:{_NAMES_OF_PASSWORDS}){_GAP}(?:{_SIGN}|\b{_VERB}\b)"
    rf"(?:{_GAP}[^\s\"'`<>,;)}}\]&]{{4,}}|[\\\s]{{0,4}}[\"'`][^\"'`\n]{{4,}})"
)
# In scripts without an image the word itself is looked for by the reading.
_AFTER_WIDE = r"\?[ :=\"'\\]{0,4}[!->@-~]{4}"
_WIDE_NAMES = re.compile(
    r"(?:パスワード|密码|密碼|비밀번호|парол[ья]|كلمة المرور|كلمة السر|סיסמה|पासवर्ड|κωδικός)"
    r"[^!-~]{0,3}[\s:=\"'\\]{0,4}\Z",
    re.IGNORECASE,
)
_SECRET = (
    rf"(?i)(?:{_NAMES_OF_SECRETS})[a-z0-9_-]{{0,20}}{_GAP}{_SIGN}{_GAP}"
    r"[A-Za-z0-9_./+=~%$!@#^*-]{12,}"
)
# What parts a name from its value, and where the value begins.
_PARTING = re.compile(rf"(?:{_SIGN}|(?<=\s){_VERB}(?=\s)){_GAP}", re.IGNORECASE)
# A value goes on over ``&``, unless the next field of a query begins there.
_VALUE = re.compile(r"(?:[^\s\"'`<>,;)}\]&]|&(?![A-Za-z_]+=))+")
_LONGEST_QUOTE = 500
_QUOTES = "\"'`"
_NO_VALUE = re.compile(
    r"(?i)[*.•x_-]+|(?:none|null|true|false|undefined|string|str|required|optional|redacted"
    r"|changeme_?|password|passwd|secret|token|hidden|masked|removed|missing|empty|unset|incorrect"
    r"|invalid|wrong|expired|correct|reset|protected|needed|stored|hashed)[.!?]*"
    r"|<.*|\[.*|\(.*|\{.*|\$[A-Z_]+|\$[{(].*|%[A-Za-z_]+%|%[(s].*"
    r"|your[_-].*|my[_-](?:api|secret|pass).*|process\.env.*|os\.environ.*"
)
# ``settings.db_password``, ``user_password``: a name in code, not a value.
_CODE = re.compile(
    r"[A-Za-z_]+(?:[._][A-Za-z_]+)+|[a-z]+|(?:[A-Z][a-z]+)+|[a-z]+(?:[A-Z][a-z]+)+"
    r"|[A-Za-z_][\w.]*[\[(].*"
)
# ``max_tokens_per_1_minute``: a name too, though a password can look like it.
_NUMBERED_NAME = re.compile(r"_?[A-Za-z]+[0-9]{0,3}(?:_[A-Za-z]{0,20}[0-9]{0,3})+")
_PATH = re.compile(r"/[\w./-]*|[\w.-]+(?:/[\w.-]+){2,}|https?.*")


def read_password(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """A password in quotes is one whatever it is; without, a plain word is rather prose or code."""
    parting = _PARTING.search(plain.text, start, end)
    if parting:
        yield from _password_at(plain.text, parting.end())


def read_wide_password(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    first = end - 4
    if _WIDE_NAMES.search(before(plain, first)):
        yield from _password_at(plain.text, first)


def _password_at(text: str, first: int) -> Iterator[Finding]:
    last = _end_of_value(text, first)
    value = text[first:last]
    if last - first < 4 or _NO_VALUE.fullmatch(value):
        return
    if text[first - 1] in _QUOTES or not _CODE.fullmatch(value.rstrip("!?:")):
        yield Finding("password", first, last)


def read_secret(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """A secret is told from a name or a number by how mixed it is."""
    parting = _PARTING.search(plain.text, start, end)
    if parting is None:
        return
    first = parting.end()
    last = _end_of_value(plain.text, first)
    if looks_secret(plain.text[first:last]):
        yield Finding("secret", first, last)


def _end_of_value(text: str, first: int) -> int:
    """Return where a value ends: at its closing quote, or before a space or the next field."""
    quote = text[first - 1]
    if quote in _QUOTES:
        closing = text.find(quote, first, first + _LONGEST_QUOTE)
        if closing > 0 and "\n" not in text[first:closing]:
            return first + len(text[first:closing].rstrip("\\"))
    match = _VALUE.match(text, first)
    return first + len(match.group().rstrip(".\\")) if match else first


def looks_secret(value: str) -> bool:
    """Return whether a value is as mixed as something that was made by chance."""
    if _NO_VALUE.fullmatch(value) or _CODE.fullmatch(value) or _PATH.fullmatch(value):
        return False
    if _NUMBERED_NAME.fullmatch(value):
        return False
    digits = sum(sign.isdigit() for sign in value)
    return 0 < digits < len(value) and len(set(value)) >= min(8, len(value) // 2)


FAMILIES = (
    Family(frozenset({"password"}), _PASSWORD, read_password),
    Family(frozenset({"password"}), _AFTER_WIDE, read_wide_password),
    Family(frozenset({"secret"}), _SECRET, read_secret),
)
