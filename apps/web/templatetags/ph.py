"""How numbers, times and pictures are written. Unknown is a dash, never a nought."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

UNKNOWN = "-"
MINUTE, HOUR, DAY = 60, 3600, 86_400


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
def duration(milliseconds: float | None) -> str:
    """Write a span of time with its unit: 840 ms, 12.4 s, 3 min 20 s, 2 h 05 min."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return long_duration(int(seconds))


def long_duration(seconds: int) -> str:
    if seconds < HOUR:
        return f"{seconds // MINUTE} min {seconds % MINUTE:02} s"
    if seconds < DAY:
        return f"{seconds // HOUR} h {seconds % HOUR // MINUTE:02} min"
    return f"{seconds // DAY} d {seconds % DAY // HOUR:02} h"


@register.filter
def short_number(count: int | None) -> str:
    """Write a count in few characters: 950, 8.1k, 2.4M."""
    if count is None:
        return UNKNOWN
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")):
        if count >= size:
            return f"{count / size:.1f}{unit}" if count < 100 * size else f"{count // size}{unit}"
    return str(count)


@register.filter
def number(count: int | None) -> str:
    return UNKNOWN if count is None else f"{count:,}"


@register.filter
def money(amount: Decimal | str | None) -> str:
    """Write US dollars: whole cents from a dollar up, two digits that say something below."""
    if amount is None:
        return UNKNOWN
    amount = Decimal(amount)
    if amount == 0 or abs(amount) >= 1:
        return f"${amount:,.2f}"
    if abs(amount) >= Decimal("0.01"):
        return f"${amount:.3f}"
    places = max(4, 1 - amount.adjusted())
    return f"${amount:.{places}f}"


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
