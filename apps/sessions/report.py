"""The report of a session: all of it on paper, in parts where it is long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from apps.core.errors import InvalidError
from apps.sessions.export_drawing import LETTERS, Shown, draw
from apps.sessions.export_html import summary
from apps.sessions.export_walk import walk
from apps.sessions.layout_cache import layout_of
from apps.sessions.listing import short_id
from apps.sessions.models import Session

Json = Any

# Steps of one part.
PART = 200
# Failed steps of a part whose addresses are printed.
ADDRESSES = 20


def report_context(session: Session, facts: Mapping[str, Json], first: int) -> dict[str, Json]:
    """Return a part of the report that begins with the step at ``first``, from 0."""
    layout = layout_of(session)
    last = min(first + PART, len(layout))
    shown = Shown()
    drawn = "".join(draw(one, shown, is_open=True) for one in walk(session, first, last))
    failed = [at for at in layout.errors if first <= at < last]
    return {
        "facts": facts,
        "short_id": short_id(session),
        "head": safe(summary(session, facts)),
        "steps": safe(drawn),
        "letters": [(letter, group) for group, letter in LETTERS.items()],
        "failed": [layout.place(at) for at in failed[:ADDRESSES]],
        "total": len(layout),
        "count": PART,
        "first": first + 1,
        "last": last,
        "previous": max(first - PART, 0) + 1 if first else None,
        "next": last + 1 if last < len(layout) else None,
    }


def safe(drawn: str) -> SafeString:
    return mark_safe(drawn)  # noqa: S308  # every recorded text in it is escaped where it is drawn


def read_first(text: str | None, session: Session) -> int:
    """Return the index of the step that a part begins with."""
    if text is None:
        return 0
    count = len(layout_of(session))
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not is_number or not 1 <= int(text) <= max(count, 1):
        raise InvalidError(f"from must be a step's number from 1 to {count}.", "from")
    return int(text) - 1
