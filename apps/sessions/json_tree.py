"""Recorded JSON as nested <details>, without any script. All text in it is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

Json = Any

NODE_LIMIT = 200
OPEN_LEVELS = 2
DEEPEST = 24
# A text longer than this is shown by its beginning; the raw file holds all of it.
TEXT_LIMIT = 4000
SHORT_TEXT = 160
# What is larger is never put into a page.
SIZE_LIMIT = 100 * 1024
EXCERPT = 2000


@dataclass
class Budget:
    """How many values may still be drawn."""

    left: int = NODE_LIMIT

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def size_of(value: Json) -> int:
    return len(orjson.dumps(value))


def excerpt(value: Json) -> str:
    """Return the beginning of a value that is too large for a page."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text[:EXCERPT]


def json_tree(value: Json) -> SafeString:
    """Draw a value; what goes beyond 200 entries is counted, not drawn."""
    return format_html('<div class="json">{}</div>', _draw(value, Budget(), 0))


def _draw(value: Json, budget: Budget, depth: int) -> SafeString:
    if isinstance(value, dict) and value and depth < DEEPEST:
        return _branch(value.items(), len(value), budget, depth)
    if isinstance(value, list) and value and depth < DEEPEST:
        numbered = ((str(index), entry) for index, entry in enumerate(value))
        return _branch(numbered, len(value), budget, depth)
    return _leaf(value)


def _branch(
    entries: Iterable[tuple[str, Json]], count: int, budget: Budget, depth: int
) -> SafeString:
    rows, drawn = [], 0
    for key, value in entries:
        if not budget.take():
            break
        rows.append(_entry(key, value, budget, depth))
        drawn += 1
    if drawn < count:
        rows.append(format_html('<li class="muted">{} more not drawn here</li>', count - drawn))
    return format_html("<ul>{}</ul>", mark_safe("".join(rows)))  # noqa: S308  # each is escaped


def _entry(key: str, value: Json, budget: Budget, depth: int) -> SafeString:
    if isinstance(value, dict | list) and value:
        return format_html(
            "<li><details{}><summary><bdi>{}</bdi> {}</summary>{}</details></li>",
            mark_safe(" open") if depth < OPEN_LEVELS else "",
            key,
            _size_note(value),
            _draw(value, budget, depth + 1),
        )
    return format_html('<li><bdi class="key">{}</bdi> {}</li>', key, _leaf(value))


def _size_note(value: Json) -> SafeString:
    brackets = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return format_html('<span class="muted">{}{}{}</span>', brackets[0], len(value), brackets[1])


def _leaf(value: Json) -> SafeString:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return format_html('<span class="scalar">{}</span>', orjson.dumps(value).decode())
    return format_html('<span class="scalar">{}</span>', orjson.dumps(value).decode()[:TEXT_LIMIT])


def _text(value: str) -> SafeString:
    if len(value) <= SHORT_TEXT and "\n" not in value:
        return format_html('<bdi class="string">{}</bdi>', value or '""')
    rest = len(value) - TEXT_LIMIT
    more = f"\n… {rest:,} more characters" if rest > 0 else ""
    return format_html(
        '<span class="string block" dir="auto">{}{}</span>', value[:TEXT_LIMIT], more
    )


def definition_rows(pairs: Iterable[tuple[str, Json]]) -> SafeString:
    """Draw name and value pairs of a <dl>; values may be any JSON."""
    return format_html_join(
        "", "<dt><bdi>{}</bdi></dt><dd>{}</dd>", ((k, _draw(v, Budget(), 0)) for k, v in pairs)
    )
