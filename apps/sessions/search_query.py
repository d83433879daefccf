"""What is searched for: words and "phrases", all of which must occur."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from apps.core.errors import InvalidError
from apps.sessions.words import LETTER, Word, flattened, fold, words

MOST_ITEMS = 16
# What may stand between words, line breaks in JSON included.
GAP = r"(?:[\W_]|\\[nrtbf])"
BEGIN = rf"(?:(?<!{LETTER})|(?<=\\[nrtbf]))"
END = rf"(?!{LETTER})"
_HUMP = "(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
HUMP_BEFORE = rf"(?:{_HUMP}|(?<!{LETTER})|(?<=\\[nrtbf]))"
HUMP_AFTER = rf"(?:{_HUMP}|(?!{LETTER}))"
# A phrase in quotation marks, or what stands between blanks; a lone mark is a blank.
ITEM = re.compile(r'"([^"]*)"|([^\s"]+)')


@dataclass(frozen=True)
class Item:
    """Words that must stand one after the other. An id such as A-17 is such a row, too."""

    words: tuple[Word, ...]

    def places(self, found: Sequence[Word]) -> Iterator[tuple[int, int]]:
        """Yield where the item stands among the words of a text: start and end."""
        first, count = self.words[0], len(self.words)
        for at, word in enumerate(found):
            if word.text == first.text or (count == 1 and first.text in word.parts):
                row = found[at : at + count]
                if self._is_row(row):
                    yield row[0].start, row[-1].end

    def _is_row(self, row: Sequence[Word]) -> bool:
        if len(row) < len(self.words):
            return False
        if len(row) == 1:
            return True
        return all(a.text == b.text for a, b in zip(self.words, row, strict=True)) and all(
            self._touch(self.words, at) <= self._touch(row, at) for at in range(1, len(row))
        )

    def _touch(self, row: Sequence[Word], at: int) -> bool:
        before, word = row[at - 1], row[at]
        return before.is_unspaced and word.is_unspaced and before.end == word.start

    def rough_places(self, text: str) -> Iterator[int]:
        """Yield where in a text, or in JSON, a closer look is worth it.

        The places are those of the folded text, which may be longer or shorter.
        """
        text = flattened(text)
        folded = fold(text)
        if not all(word.text in folded for word in self.words):
            return
        # Patterns that begin with a look behind are slow to search with, and quick to match.
        first, at = self.words[0].text, -1
        while (at := folded.find(first, at + 1)) >= 0:
            if self._row.match(folded, at) or self._is_part(text, folded, at):
                yield at

    def may_be_in(self, text: str) -> bool:
        """Tell quickly whether a text, or JSON, is worth a closer look."""
        return next(self.rough_places(text), None) is not None

    def _is_part(self, text: str, folded: str, at: int) -> bool:
        if self._part is None:
            # Names in code that are not ASCII are few enough to look at each.
            return len(self.words) == 1 and not self.words[0].text.isascii()
        # Where folding has moved places, each may be one.
        return len(text) != len(folded) or self._part.match(text, at) is not None

    @cached_property
    def _row(self) -> re.Pattern[str]:
        first, last = self.words[0], self.words[-1]
        pattern = BEGIN if _is_spaced(first) else ""
        pattern += re.escape(first.text)
        for at in range(1, len(self.words)):
            # Characters and pictures may follow without a gap.
            near = self.words[at - 1 : at + 1]
            is_apart = all(_is_spaced(word) for word in near)
            pattern += GAP + ("+" if is_apart else "*") + re.escape(near[1].text)
        return re.compile(pattern + (END if _is_spaced(last) else ""))

    @cached_property
    def _part(self) -> re.Pattern[str] | None:
        """Return what finds a part of a name in code, which shows in its case."""
        (word, *more) = self.words
        if more or not (word.text.isascii() and word.text.isalpha()):
            return None
        return re.compile(f"{HUMP_BEFORE}(?i:{word.text}){HUMP_AFTER}")


def _is_spaced(word: Word) -> bool:
    """Tell a word of letters from a character or picture, which others may touch."""
    return word.text[0].isalnum() and not word.is_unspaced


@dataclass(frozen=True)
class SearchQuery:
    """The items of a search."""

    items: tuple[Item, ...]


def read_query(text: str) -> SearchQuery:
    """Return what ``text`` asks for; raises InvalidError where there is no word in it."""
    found: dict[tuple[str, ...], Item] = {}
    for match in ITEM.finditer(text):
        row = words(match[1] if match[1] is not None else match[2])
        if row:
            found.setdefault(tuple(word.text for word in row), Item(tuple(row)))
    if not found:
        raise InvalidError("q must hold a word, a number or an emoji to search for.", "q")
    if len(found) > MOST_ITEMS:
        raise InvalidError(f"q may hold {MOST_ITEMS} words and phrases at most.", "q")
    return SearchQuery(tuple(found.values()))
