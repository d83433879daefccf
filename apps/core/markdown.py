"""Markdown that people and models write, as markup that can be shown.

The parser knows no HTML, so what looks like it is text. What it makes is cleaned last, by a
list of what may stay, because a mistake of the parser would be somebody's script.
"""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

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
# A picture would be fetched from elsewhere; its address is shown as text.
_parser.disable("image")


def render_markdown(text: str) -> SafeString:
    """Return the markup of a text; whatever the text holds, nothing in it acts."""
    tokens = _parser.parse(text)
    for token in tokens:
        token.tag = LOWER.get(token.tag, token.tag)
    rendered = _parser.renderer.render(tokens, _parser.options, {})
    return SafeString(
        nh3.clean(
            rendered, tags=set(TAGS), attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel=REL
        )
    )
