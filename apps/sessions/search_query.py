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
_BEGIN = re.compile(BEGIN)
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

    def rough_places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where in a text, or in JSON, a closer look is worth it: start and end.

        The places are those of the folded text, which may be longer or shorter.
        """
        text = flattened(text)
        folded = fold(text)
        if not all(word.text in folded for word in self.words):
            return
        yield from self._rows(folded) if len(self.words) > 1 else self._singles(text, folded)

    def first_row(self, text: str) -> int | None:
        """Return where the words first stand in plain text, for which no closer look is needed.

        Plain is what is ASCII and holds no escapes; parts of names in code are not looked for.
        """
        return next((start for start, _ in self._rows(text.lower())), None)

    def _rows(self, folded: str) -> Iterator[tuple[int, int]]:
        # Patterns that begin with a look behind are slow to search with, and quick to match.
        at = -1
        while found := self._row.search(folded, at + 1):
            at = found.start()
            if self._begins(folded, at):
                yield found.span()

    def _singles(self, text: str, folded: str) -> Iterator[tuple[int, int]]:
        word, at = self.words[0].text, -1
        while (at := folded.find(word, at + 1)) >= 0:
            is_word = self._row.match(folded, at) is not None and self._begins(folded, at)
            if is_word or self._is_part(text, folded, at):
                yield at, at + len(word)

    def _begins(self, folded: str, at: int) -> bool:
        """Tell whether a word may begin there."""
        return not _is_spaced(self.words[0]) or _BEGIN.match(folded, at) is not None

    def may_be_in(self, text: str) -> bool:
        """Tell quickly whether a text, or JSON, is worth a closer look."""
        return next(self.rough_places(text), None) is not None

    def _is_part(self, text: str, folded: str, at: int) -> bool:
        if self._part is None:
            # Names in code that are not ASCII are few enough to look at each.
            return not self.words[0].text.isascii()
        # Where folding has moved places, each may be one.
        return len(text) != len(folded) or self._part.match(text, at) is not None

    @cached_property
    def _row(self) -> re.Pattern[str]:
        """Return what finds the words one after the other, wherever the first begins."""
        pattern, last = re.escape(self.words[0].text), self.words[-1]
        for at in range(1, len(self.words)):
            # Characters and pictures may follow without a gap.
            near = self.words[at - 1 : at + 1]
            is_apart = all(_is_spaced(word) for word in near)
            pattern += GAP + ("+" if is_apart else "*") + re.escape(near[1].text)
        return re.compile(pattern + (END if _is_spaced(last) else ""))

    @cached_property
    def _part(self) -> re.Pattern[str] | None:
        """Return what finds a part of a name in code, which shows in its case."""
        word = self.words[0]
        if not (word.text.isascii() and word.text.isalpha()):
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
