"""Equality after what does not matter is taken away: spelling of numbers, dates, blanks, case."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from apps.replays.comparators import Comparison, exact

Json = Any

MONTHS = "january february march april may june july august september october november december"
NUMBER_OF = {name[:3]: at for at, name in enumerate(MONTHS.split(), start=1)}
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS.split())
# 2026-11-21T03:12:04Z and its relatives.
INSTANT = re.compile(
    r"\b(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
DAY_FIRST = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})\.?,? (\d{{4}})\b", re.I | re.ASCII
)
MONTH_FIRST = re.compile(
    rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})\b", re.I | re.ASCII
)
SLASHED = re.compile(r"\b(\d{1,2})[/.](\d{1,2})[/.](\d{4})\b", re.ASCII)
# A part of a word, a version such as 1.2.3, or a date is no number to be rewritten.
_ALONE = r"(?<![\w.,:-]){}(?![\w:-]|[.,]\d)"
POINT = re.compile(_ALONE.format(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d{1,40})(\.\d{1,40})?"), re.ASCII)
COMMA = re.compile(_ALONE.format(r"([+-]?)(\d{1,3}(?:\.\d{3})+|\d{1,40})(,\d{1,40})?"), re.ASCII)
BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Spelling:
    """Which differences of spelling do not matter. Unicode is always brought to NFC."""

    ignores_case: bool = True
    ignores_blanks: bool = True
    # 1,000.50 is 1000.5; with a decimal comma 1.000,50 is.
    reads_numbers: bool = True
    decimal_comma: bool = False
    # November 21, 2026 is 2026-11-21; times are brought to UTC.
    reads_dates: bool = True
    # Whether 4/3/2026 is the 4th of March; None: it may mean either, and is left as it is.
    day_first: bool | None = None


USUAL = Spelling()


def normalised(expected: Json, got: Json, spelling: Spelling = USUAL) -> Comparison:
    """Compare two JSON values once all texts in them are spelled one way: 1 or 0."""
    found = exact(plain(expected, spelling), plain(got, spelling))
    if found.score == 1.0:
        return Comparison(1.0, "The same but for spelling, at most.")
    return Comparison(0.0, "Not the same, even with numbers, dates and blanks spelled one way.")


def plain(value: Json, spelling: Spelling = USUAL) -> Json:
    """Return a JSON value whose texts are spelled one way; names of fields stay."""
    if isinstance(value, dict):
        return {name: plain(inner, spelling) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner, spelling) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value) if spelling.reads_numbers and abs(value) < 2**53 else value
    return plain_text(value, spelling) if isinstance(value, str) else value


def plain_text(text: str, spelling: Spelling = USUAL) -> str:
    """Return a text spelled one way."""
    text = unicodedata.normalize("NFC", text)
    if spelling.ignores_blanks:
        text = BLANKS.sub(" ", text).strip()
    if spelling.reads_dates:
        text = _with_dates(text, spelling)
    if spelling.reads_numbers:
        comma = spelling.decimal_comma
        text = (COMMA if comma else POINT).sub(lambda found: _number(found, comma=comma), text)
    # Folding can leave letters apart that NFC joins.
    return unicodedata.normalize("NFC", text.casefold()) if spelling.ignores_case else text


def _number(found: re.Match[str], *, comma: bool) -> str:
    sign, whole, part = found[1], found[2], found[3] or ""
    whole = whole.replace("." if comma else ",", "")
    # 007 is a name, and so is a number of more digits than anybody counts with.
    if len(whole) > 1 and whole.startswith("0"):
        return found[0]
    number = Decimal(f"{whole}.{part[1:] or 0}")
    text = f"{number:f}".rstrip("0").rstrip(".")
    return f"-{text}" if sign == "-" and number else text


def _with_dates(text: str, spelling: Spelling) -> str:
    text = INSTANT.sub(_instant, text)
    text = DAY_FIRST.sub(lambda found: _day(found[3], _number_of(found[2]), found[1], found), text)
    text = MONTH_FIRST.sub(
        lambda found: _day(found[3], _number_of(found[1]), found[2], found), text
    )
    if spelling.day_first is None:
        return text
    day, month = (1, 2) if spelling.day_first else (2, 1)
    return SLASHED.sub(lambda found: _day(found[3], int(found[month]), found[day], found), text)


def _number_of(month: str) -> int:
    return NUMBER_OF[month[:3].lower()]


def _day(year: str, month: int, day: str, found: re.Match[str]) -> str:
    try:
        return date(int(year), month, int(day)).isoformat()
    except ValueError:
        return found[0]


def _instant(found: re.Match[str]) -> str:
    zone = "+00:00" if found[3] == "Z" else found[3]
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return found[0]
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"
