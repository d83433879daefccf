"""Parts of the list's rows that every row has: drawn in Python, for a page has fifty of each."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.sessions.strips import HEIGHT, WIDTH, Strip

register = template.Library()

NONE = mark_safe('<span class="none">-</span>')


@register.simple_tag
def step_strip(strip: Strip | None) -> SafeString:
    """Draw the steps of a session in their order; the title says them in words."""
    if strip is None or not strip.paths:
        return NONE
    return format_html(
        '<svg class="step-strip" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>',
        WIDTH,
        HEIGHT,
        strip.label,
        format_html_join("", '<path class="kind-{}" d="{}"/>', strip.paths),
    )


@register.simple_tag
def words(values: Sequence[str], icon: SafeString | str = "") -> SafeString | str:
    """Write the first of some values, and how many more there are."""
    if not values:
        return ""
    more = format_html('<span class="muted small">+{}</span>', len(values) - 1)
    return format_html(
        '<span class="words" title="{}"><bdi class="tag">{}{}</bdi>{}</span>',
        ", ".join(values),
        icon,
        values[0],
        more if len(values) > 1 else "",
    )
