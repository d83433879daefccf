"""How recorded content is drawn in templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.diff_table import diff_table
from apps.core.line_diff import Diff
from apps.core.markdown import render_markdown
from apps.sessions import json_tree as drawing
from apps.sessions.files import FilePart, file_of
from apps.sessions.marking import mark
from apps.sessions.player import group_of, icon_of
from apps.sessions.transcript import Room

register = template.Library()

PREVIEW = 80


@register.simple_tag(takes_context=True)
def json_tree(context: template.Context, value: Any) -> SafeString:
    """Draw a JSON value as far as the page has room for it, else write it down as text."""
    page = context.get("budget")
    if context.get("as_text") or (page is not None and page.is_spent):
        return drawing.json_text(value)
    if drawing.size_of(value) > drawing.SIZE_LIMIT:
        return format_html('<pre class="text">{}…</pre>', drawing.excerpt(value))
    return drawing.json_tree(value, page=page)


@register.simple_tag(takes_context=True)
def formatted(context: template.Context, text: str) -> SafeString | None:
    """Return an answer's Markdown drawn, None once the page has drawn as much as it may."""
    room: Room = context["markdown"]
    return render_markdown(text) if room.take(len(text)) else None


@register.simple_tag
def file_part(value: Any) -> FilePart:
    return file_of(value)


@register.simple_tag
def code_diff(diff: Diff, is_split: bool) -> SafeString:
    return diff_table(diff, is_split=is_split)


@register.tag
def marked(parser: Parser, token: Token) -> MarkedNode:
    """Mark the words that are searched for in whatever stands up to ``endmarked``."""
    inside = parser.parse(("endmarked",))
    parser.delete_first_token()
    return MarkedNode(inside)


class MarkedNode(template.Node):
    def __init__(self, nodelist: template.NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> SafeString:
        drawn = self.nodelist.render(context)
        query = context.get("marked")
        return mark(drawn, query) if query else drawn


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
