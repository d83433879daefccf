"""The plain form of a text, in which lookalikes of digits and separators are what they look like.

A card number in full-width digits is one to whoever reads it, with zero-width spaces too.
Findings are made in the plain form and told in the offsets of the text as it was given.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from apps.governance.detection.kinds import KINDS, Finding

# What NFKC leaves alone although it is read as a plain separator.
_LOOKALIKES = {
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "−": "-", "·": ".", "。": ".", "⁄": "/", "∕": "/", "∶": ":", "꞉": ":", "،": ",",
    "ⅼ": "l", "⠀": " ", "ㅤ": " ",
}  # fmt: skip
# It lengthens a vowel in a word, and parts digits where it stands between them.
_LONG_SIGN = re.compile(r"(?<=\d)ー(?=\d)")
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_UNSEEN = frozenset({"Cf", "Me"})
# Some characters stand for whole sentences in NFKC; none of those is a digit or separator.
_LONGEST_FOLD = 3
# So few different characters are looked for one after the other, which is faster.
_FEW = 12
# Stands where something was taken out. No name reaches over it.
BLANK = "\x7f"


_ESCAPES = ((b"\\n", b"  "), (b"\\t", b"  "), (b"\\r", b"  "), (b'\\"', b' "'), (b"\\/", b" /"))


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in plain form. ``image`` has one byte a character, ``?`` for what is not ASCII."""

    text: str
    image: bytes
    # Where the given text continues after a character that became none or several.
    plain_after: tuple[int, ...] = ()
    given_after: tuple[int, ...] = ()

    def given(self, finding: Finding) -> Finding:
        """Return the finding with the offsets of the text as it was given."""
        if not self.plain_after:
            return finding
        start, last = self._place(finding.start), self._place(finding.end - 1)
        return Finding(finding.kind, start, last + 1)

    def _place(self, offset: int) -> int:
        index = bisect_right(self.plain_after, offset) - 1
        if index < 0:
            return min(offset, self.given_after[0] - 1)
        place = self.given_after[index] + offset - self.plain_after[index]
        if index + 1 < len(self.given_after):
            return min(place, self.given_after[index + 1] - 1)
        return place


_KIND_WORDS = "DROPPED|" + "|".join(sorted(kind.upper() for kind in KINDS))
# A mark that stands for what was taken out before. The screen looks for its beginning.
MARK_BEGINNING = rf"\[(?:{_KIND_WORDS})[:\]]|<(?:{_KIND_WORDS})_"
_MARK = re.compile(
    rf"\[(?:{_KIND_WORDS})(?::(?=[0-9]*[a-f])[0-9a-f]{{16}})?\]|<(?:{_KIND_WORDS})_[0-9]{{1,9}}>"
)


def without_marks(plain: Plain) -> Plain:
    """Return the text with its marks blanked, so that ``[PHONE]`` names no number after it."""
    text = _MARK.sub(lambda mark: _blank(len(mark[0])), plain.text)
    return replace(plain, text=text, image=_image(text))


def without(plain: Plain, findings: Iterable[Finding]) -> Plain:
    """Return the text as it is once the findings, which are in order, are taken out."""
    pieces: list[str] = []
    behind = 0
    for finding in findings:
        pieces += (plain.text[behind : finding.start], _blank(finding.end - finding.start))
        behind = finding.end
    text = "".join(pieces) + plain.text[behind:]
    return replace(plain, text=text, image=_image(text))


def _blank(length: int) -> str:
    return "[" + BLANK * (length - 2) + "]" if length > 1 else BLANK


def make_plain(text: str) -> Plain:
    """Return the plain form; for text that is ASCII alone it costs nothing."""
    if text.isascii():
        return Plain(text, _image(text))
    if "ー" in text:
        text = _LONG_SIGN.sub("-", text)
    folds = {sign: fold(sign) for sign in set(text) if sign > "\x7f"}
    folds = {sign: plain for sign, plain in folds.items() if plain != sign}
    if not folds:
        return Plain(text, _image(text))
    shifting = {sign: len(plain) for sign, plain in folds.items() if len(plain) != 1}
    plain = _replace(text, folds)
    after = _shifts(text, shifting) if shifting else ((), ())
    return Plain(plain, _image(plain), *after)


def _image(text: str) -> bytes:
    """Return one byte a character; what JSON escapes inside of a string is a space there."""
    image = text.encode("ascii", "replace")
    if b"\\" in image:
        for escape, plain in _ESCAPES:
            image = image.replace(escape, plain)
    return image


def _replace(text: str, folds: dict[str, str]) -> str:
    if len(folds) > _FEW:
        return text.translate({ord(sign): plain for sign, plain in folds.items()})
    for sign, plain in folds.items():
        text = text.replace(sign, plain)
    return text


def _shifts(text: str, shifting: dict[str, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    plain_after: list[int] = []
    given_after: list[int] = []
    shift = 0
    for index in _places(text, shifting):
        shift += shifting[text[index]] - 1
        plain_after.append(index + 1 + shift)
        given_after.append(index + 1)
    return tuple(plain_after), tuple(given_after)


def _places(text: str, signs: Collection[str]) -> list[int]:
    if len(signs) > _FEW:
        return [index for index, sign in enumerate(text) if sign in signs]
    places: list[int] = []
    for sign in signs:
        index = text.find(sign)
        while index >= 0:
            places.append(index)
            index = text.find(sign, index + 1)
    return sorted(places)


@lru_cache(maxsize=1 << 15)
def fold(sign: str) -> str:
    """Return what a character that is not ASCII is read as."""
    digit = unicodedata.decimal(sign, None)
    if digit is not None:
        return str(digit)
    if sign in _LOOKALIKES:
        return _LOOKALIKES[sign]
    return _fold_by_category(sign)


def _fold_by_category(sign: str) -> str:
    category = unicodedata.category(sign)
    if category in _UNSEEN or "\ufe00" <= sign <= "\ufe0f":
        return ""
    if category == "Cs":
        return "?"
    if category in _SPACES:
        return " "
    if category == "Pd":
        return "-"
    plain = unicodedata.normalize("NFKC", sign)
    return plain if len(plain) <= _LONGEST_FOLD else sign
