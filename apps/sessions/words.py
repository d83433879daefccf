"""Words: what recorded text can be found by, in any script.

Text is normalised (NFKC) and words are case-folded, so that width, ligatures and case do not
matter. Scripts that set no spaces between words are taken character by character; whoever
indexes them joins neighbours. A name in code is a word, and so are its parts. There is no
list of stop-words: a word that is common in one project is rare in the next.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

# Han, kana, bopomofo, hangul, Thai, Lao, Burmese, Khmer.
UNSPACED = (
    "\u0e01-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3041-\u309f\u30a1-\u30fa"
    "\u30fc-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003fffd"
)
LAST_WITH_MARKS = 0x1E950
FIRST_PICTURE, LAST_PICTURE = 0x2190, 0x1FAFF
SKIN_TONES = range(0x1F3FB, 0x1F400)
FIRST_EMOJI = 0x1F000


def _ranges(code_points: Iterable[int]) -> str:
    """Return code points as they stand in a class of a regular expression."""
    found: list[list[int]] = []
    for point in code_points:
        if found and point == found[-1][1] + 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in found)


def _marks() -> Iterator[int]:
    unspaced = re.compile(f"[{UNSPACED}]")
    for point in range(0x300, LAST_WITH_MARKS):
        is_mark = unicodedata.category(chr(point)) in ("Mn", "Mc")
        # Variation selectors choose a look and belong to no word.
        if is_mark and not 0xFE00 <= point <= 0xFE0F and not unspaced.match(chr(point)):
            yield point


def _pictures() -> Iterator[int]:
    for point in range(FIRST_PICTURE, LAST_PICTURE + 1):
        # Emoji newer than Python's tables are not assigned for it.
        is_symbol = unicodedata.category(chr(point)) == "So" or point >= FIRST_EMOJI
        if is_symbol and point not in SKIN_TONES:
            yield point


def _second_halves() -> Iterator[str]:
    """Yield what is the second half of a character, such as of a vowel in Tamil."""
    for point in range(0x300, LAST_WITH_MARKS):
        halves = unicodedata.decomposition(chr(point)).split()
        if len(halves) == 2 and not halves[0].startswith("<"):
            yield chr(int(halves[1], 16))


SECOND_HALVES = frozenset(_second_halves())
# What words of scripts with spaces are made of, digits included.
LETTER = f"[^\\W_{UNSPACED}]"
_MARK = f"[{_ranges(_marks())}]"
WORD = re.compile(
    f"(?P<unspaced>[{UNSPACED}])|{LETTER}+(?:{_MARK}+{LETTER}*)*|[{_ranges(_pictures())}]"
)
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# JSON within text, as arguments and results of tools often are.
ESCAPE = re.compile(
    r"\\+u([dD][89abAB][0-9a-fA-F]{2})\\+u([dD][c-fC-F][0-9a-fA-F]{2})|\\+u([0-9a-fA-F]{4})"
)
BLANKS = "nrt"


class Word(NamedTuple):
    """A word, where it stands in its text, and what else it is found by."""

    text: str
    start: int
    end: int
    # Parts of a name in code; the word after an escaped line break.
    parts: tuple[str, ...] = ()
    # One character of a script without spaces.
    is_unspaced: bool = False


def words(text: str) -> list[Word]:
    """Return the words of a text in order, placed in the text as it is given."""
    normal, places = normalised(text)
    found = [_word(normal, match) for match in WORD.finditer(normal)]
    if places is None:
        return found
    return [word._replace(start=places[word.start], end=places[word.end]) for word in found]


def fold(word: str) -> str:
    """Return a word without what makes no difference."""
    folded = word.casefold()
    return folded if folded.isascii() else unicodedata.normalize("NFKC", folded)


def _word(text: str, match: re.Match[str]) -> Word:
    start, end = match.span()
    said = match[0]
    if match["unspaced"]:
        return Word(fold(said), start, end, (), True)
    return Word(
        fold(said), start, end, tuple(_parts(said, is_escaped=text[start - 1 : start] == "\\"))
    )


def _parts(said: str, *, is_escaped: bool) -> Iterator[str]:
    # A word with digits is an id more often than a name.
    if not said.islower() and not said.istitle() and said.isalpha():
        parts = HUMP.split(said)
        yield from (fold(part) for part in parts if len(parts) > 1)
    if is_escaped and said[0] in BLANKS and len(said) > 1:
        yield fold(said[1:])


def normalised(text: str) -> tuple[str, list[int] | None]:
    """Return a text normalised, and for each of its characters the place in the text given.

    No places: they are the same.
    """
    has_escapes = "\\u" in text
    if not has_escapes and (text.isascii() or unicodedata.is_normalized("NFKC", text)):
        return text, None
    pieces, places = [], []
    for start, piece in _clusters(text):
        normal = unicodedata.normalize("NFKC", piece)
        pieces.append(normal)
        places += [start] * len(normal)
    return "".join(pieces), [*places, len(text)]


def flattened(text: str) -> str:
    """Return a text normalised, with what JSON within it escapes, and without the places."""
    text = ESCAPE.sub(_escaped, text) if "\\u" in text else text
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Yield what is normalised together: a character with its marks, or an escaped one."""
    at = 0
    for match in ESCAPE.finditer(text):
        yield from _characters(text[at : match.start()], at)
        yield match.start(), _escaped(match)
        at = match.end()
    yield from _characters(text[at:], at)


def _characters(text: str, offset: int) -> Iterator[tuple[int, str]]:
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not _continues(text[at]):
            yield offset + start, text[start:at]
            start = at


@lru_cache(maxsize=4096)
def _continues(character: str) -> bool:
    """Tell whether normalising may join a character to the one before it."""
    # Half-width marks of kana stand alone, what they become does not.
    first = unicodedata.normalize("NFKC", character)[0]
    # Vowels and finals of decomposed hangul join the syllable before them.
    is_hangul = "\u1160" <= first <= "\u11ff"
    return is_hangul or unicodedata.combining(first) != 0 or first in SECOND_HALVES


def _escaped(match: re.Match[str]) -> str:
    high, low, single = match.groups()
    if single is None:
        return bytes.fromhex(high + low).decode("utf-16-be")
    character = chr(int(single, 16))
    return " " if "\ud800" <= character <= "\udfff" else character
