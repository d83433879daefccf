"""E-mail addresses and days of birth."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.governance.detection.canonical import Plain
from apps.governance.detection.families.family import Family, before
from apps.governance.detection.kinds import Finding

# ``?`` is a character that is not ASCII, or a question mark.
_EMAIL = (
    r"[A-Za-z0-9?_.+%'&=#!$*~-]+(?:@|%40| ?[\[(](?:at|AT)[\])] ?)"
    r"(?:[A-Za-z0-9?](?:[A-Za-z0-9?-]*[A-Za-z0-9?])?(?:\.| ?[\[(](?:dot|DOT)[\])] ?))+[A-Za-z?]{2,}"
)
_AT = re.compile(r"@|%40| ?[\[(](?:at|AT)[\])] ?")
_LONGEST_NAME = 64
_LONGEST_DOMAIN = 253
_URL_CONTEXT = 100
# Endings of files, as in icon@2x.png.
_NOT_DOMAIN = frozenset("png jpg jpeg gif svg webp css js json txt html pdf".split())
# Latin, Greek and Cyrillic letters come before it.
_LATER_SCRIPTS = "\u0530"


def read_email(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Cut the candidate to the address in it: letters of Europe belong, Japanese ones do not."""
    text = plain.text[start:end]
    parts = list(_AT.finditer(text))
    sign = parts[-1]
    name = text[parts[-2].end() if len(parts) > 1 else 0 : sign.start()]
    first = start + sign.start() - len(_own_tail(name))
    last = start + sign.end() + _domain_length(text[sign.end() :])
    if first == start + sign.start() or last == start + sign.end():
        return
    if not _is_part_of_url(plain, first, last):
        yield Finding("email", first, last)


def _own_tail(name: str) -> str:
    """Return the end of a name that can belong to an address."""
    name = name[-_LONGEST_NAME:]
    for index in range(len(name) - 1, -1, -1):
        if not _belongs(name[index]) and name[index] not in "_.+%-":
            return name[index + 1 :].lstrip(".%+-")
    return name.lstrip(".%+-")


def _belongs(sign: str) -> bool:
    return sign.isalnum() and sign < _LATER_SCRIPTS


def _domain_length(domain: str) -> int:
    length = 0
    for sign in domain:
        if not _belongs(sign) and sign not in ".-[]() ":
            break
        length += 1
    own = domain[:length].rstrip(".-[]() ")
    if len(own) > _LONGEST_DOMAIN or re.search(r"[.\])] ?[^\W\d_]{2,}\Z", own) is None:
        return 0
    return 0 if own.rsplit(".", 1)[-1].lower() in _NOT_DOMAIN else len(own)


def _is_part_of_url(plain: Plain, start: int, end: int) -> bool:
    """Return whether it is ``git@host:path`` or the user and host of a URL."""
    behind = before(plain, start, _URL_CONTEXT).rsplit(None, 1)
    if plain.text.startswith("git@", start):
        return True
    return bool(behind) and re.search(r"://[^\s/@\"'<>]*\Z", behind[-1]) is not None


_BIRTH_WORDS = (
    r"\bborn\b|birth|\bdob\b|d\.o\.b|\bgeb\.|geboren|geburt|n(?:e|\?|\?e)?e? le\b|naissance"
    r"|nacimiento|\bnaci|nascimento|nascid|\bnat[oa] il|nascita|geboorte|urodz|f\?dt\b|f\?dsel"
)
_BIRTH = (
    rf"(?i)(?:{_BIRTH_WORDS})[^0-9\n]{{0,30}}[0-9][0-9A-Za-z?.,/ -]{{3,22}}"
    r"|\?[^0-9A-Za-z\n]{0,6}[0-9]{1,4}(?:[./-]|\?[ ]?)[0-9]{1,2}(?:[./-]|\?[ ]?)[0-9]{1,4}"
)
_BIRTH_NAME = re.compile(
    r"\bborn\b|birth|\bdob\b|d\.o\.b|\bgeb\.|geboren|geburt|\bn[ée]e? le\b|naissance|nacimiento"
    r"|\bnaci|nascimento|nascid|\bnat[oa] il|nascita|geboorte|urodz|født\b|fødsel|生年月日|誕生日"
    r"|出生|生日|생년월일|дата рожд|родил|تاريخ الميلاد|مواليد|ولد|जन्म|תאריך לידה|γεννη"
)
_YEAR = r"(?:1[89][0-9]{2}|20[0-9]{2})"
_DATE = re.compile(
    rf"\b{_YEAR}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}\b"
    rf"|\b[0-3]?[0-9][./-] ?[0-3]?[0-9][./-] ?(?:{_YEAR}|[0-9]{{2}})\b"
    rf"|\b[0-3]?[0-9](?:st|nd|rd|th|er|\.|º)?(?: de| of)? [^\W\d]{{3,12}}\.?(?: de|,)? {_YEAR}\b"
    rf"|[^\W\d]{{3,12}}\.? [0-3]?[0-9](?:st|nd|rd|th)?,? {_YEAR}\b"
    rf"|{_YEAR} ?[年년] ?[0-9]{{1,2}} ?[月월] ?[0-9]{{1,2}} ?[日일]?"
)
_BIRTH_CONTEXT = 45


def read_birth(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Find the first date after a word that says somebody was born then."""
    date = _DATE.search(plain.text, start, end + 4)
    if date is None:
        return
    said = before(plain, date.start(), _BIRTH_CONTEXT).lower()
    if _BIRTH_NAME.search(said):
        yield Finding("birth_date", *date.span())


FAMILIES = (
    Family(frozenset({"email"}), _EMAIL, read_email),
    Family(frozenset({"birth_date"}), _BIRTH, read_birth),
)
