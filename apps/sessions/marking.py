"""Marking words in a drawn page: in its text alone, never in its tags.

Everything that was recorded is escaped by the time it is drawn, so that whatever stands
between tags is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.sessions.search_query import SearchQuery
from apps.sessions.words import words

TAG = re.compile(r"(<[^>]*>)")
# What holds no text that is read.
SILENT = ("<svg", "<script", "<style", "<textarea", "<option")


def mark(html: str, query: SearchQuery) -> SafeString:
    """Return a page with the words of a query marked, and whatever folds them away opened."""
    pieces = TAG.split(html)
    around: list[int] = []
    opened: set[int] = set()
    silent = ""
    for at, piece in enumerate(pieces):
        if at % 2:
            silent = _silence(silent, piece)
            _follow(around, at, piece)
        elif piece and not silent and (marked := _marked(piece, query)):
            pieces[at] = marked
            opened.update(around)
    for at in opened:
        pieces[at] = _open(pieces[at])
    return mark_safe("".join(pieces))  # noqa: S308  # escaped text again, between the same tags


def _silence(silent: str, tag: str) -> str:
    """Return the tag in whose inside nothing is marked; empty outside of such."""
    if silent:
        return "" if tag.startswith(f"</{silent[1:]}") else silent
    return next((name for name in SILENT if tag.startswith(name)), "")


def _follow(around: list[int], at: int, tag: str) -> None:
    """Keep account of which <details> one is in."""
    if tag.startswith("<details"):
        around.append(at)
    elif tag.startswith("</details") and around:
        around.pop()


def _open(tag: str) -> str:
    return tag if re.search(r"\sopen\b", tag) else f"{tag[:-1]} open>"


def _marked(piece: str, query: SearchQuery) -> str:
    """Return escaped text with marks; empty where there is nothing to mark."""
    text = unescape(piece)
    if not any(item.may_be_in(text) for item in query.items):
        return ""
    return "".join(_runs(text, list(_spans(text, query))))


def _spans(text: str, query: SearchQuery) -> Iterator[tuple[int, int]]:
    """Yield what is to be marked, in order and apart from each other."""
    found, end = words(text), 0
    for low, high in sorted(span for item in query.items for span in item.places(found)):
        if low >= end:
            yield low, high
            end = high


def _runs(text: str, spans: list[tuple[int, int]]) -> Iterator[str]:
    if not spans:
        return
    at = 0
    for low, high in spans:
        yield f"{escape(text[at:low])}<mark>{escape(text[low:high])}</mark>"
        at = high
    yield str(escape(text[at:]))
