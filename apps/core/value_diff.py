"""What differs between two recorded values: by path for JSON, by word for text.

Everything is bounded: recorded text may be of any size and shape. What is beyond a bound is
counted or shown as a whole, never left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from apps.core.canonical import canonical_json

Json = Any

# Changes told of one value.
CHANGES_AT_MOST = 40
# Elements of a list that are matched with those of another; longer ones go by their places.
MATCHED = 300
DEEPEST = 24

# Letters, with the spaces after them; scripts without spaces letter by letter.
WORD = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]\s*|\w+\s*|[^\w\s]\s*|\s+"
)
# In a line of code the space after a word is none of its own.
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
SPACE = re.compile(r"\s")
# A text without a space that is no longer than this is one word, whatever its signs.
ONE_WORD = 80
LONGEST_TEXT = 40_000
# Words that are matched one by one. In a longer passage its lines are.
WORDS_MATCHED = 900
LINES_MATCHED = 2_000
# Characters of equal text that stay around a difference.
CONTEXT = 160
# Characters that are shown of a passage that differs.
PASSAGE = 4_000

ADDED, REMOVED, REPLACED = "add", "remove", "replace"
SAME, INSERTED, DELETED, LEFT_OUT = "same", "ins", "del", "gap"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: same, ins, del, or a gap of so many equal characters."""

    kind: str
    text: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One place where two values differ."""

    path: str
    op: str
    before: Json = None
    after: Json = None
    # For texts: the words.
    pieces: list[Piece] = field(default_factory=list)
    # Texts too long to be set side by side word by word.
    is_too_long: bool = False

    @property
    def key(self) -> bytes:
        """Equal for the same difference, wherever it stands."""
        return canonical_json([self.op, self.before, self.after])


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two values, the first changes of it."""

    changes: list[Change]
    is_cut: bool = False


def difference(a: Json, b: Json) -> Difference:
    """Return where two values differ, in the order of their paths."""
    found: list[Change] = []
    for change in _changes(a, b, "", 0):
        if len(found) == CHANGES_AT_MOST:
            return Difference(found, is_cut=True)
        found.append(change)
    return Difference(found)


def _changes(a: Json, b: Json, path: str, depth: int) -> Iterator[Change]:
    if canonical_json(a) == canonical_json(b):
        return
    if isinstance(a, dict) and isinstance(b, dict) and depth < DEEPEST:
        yield from _of_mappings(a, b, path, depth)
    elif isinstance(a, list) and isinstance(b, list) and depth < DEEPEST:
        yield from _of_lists(a, b, path, depth)
    elif isinstance(a, str) and isinstance(b, str):
        yield text_change(a, b, path)
    else:
        yield Change(path, REPLACED, a, b)


def _of_mappings(a: dict[str, Json], b: dict[str, Json], path: str, depth: int) -> Iterator[Change]:
    for name in dict.fromkeys([*a, *b]):
        inner = _inside(path, name)
        if name not in b:
            yield Change(inner, REMOVED, before=a[name])
        elif name not in a:
            yield Change(inner, ADDED, after=b[name])
        else:
            yield from _changes(a[name], b[name], inner, depth + 1)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _of_lists(a: list[Json], b: list[Json], path: str, depth: int) -> Iterator[Change]:
    for tag, from_a, to_a, from_b, to_b in matched(
        [canonical_json(one) for one in a], [canonical_json(one) for one in b], MATCHED
    ):
        if tag == "equal":
            continue
        both = min(to_a - from_a, to_b - from_b)
        for at in range(both):
            one = a[from_a + at]
            yield from _changes(one, b[from_b + at], _element(path, from_a + at, one), depth + 1)
        for at in range(from_a + both, to_a):
            yield Change(_element(path, at, a[at]), REMOVED, before=a[at])
        for at in range(from_b + both, to_b):
            yield Change(_element(path, at, b[at]), ADDED, after=b[at])


def _element(path: str, at: int, value: Json) -> str:
    """Name an element by its place, and a message also by who speaks."""
    role = value.get("role") if isinstance(value, dict) else None
    who = f" ({role[:20]})" if isinstance(role, str) else ""
    return _inside(path, f"{at}{who}")


Block = tuple[str, int, int, int, int]


