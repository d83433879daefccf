"""The stable words of a prompt: two texts that differ in values alone are one wording.

A text becomes a list of 32-bit numbers, one a word: 30 bits of a keyed hash, and two of what kind
of word it is. Dates, times, addresses and ids are a number that says so, whatever they say. A
wording is such a list in which places that vary are *holes*.

Whether another text is another wording or the same with other values cannot be known from two
texts alone. What is assumed: names and numbers that differ are values, unless the wording stood
still for ``SURE`` sessions; other words that differ are an edit, until ``VALUES`` texts that
differ in one place only show that the place varies (``varying``).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz.distance import Indel

# The last two bits of a word. A hole's other bits are the longest value that it held.
HOLE, PLAIN, NAME, VALUE = 0, 1, 2, 3
# What follows so many words is not compared.
MOST_WORDS = 8_000
# Sessions without a change after which a name or a number that differs is an edit.
SURE = 5
# Texts that differ in one place only, each in one session, before the place is a hole.
VALUES = 4
# Of a name that is put in, and of any value at least; then of how long it was so far.
LONGEST_NAME, LONGEST_VALUE, TIMES = 6, 8, 3
# Places in which texts may differ that are yet one wording.
MOST_PLACES = 4
# Words in common between two differences that make them one.
NEAR = 3
# From how much in common two texts are wordings of one prompt.
ALIKE = 0.5

MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b"
)
DAY = r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:\s?(?:[AaPp][Mm]\b|[AaPp]\.[Mm]\.))?"
ZONE = r"(?:\s?(?:Z|UTC|GMT|[ECMP][SD]T|CES?T)\b|[+-][0-9]{2}:?[0-9]{2})"
DATE = (
    rf"(?:[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}|[0-9]{{1,2}}[-/.][0-9]{{1,2}}[-/.][0-9]{{2,4}}"
    rf"|{MONTH}\.?\s[0-9]{{1,2}}(?:st|nd|rd|th)?(?:,?\s[0-9]{{4}})?"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|\.)?\s{MONTH}(?:,?\s[0-9]{{4}})?)"
)
MOMENT = rf"(?:{DAY},?\s)?{DATE}(?:(?:T|,?\s(?:at\s)?){CLOCK})?{ZONE}?(?:\s?\(?{DAY}\b\)?)?"
UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
# Letters and digits in one word of six or more, or a long number.
ID = r"(?=[\w-]*[0-9])(?=[\w-]*[A-Za-z_])[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*(?<=[\w-]{6})|[0-9]{5,}"
TOKEN = re.compile(
    rf"(?P<value>{UUID}|{MAIL}|\b{MOMENT}|\b{CLOCK}{ZONE}?|\b(?:{ID})\b)"
    r"|(?P<number>[0-9]+(?:[.,][0-9]+)*)|(?P<word>\w+)|(?P<sign>[^\w\s])"
)
# After these a capital letter begins a sentence and no name.
LOOKED_BACK = 8
BEGINS = re.compile(r"(?:^|[.!?:\n\r#*>\u2022-])[\s\"'(#*>\u2022-]*\Z")

# A keyed hash of a word, 30 bits.
Hash = Callable[[str], int]


class Difference(NamedTuple):
    """What stands at one place of a wording, and what another text has there."""

    start: int
    end: int
    other_start: int
    other_end: int


class Token(NamedTuple):
    """One word, its kind and where it stands."""

    kind: int
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Return the words of a text with their kinds; dates, ids and addresses are one each."""
    found = []
    for match in TOKEN.finditer(text):
        kind = PLAIN
        if match.lastgroup == "value":
            kind = VALUE
        elif match.lastgroup == "number" or _is_name(text, match):
            kind = NAME
        found.append(Token(kind, match[0], match.start(), match.end()))
        if len(found) == MOST_WORDS:
            break
    return found


def _is_name(text: str, match: re.Match[str]) -> bool:
    if match.lastgroup != "word" or not match[0][0].isupper():
        return False
    return BEGINS.search(text[max(0, match.start() - LOOKED_BACK) : match.start()]) is None


def words_of(text: str, hashed: Hash) -> list[int]:
    """Return a text as numbers."""
    return [_word(token, hashed) for token in tokens_of(text)]


def _word(token: Token, hashed: Hash) -> int:
    return VALUE if token.kind == VALUE else hashed(token.text) << 2 | token.kind


