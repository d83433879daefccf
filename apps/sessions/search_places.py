"""Where in opened contents something stands: the field, and an excerpt around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from apps.sessions.content import MARK, references
from apps.sessions.search_query import Item
from apps.sessions.words import flattened, fold, words

Json = Any
Path = tuple[str, ...]

BEFORE, AFTER = 60, 140
# Long text is looked through in slices that overlap by more than any phrase takes.
SLICE, OVERLAP, NEAR = 16_384, 1_024, 128
# Names of fields that a convention gives; the words of a person are not among them.
FIELD_NAMES = frozenset({"role", "content", "type", "text", "parts", "messages", "name", "id"})
# What of an event's body the API shows below ``raw``.
RAW = {"extra": "raw", "sent": "raw.sent"}


@dataclass(frozen=True)
class Segment:
    """A stretch of an excerpt, and whether it is what was searched for."""

    text: str
    is_match: bool


@dataclass(frozen=True)
class Place:
    """A text in which an item stands."""

    path: Path
    text: str
    start: int


def places_in(content: bytes, item: Item) -> Iterator[Place]:
    """Yield the texts of stored content that hold the item."""
    # A mark after an escape would be taken for a part of it, so that only ASCII is judged unread.
    if content.isascii() and not item.may_be_in(content.decode()):
        return
    for path, text in _texts(orjson.loads(content), ()):
        start = _first(text, item)
        if start is not None:
            yield Place(path, text, start)


def path_to(skeleton: bytes, digest: bytes) -> Path | None:
    """Return where a skeleton refers to content."""
    return _path_to(orjson.loads(skeleton), digest.hex(), ())


def field(column: str, path: Path) -> str:
    """Return the name by which the API gives a place: ``input.messages.0.content``."""
    if column != "extra":
        return ".".join((column, *path))
    head, *rest = path or ("raw",)
    return ".".join((RAW.get(head, head), *rest))


def excerpt(place: Place, items: Sequence[Item]) -> list[Segment]:
    """Return the text around a place, cut into what matches and what does not."""
    low, high = max(0, place.start - BEFORE), min(len(place.text), place.start + AFTER)
    offset, end = _whole_words(place.text, low - NEAR, high + NEAR)
    found = words(place.text[offset:end])
    spans = sorted(
        (start + offset, end + offset) for item in items for start, end in item.places(found)
    )
    segments = list(_segments(place.text, low, high, spans))
    return (
        [Segment("…", False)] * (low > 0)
        + segments
        + [Segment("…", False)] * (high < len(place.text))
    )


def _whole_words(text: str, low: int, high: int) -> tuple[int, int]:
    """Widen a stretch of a text to blanks, so that no part of a word is taken for a word."""
    first, last = max(0, low - OVERLAP), min(len(text), high + OVERLAP)
    blank_before = text.rfind(" ", first, max(0, low))
    blank_after = text.find(" ", high, last)
    return max(blank_before, first), last if blank_after < 0 else blank_after


def _segments(
    text: str, low: int, high: int, spans: Sequence[tuple[int, int]]
) -> Iterator[Segment]:
    at = low
    for start, end in spans:
        start, end = max(start, at), min(end, high)
        if start < end:
            if at < start:
                yield Segment(text[at:start], False)
            yield Segment(text[start:end], True)
            at = end
    if at < high:
        yield Segment(text[at:high], False)


def _texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict) and MARK not in value:
        for key, inner in value.items():
            if key not in FIELD_NAMES:
                yield (*path, key), key
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _texts(inner, (*path, str(at)))
    elif isinstance(value, str):
        yield path, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, str(value)


def _first(text: str, item: Item) -> int | None:
    """Return where the item first stands in a text; as a whole, where it does so anywhere."""
    is_plain = text.isascii() and "\\" not in text
    if is_plain and (start := item.first_row(text)) is not None:
        return start
    for low in range(0, len(text), SLICE):
        part = text[low : low + SLICE + OVERLAP]
        is_last = low + len(part) == len(text)
        for near, window in _windows(part, item):
            start = _in_window(window, item, at_start=low + near == 0, at_end=is_last)
            if start is not None:
                return low + near + start
    return None


def _windows(text: str, item: Item) -> Iterator[tuple[int, str]]:
    """Yield stretches of a text that are worth reading word by word, and where they begin."""
    if _has_moved(text):
        if item.may_be_in(text):
            yield 0, text
        return
    for start, end in item.rough_places(text):
        low = max(0, start - NEAR)
        yield low, text[low : end + NEAR]


def _has_moved(text: str) -> bool:
    """Tell whether a text's places are others once it is folded."""
    if text.isascii() and "\\u" not in text:
        return False
    return len(fold(flattened(text))) != len(text)


def _in_window(window: str, item: Item, *, at_start: bool, at_end: bool) -> int | None:
    for start, end in item.places(words(window)):
        # What touches an edge may be half a word; another window has it whole.
        if (start > 0 or at_start) and (end < len(window) or at_end):
            return start
    return None


def _path_to(value: Json, digest: str, path: Path) -> Path | None:
    if isinstance(value, dict):
        if value.get(MARK) == digest:
            return path
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(str(at), inner) for at, inner in enumerate(value)]
    else:
        return None
    found = (_path_to(inner, digest, (*path, key)) for key, inner in pairs)
    return next((where for where in found if where is not None), None)


def by_inner(contents: Mapping[bytes, bytes]) -> dict[bytes, list[bytes]]:
    """Return ``{content: skeletons that refer to it}``."""
    found: dict[bytes, list[bytes]] = {}
    for outer, content in contents.items():
        for inner in references(content):
            found.setdefault(inner, []).append(outer)
    return found
