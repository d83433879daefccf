"""A body of any size, a piece at a time: as text with search in it, or as a tree.

What is larger than a page has room for is never put into one. It is cut into pieces of some
sixty thousand characters, at ends of lines where there are any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from jsonpointer import JsonPointer, JsonPointerException

from apps.core.errors import InvalidError
from apps.sessions.search_places import Segment

Json = Any

FIELDS = (
    "input",
    "output",
    "reasoning",
    "decision",
    "memory",
    "code_change",
    "params",
    "tools",
    "state",
    "state_patch",
    "metadata",
    "consent",
    "replay",
    "user",
    "user_role",
    "tags",
    "outcome",
    "flags",
    "error",
    "prompt",
    "extra",
)
PIECE = 64 * 1024
# Places that are counted, and those that are listed.
COUNTED = 10_000
LISTED = 100
LONGEST_SEARCH = 200
AROUND = 60


@dataclass(frozen=True)
class Match:
    """A place in a body: its number, the piece that it is in, and the text around it."""

    number: int
    piece: int
    before: str
    text: str
    after: str


@dataclass(frozen=True)
class Piece:
    """One piece of a body's text, and what stands around it."""

    number: int
    count: int
    length: int
    segments: Sequence[Segment]
    matches: Sequence[Match] = ()
    matched: int = 0

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.count else None


def text_of(value: Json) -> str:
    """Return a value as it is read: text as it is, JSON with a line for each entry."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def cuts(text: str) -> list[int]:
    """Return where the pieces of a text begin, and its end."""
    found, start = [0], 0
    while start + PIECE < len(text):
        line = text.rfind("\n", start + PIECE // 2, start + PIECE)
        start = line + 1 if line >= 0 else start + PIECE
        found.append(start)
    return [*found, len(text)]


def read_piece(text: str, number: int, wanted: str) -> Piece:
    """Return a piece of a text by its number, with what is searched for marked."""
    places = cuts(text)
    count = len(places) - 1
    if not 1 <= number <= count:
        raise InvalidError(f"piece must be a number from 1 to {count}.", "piece")
    low, high = places[number - 1], places[number]
    found = list(islice(_spans(text, wanted), COUNTED))
    return Piece(
        number,
        count,
        len(text),
        _segments(text, low, high, [span for span in found if low <= span[0] < high]),
        _matches(text, places, found[:LISTED]),
        len(found),
    )


def _spans(text: str, wanted: str) -> Any:
    if not wanted:
        return iter(())
    return (match.span() for match in re.finditer(re.escape(wanted), text, re.IGNORECASE))


def _segments(text: str, low: int, high: int, spans: Sequence[tuple[int, int]]) -> list[Segment]:
    segments, at = [], low
    for start, end in spans:
        segments += [Segment(text[at:start], False), Segment(text[start : min(end, high)], True)]
        at = min(end, high)
    segments.append(Segment(text[at:high], False))
    return [segment for segment in segments if segment.text]


def _matches(text: str, places: Sequence[int], spans: Sequence[tuple[int, int]]) -> list[Match]:
    matches, piece = [], 1
    for number, (start, end) in enumerate(spans, 1):
        while places[piece] <= start:
            piece += 1
        before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
        matches.append(Match(number, piece, before, text[start:end], after))
    return matches


def field_of(event: Mapping[str, Json], name: str) -> Json:
    """Return a field of a step; None where there is no such field or nothing in it."""
    return event.get(name) if name in FIELDS else None


def value_at(value: Json, path: str) -> Json:
    """Return what lies at a JSON pointer; raises InvalidError where nothing does."""
    try:
        return JsonPointer(path).resolve(value)
    except (JsonPointerException, TypeError) as error:
        raise InvalidError("path leads nowhere in this value.", "path") from error


def read_number(text: str | None, name: str, least: int = 0) -> int:
    """Return a whole number of the address."""
    if not text:
        return least
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= least):
        raise InvalidError(f"{name} must be a whole number from {least}.", name)
    return int(text[:9])
