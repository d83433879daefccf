"""Recorded JSON as nested <details>, without any script. All text in it is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

import orjson
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

Json = Any

NODE_LIMIT = 200
# Entries of what a panel draws in trees of its own.
PAGE_NODES = 160
OPEN_LEVELS = 2
DEEPEST = 24
# A text longer than this is shown by its beginning; the raw file holds all of it.
TEXT_LIMIT = 4000
SHORT_TEXT = 160
# Of about this length on, text may be higher than its box.
LONG_TEXT = 600
# What is larger is never put into a page.
SIZE_LIMIT = 100 * 1024
EXCERPT = 2000


@dataclass(frozen=True)
class More:
    """Where the rest of a value can be had: the address of the field that it is."""

    url: str


@dataclass
class Budget:
    """How many values may still be drawn."""

    left: int = NODE_LIMIT

    @property
    def is_spent(self) -> bool:
        return self.left <= 0

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def size_of(value: Json) -> int:
    return len(orjson.dumps(value))


def excerpt(value: Json) -> str:
    """Return the beginning of a value that is too large for a page."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text[:EXCERPT]


def json_tree(
    value: Json,
    more: More | None = None,
    *,
    path: str = "",
    start: int = 0,
    page: Budget | None = None,
) -> SafeString:
    """Draw a value; what goes beyond 200 entries is counted, and can be asked for.

    ``path`` says where in the field the value lies, ``start`` which entry is the first;
    ``page`` is what all trees of a page may draw together.
    """
    budget = Budget() if page is None else Budget(min(NODE_LIMIT, page.left))
    had = budget.left
    drawn = Drawing(budget, more).draw(value, path, 0, start)
    if page is not None:
        page.left -= had - max(budget.left, 0)
    return format_html('<div class="json">{}</div>', drawn)


def json_text(value: Json) -> SafeString:
    """Write a value down as text, which a page takes more easily than a tree."""
    text = value if isinstance(value, str) else _pretty(value)
    rest = len(text) - TEXT_LIMIT
    more = f"\n… {rest:,} more characters" if rest > 0 else ""
    # What may have to be scrolled must be reachable by keyboard.
    reach = mark_safe(' tabindex="0"') if len(text) > LONG_TEXT else ""
    return format_html(
        '<pre class="text json-text" dir="auto"{}>{}{}</pre>', reach, text[:TEXT_LIMIT], more
    )


def _pretty(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


@dataclass
class Drawing:
    """One value being drawn."""

    budget: Budget
    more: More | None = None

    def draw(self, value: Json, path: str, depth: int, start: int = 0) -> SafeString:
        if not (isinstance(value, dict | list) and value and depth < DEEPEST):
            return leaf(value)
        pairs: Iterable[tuple[str, Json]] = (
            value.items()
            if isinstance(value, dict)
            else ((str(index), entry) for index, entry in enumerate(value))
        )
        rows, at = [], start
        for key, inner in islice(pairs, start, None):
            if not self.budget.take():
                break
            rows.append(self._entry(key, inner, f"{path}/{escaped(key)}", depth))
            at += 1
        if at < len(value):
            rows.append(self._rest(path, at, len(value) - at))
        return format_html("<ul>{}</ul>", mark_safe("".join(rows)))  # noqa: S308  # each is escaped

    def _rest(self, path: str, at: int, count: int) -> SafeString:
        if self.more is None:
            return format_html('<li class="muted">{} more not drawn here</li>', count)
        return format_html(
            '<li><a data-deeper href="{}?as=tree&amp;path={}&amp;from={}">{} more</a></li>',
            self.more.url,
            quote(path),
            at,
            count,
        )

    def _entry(self, key: str, value: Json, path: str, depth: int) -> SafeString:
        if isinstance(value, dict | list) and value:
            return format_html(
                "<li><details{}><summary><bdi>{}</bdi> {}</summary>{}</details></li>",
                mark_safe(" open") if depth < OPEN_LEVELS else "",
                key,
                size_note(value),
                self.draw(value, path, depth + 1),
            )
        return format_html('<li><bdi class="key">{}</bdi> {}</li>', key, leaf(value))


def escaped(key: str) -> str:
    """Return a name as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def size_note(value: Json) -> SafeString:
    brackets = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return format_html('<span class="muted">{}{}{}</span>', brackets[0], len(value), brackets[1])


def leaf(value: Json) -> SafeString:
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
        "",
        "<dt><bdi>{}</bdi></dt><dd>{}</dd>",
        ((k, Drawing(Budget()).draw(v, "", 0)) for k, v in pairs),
    )
