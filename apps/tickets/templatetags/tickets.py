"""What the templates of tickets need."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def entry(table: Mapping[str, str], name: str) -> str:
    """Return what a table says under a name."""
    return table.get(name, name)