def matched(a: Sequence[Any], b: Sequence[Any], at_most: int) -> Iterator[Block]:
    """Yield equal and differing stretches; past ``at_most`` only the two ends are matched."""
    shorter, head, tail = min(len(a), len(b)), 0, 0
    while head < shorter and a[head] == b[head]:
        head += 1
    while tail < shorter - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    end_a, end_b = len(a) - tail, len(b) - tail
    if head:
        yield "equal", 0, head, 0, head
    if max(end_a, end_b) - head > at_most:
        yield "replace", head, end_a, head, end_b
    else:
        inner = SequenceMatcher(None, a[head:end_a], b[head:end_b], autojunk=False)
        for tag, i1, i2, j1, j2 in inner.get_opcodes():
            yield tag, head + i1, head + i2, head + j1, head + j2
    if tail:
        yield "equal", end_a, len(a), end_b, len(b)


def text_change(a: str, b: str, path: str) -> Change:
    """Return how one text became another, word by word."""
    if max(len(a), len(b)) > LONGEST_TEXT:
        return Change(path, REPLACED, a, b, _excerpts(a, b), is_too_long=True)
    return Change(path, REPLACED, a, b, word_pieces(a, b))


def word_pieces(a: str, b: str) -> list[Piece]:
    if _is_one_word(a) and _is_one_word(b):
        # An id or a number of which only the beginning changed is another one.
        return [Piece(DELETED, a), Piece(INSERTED, b)]
    words_a, words_b = WORD.findall(a), WORD.findall(b)
    if _middle(words_a, words_b) <= WORDS_MATCHED:
        return folded(_of_words(words_a, words_b))
    lines_a, lines_b = a.splitlines(keepends=True), b.splitlines(keepends=True)
    return folded(_of_lines(lines_a, lines_b))


def line_pieces(a: str, b: str) -> list[Piece]:
    """Return how one line became another, whole: nothing of it is left out."""
    return list(_of_words(TOKEN.findall(a), TOKEN.findall(b)))


def _is_one_word(text: str) -> bool:
    return 0 < len(text) <= ONE_WORD and SPACE.search(text) is None and text.isascii()


def _middle(a: Sequence[str], b: Sequence[str]) -> int:
    """Return how many words lie between equal beginnings and ends."""
    blocks = list(matched(a, b, 0))
    spans = [max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in blocks if tag != "equal"]
    return max(spans, default=0)


def _of_words(a: Sequence[str], b: Sequence[str]) -> Iterator[Piece]:
    for tag, i1, i2, j1, j2 in matched(a, b, WORDS_MATCHED):
        if tag == "equal":
            yield Piece(SAME, "".join(a[i1:i2]))
            continue
        if i2 > i1:
            yield Piece(DELETED, "".join(a[i1:i2]))
        if j2 > j1:
            yield Piece(INSERTED, "".join(b[j1:j2]))


def _of_lines(a: Sequence[str], b: Sequence[str]) -> Iterator[Piece]:
    for tag, i1, i2, j1, j2 in matched(a, b, LINES_MATCHED):
        if tag == "equal":
            yield Piece(SAME, "".join(a[i1:i2]))
        else:
            left, right = WORD.findall("".join(a[i1:i2])), WORD.findall("".join(b[j1:j2]))
            yield from _of_words(left, right)


def _excerpts(a: str, b: str) -> list[Piece]:
    """Show two long texts from where they part."""
    head = next(
        (at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    before = Piece(SAME, a[:head])
    return folded([before, Piece(DELETED, a[head:]), Piece(INSERTED, b[head:])])


def folded(pieces: Iterator[Piece] | Sequence[Piece]) -> list[Piece]:
    """Leave out the middle of long equal passages, and the end of long differing ones."""
    joined = list(pieces)
    found: list[Piece] = []
    for at, piece in enumerate(joined):
        if piece.kind != SAME:
            found += _cut(piece)
            continue
        keep_head = CONTEXT if at else 0
        keep_tail = CONTEXT if at + 1 < len(joined) else 0
        gone = len(piece.text) - keep_head - keep_tail
        if gone <= CONTEXT:
            found.append(piece)
            continue
        found += [Piece(SAME, piece.text[:keep_head])] if keep_head else []
        found.append(Piece(LEFT_OUT, count=gone))
        found += [Piece(SAME, piece.text[-keep_tail:])] if keep_tail else []
    return found


def _cut(piece: Piece) -> list[Piece]:
    rest = len(piece.text) - PASSAGE
    if rest <= 0:
        return [piece]
    return [Piece(piece.kind, piece.text[:PASSAGE]), Piece(LEFT_OUT, count=rest)]
