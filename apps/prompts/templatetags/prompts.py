"""How pages of the library write values and addresses."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.units import UNKNOWN, duration, money, number

register = template.Library()

LONGEST = 4_000


@register.simple_tag
def json(value: Any) -> str:
    """Write a value as JSON, the beginning of a long one."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


@register.simple_tag(takes_context=True)
def set_query(context: template.Context, name: str, value: str) -> str:
    """Return this page's query string with the parameter of that name changed."""
    params = context["request"].GET.copy()
    params[name] = value
    return f"?{params.urlencode()}"


@register.simple_tag
def estimate(told: Any, unit: str) -> SafeString:
    """Write a number with the interval that it comes with; unknown is a dash."""
    if told is None:
        return format_html('<span class="muted">{}</span>', UNKNOWN)
    write = WRITERS[unit]
    if told.low is None:
        return format_html('{} <span class="pr-interval">too few</span>', write(told.value))
    return format_html(
        '{} <span class="pr-interval">[{}, {}]</span>',
        write(told.value),
        write(told.low),
        write(told.high),
    )


def share(value: float) -> str:
    """Write a share as percent, small ones with a digit more."""
    return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


WRITERS: dict[str, Callable[[float], object]] = {
    "share": share,
    "duration": duration,
    "number": lambda value: number(round(value)),
    "money": lambda value: money(Decimal(repr(value))),
    "score": lambda value: f"{value:.2f}",
}
