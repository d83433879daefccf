"""Commands and code to be copied, in the setup page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import Node, NodeList, Parser, Token
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.web.templatetags.ph import icon

register = template.Library()


class SnippetNode(Node):
    """A block of code under a button that copies it."""

    def __init__(self, name: str, label: str, nodes: NodeList) -> None:
        self.name, self.label, self.nodes = name, label, nodes

    def render(self, context: Any) -> SafeString:
        return format_html(
            '<div class="snippet"><button type="button" class="button small js-only" '
            'data-copy="#{}">{}<span>Copy</span></button>'
            '<pre id="{}" tabindex="0" role="region" aria-label="{}">{}</pre></div>',
            self.name,
            icon("copy"),
            self.name,
            self.label,
            self._text(context),
        )

    def _text(self, context: Any) -> str:
        """Return what is to be copied, with nothing escaped yet: that happens once, around it."""
        escapes, context.autoescape = context.autoescape, False
        try:
            return str(self.nodes.render(context)).strip()
        finally:
            context.autoescape = escapes


@register.tag
def snippet(parser: Parser, token: Token) -> SnippetNode:
    """``{% snippet "id" "Label" %}text{% endsnippet %}``"""
    _, name, label = token.split_contents()
    nodes = parser.parse(("endsnippet",))
    parser.delete_first_token()
    return SnippetNode(name.strip('"'), label.strip('"'), nodes)