def pack(words: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


def unpack(packed: bytes | memoryview) -> list[int]:
    return list(struct.unpack(f"<{len(packed) // 4}I", packed))


def is_hole(word: int) -> bool:
    return word & 3 == HOLE


def hole(length: int) -> int:
    return length << 2


def fits(wording: Sequence[int], words: Sequence[int]) -> bool:
    """Tell whether a text is the wording with values in its holes, none of them overlong.

    As with shell patterns, each fixed run is looked for as early as it can stand.
    """
    runs, holes = _runs(wording)
    if not holes:
        return list(words) == list(wording)
    first, last = runs[0], runs[-1]
    if len(words) < sum(map(len, runs)) or list(words[: len(first)]) != first:
        return False
    end = len(words) - len(last)
    if list(words[end:]) != last:
        return False
    at = len(first)
    for longest, run in zip(holes, [*runs[1:-1], None], strict=True):
        found = end if run is None else _find(words, run, at, end)
        if found < at or found - at > max(LONGEST_VALUE, TIMES * longest):
            return False
        at = found + len(run or ())
    return True


def _runs(wording: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """Return the fixed runs, and how long each value between them was at most."""
    runs: list[list[int]] = [[]]
    holes = []
    for word in wording:
        if is_hole(word):
            runs.append([])
            holes.append(word >> 2)
        else:
            runs[-1].append(word)
    return runs, holes


def _find(words: Sequence[int], run: Sequence[int], start: int, end: int) -> int:
    if not run:
        return start
    packed, wanted = pack(words[start:end]), pack(run)
    at = packed.find(wanted)
    while at > 0 and at % 4:
        at = packed.find(wanted, at + 1)
    return -1 if at < 0 else start + at // 4


def likeness(wording: Sequence[int], words: Sequence[int]) -> float:
    """Return how much two texts have in common, 0 to 1."""
    return float(Indel.normalized_similarity(list(wording), list(words)))


def differences(wording: Sequence[int], words: Sequence[int]) -> list[Difference]:
    """Return where a text differs from a wording; differences that nearly touch are one."""
    found: list[Difference] = []
    for one in _places(wording, words):
        joined = one
        if found and one.start - found[-1].end < NEAR:
            before = found.pop()
            joined = Difference(before.start, one.end, before.other_start, one.other_end)
        found.append(joined)
    return found


def with_values(wording: Sequence[int], words: Sequence[int], repeats: int) -> list[int] | None:
    """Return the wording with holes where a text has another name or number; None: it is an edit.

    ``repeats`` says how many sessions had the wording without a new hole: what stood still for
    ``SURE`` of them is no value.
    """
    if repeats >= SURE:
        return None
    places = list(_places(wording, words))
    if not places or not all(_is_value(wording, words, place) for place in places):
        return None
    return punched(wording, places)


def _places(wording: Sequence[int], words: Sequence[int]) -> Iterator[Difference]:
    """Yield single differences, not joined with their neighbours."""
    held: Difference | None = None
    for one in Indel.opcodes(list(wording), list(words)):
        if one.tag == "equal":
            if held is not None:
                yield held
            held = None
            continue
        start, other_start = one.src_start, one.dest_start
        if held is not None:
            start, other_start = held.start, held.other_start
        held = Difference(start, one.src_end, other_start, one.dest_end)
    if held is not None:
        yield held


def _is_value(wording: Sequence[int], words: Sequence[int], place: Difference) -> bool:
    old, new = wording[place.start : place.end], words[place.other_start : place.other_end]
    if not old or not new:
        return False
    if any(word & 3 == PLAIN for word in (*old, *new)):
        return False
    return len(new) <= LONGEST_NAME and len(old) <= LONGEST_NAME


def punched(wording: Sequence[int], places: Sequence[Difference]) -> list[int]:
    """Return the wording with holes at these places."""
    made: list[int] = []
    at = 0
    for place in places:
        old = wording[place.start : place.end]
        was = sum(word >> 2 if is_hole(word) else 1 for word in old)
        made += [*wording[at : place.start], hole(max(was, place.other_end - place.other_start))]
        at = place.end
    return _joined([*made, *wording[at:]])


def _joined(words: Sequence[int]) -> list[int]:
    """Return words with holes that touch as one."""
    made: list[int] = []
    for word in words:
        if made and is_hole(word) and is_hole(made[-1]):
            made[-1] += word
        else:
            made.append(word)
    return made


def varying(wording: Sequence[int], others: Sequence[Sequence[int]]) -> list[Difference] | None:
    """Return the places in which texts vary, if they differ in the same few places alone.

    Each of ``others`` must differ from ``wording`` at as many places, and the places overlap.
    Within a place no two may say the same, or it is a choice between few and no value.
    """
    found = [differences(wording, other) for other in others]
    counts = {len(places) for places in found}
    if len(others) < VALUES - 1 or len(counts) != 1 or not 1 <= counts.pop() <= MOST_PLACES:
        return None
    joined = [_joined_place(column) for column in zip(*found, strict=True)]
    if None in joined or not _are_apart([place for place in joined if place]):
        return None
    said = {
        tuple(tuple(other[place[2] : place[3]]) for place in places)
        for other, places in zip(others, found, strict=True)
    }
    if len(said) < len(others):
        return None
    return [place for place in joined if place]


def _joined_place(column: Sequence[Difference]) -> Difference | None:
    low, high = max(one.start for one in column), min(one.end for one in column)
    # An insertion has no width: then all must stand at the same word, or touch it.
    if low > high + NEAR:
        return None
    longest = max(one.other_end - one.other_start for one in column)
    start, end = min(one.start for one in column), max(one.end for one in column)
    return Difference(start, end, 0, max(longest, end - start))


def _are_apart(places: Sequence[Difference]) -> bool:
    return all(before.end < after.start for before, after in pairwise(places))


def shown(wording: Sequence[int], text: str, hashed: Hash, blank: str) -> str:
    """Return a text that fits a wording with ``blank`` where the wording varies."""
    tokens = tokens_of(text)
    words = [_word(token, hashed) for token in tokens]
    covered = {
        at
        for place in _places(wording, words)
        if any(map(is_hole, wording[place.start : place.end]))
        for at in range(place.other_start, place.other_end)
    } | {at for at, token in enumerate(tokens) if token.kind == VALUE}
    pieces: list[str] = []
    end = 0
    for at, token in enumerate(tokens):
        if at not in covered:
            continue
        if at - 1 not in covered:
            pieces += [text[end : token.start], blank]
        end = token.end
    return "".join([*pieces, text[end:]])
