"""How amounts are written for people. Unknown is a dash, never a nought."""

from __future__ import annotations

from decimal import Decimal

UNKNOWN = "-"
MINUTE, HOUR, DAY = 60, 3600, 86_400


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
    """Write whole seconds, a minute or more, in their two largest units."""
    if seconds < HOUR:
        return f"{seconds // MINUTE} min {seconds % MINUTE:02} s"
    if seconds < DAY:
        return f"{seconds // HOUR} h {seconds % HOUR // MINUTE:02} min"
    return f"{seconds // DAY} d {seconds % DAY // HOUR:02} h"


def short_number(count: int | None) -> str:
    """Write a count in few characters: 950, 8.1k, 2.4M."""
    if count is None:
        return UNKNOWN
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")):
        if count >= size:
            return f"{count / size:.1f}{unit}" if count < 100 * size else f"{count // size}{unit}"
    return str(count)


def number(count: int | None) -> str:
    """Write a count whole, its thousands apart."""
    return UNKNOWN if count is None else f"{count:,}"


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
