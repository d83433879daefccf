"""How numbers, times and pictures are written. Unknown is a dash, never a nought."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.units import (
    DAY,
    HOUR,
    MINUTE,
    UNKNOWN,
    duration,
    money,
    number,
    short_number,
)

register = template.Library()

for write in (duration, money, number, short_number):
    register.filter(write)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon of the sprite; with a label it also speaks."""
    sprite = static("ph/icons.svg")
    if not label:
        return format_html(
            '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', sprite, name
        )
    return format_html(
        '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"></use></svg>',
        label,
        sprite,
        name,
    )


@register.filter
def dash(value: object) -> object:
    """Write a dash for what is not known."""
    return UNKNOWN if value is None or value == "" else value


@register.filter
def ago(instant: datetime | None) -> str:
    """Say how long ago in one word or two; the future is 'just now', clocks differ."""
    if instant is None:
        return UNKNOWN
    seconds = int((timezone.now() - instant).total_seconds())
    if seconds < MINUTE:
        return "just now"
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


@register.simple_tag
def stamp(instant: datetime | None, style: str = "both") -> SafeString | str:
    """Write an instant as <time>, absolute in UTC, with how long ago it was."""
    if instant is None:
        return UNKNOWN
    instant = timezone.localtime(instant)
    exact = instant.strftime(f"%Y-%m-%d %H:%M:%S{'.%f' if style == 'precise' else ''}")
    since = format_html(' <span class="muted small">{}</span>', ago(instant))
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>{}',
        instant.isoformat(),
        instant.strftime("%Y-%m-%d %H:%M:%S.%f"),
        ago(instant) if style == "ago" else exact,
        since if style == "both" else "",
    )


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """Return this page's query string with some parameters changed; None removes one."""
    request = context.get("request")
    params = request.GET.copy() if request else QueryDict(mutable=True)
    for name, value in changes.items():
        if value is None:
            params.pop(name, None)
        else:
            params[name] = str(value)
    return f"?{params.urlencode()}"
