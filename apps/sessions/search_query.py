"""What is searched for: words and "phrases", all of which must occur."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from apps.core.errors import InvalidError
from apps.sessions.words import Word, fold, words

MOST_ITEMS = 16
# What may stand between words, line breaks in JSON included.
GAP = r"(?:[\W_]|\\[nrtbf])"
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

    def may_be_in(self, content: bytes) -> bool:
        """Tell quickly whether stored content is worth a look."""
        if b"\\u" in content:
            return True
        text = fold(content.decode("utf-8", "replace"))
        return self._rough.search(text) is not None

    @cached_property
    def _rough(self) -> re.Pattern[str]:
        """The words in a row, in JSON, with no regard to where they begin and end."""
        pattern = re.escape(self.words[0].text)
        for at in range(1, len(self.words)):
            # Characters and pictures may follow without a gap.
            is_apart = all(
                w.text.isalnum() and not w.is_unspaced for w in self.words[at - 1 : at + 1]
            )
            pattern += GAP + ("+" if is_apart else "*") + re.escape(self.words[at].text)
        return re.compile(pattern)


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
