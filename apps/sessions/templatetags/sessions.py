"""How recorded content is drawn in templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.sessions import json_tree as drawing
from apps.sessions.player import group_of, icon_of

register = template.Library()

PREVIEW = 80


@register.simple_tag
def json_tree(value: Any) -> SafeString:
    """Draw a JSON value, or its beginning when it is too large for a page."""
    if drawing.size_of(value) > drawing.SIZE_LIMIT:
        return format_html('<pre class="text">{}…</pre>', drawing.excerpt(value))
    return drawing.json_tree(value)


@register.filter
def preview(value: Any) -> str:
    """Return the beginning of a value on one line, for what is folded."""
    text = drawing.excerpt(value).replace("\n", " ")
    return f"{text[:PREVIEW]}…" if len(text) > PREVIEW else text


@register.simple_tag
def kind_chip(kind: str) -> SafeString:
    """Draw a kind's colour, icon and name."""
    return format_html(
        '<span class="kind kind-{}"><svg class="icon" aria-hidden="true"><use href="{}#{}"></use>'
        "</svg>{}</span>",
        group_of(kind),
        static("ph/icons.svg"),
        icon_of(kind),
        kind,
    )
