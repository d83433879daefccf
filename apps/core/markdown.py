"""Markdown that people and models write, as markup that can be shown.

The parser knows no HTML, so what looks like it is text. What it makes is cleaned last, by a
list of what may stay, because a mistake of the parser would be somebody's script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = frozenset(
    "a blockquote br code del em h3 h4 h5 h6 hr li ol p pre s strong ul".split()
    + "table tbody td th thead tr".split()
)
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
REL = "nofollow noopener noreferrer ugc"
# Headings of a text lie below those of the page that shows it.
LOWER = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}

_parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)


def _picture(tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    """Tell of a picture by a link: shown, it would be fetched from elsewhere."""
    address = str(tokens[at].attrs["src"])
    return format_html('<a href="{}">{}</a>', address, tokens[at].content or address)


_parser.add_render_rule("image", lambda _renderer, *asked: _picture(*asked))


def render_markdown(text: str) -> SafeString:
    """Return the markup of a text; whatever the text holds, nothing in it acts."""
    tokens = _parser.parse(text)
    for token in tokens:
        token.tag = LOWER.get(token.tag, token.tag)
    rendered = _parser.renderer.render(tokens, _parser.options, {})
    return SafeString(
        nh3.clean(
            rendered,
            tags=set(TAGS),
            attributes=ATTRIBUTES,
            attribute_filter=_outside_only,
            url_schemes=SCHEMES,
            link_rel=REL,
        )
    )


def _outside_only(tag: str, name: str, value: str) -> str | None:
    """Keep addresses that are whole: a relative one would lead to a page or an act of ours."""
    scheme = value.partition(":")[0].lower()
    return value if name != "href" or scheme in SCHEMES else None
