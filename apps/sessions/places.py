"""Where an address points to in a session: to a step, and to a time within the session."""

from __future__ import annotations

import math
import re

from apps.core.errors import DomainError, InvalidError
from apps.sessions.layout import Layout

# What an address says of the place that one stands at.
PARAMETERS = frozenset({"view", "step", "at", "t"})
MILLISECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,3})?", re.ASCII)
LONGEST_ID = 64
# Steps that one request may ask the places of.
MOST_ASKED = 200


class NoSuchStepError(DomainError):
    """The session exists, and the step that the address names does not."""

    status = 404
    title = "This session has no such step"


def find_step(layout: Layout, event_id: str, at: str, t: str = "") -> int:
    """Return the index that the address names: by id, by number or by time; the first by default.

    A time beside a step says where within the step one stands, and changes nothing here.
    """
    if event_id or at:
        # Where a clock was corrected, steps are drawn at other times than were recorded.
        read_time(t, math.inf)
        return _find(layout, event_id) if event_id else _read_number(layout, at)
    time = read_time(t, math.ceil(layout.total_ms))
    return 0 if time is None else step_at_time(layout, time)


def _find(layout: Layout, event_id: str) -> int:
    index = layout.find(event_id) if len(event_id) <= LONGEST_ID else None
    if index is None:
        named = event_id if len(event_id) <= LONGEST_ID else f"{event_id[:LONGEST_ID]}…"
        raise NoSuchStepError(
            f"step: none of its {len(layout):,} steps has the id {named}. "
            "The link may be cut short, or the step belongs to another session."
        )
    return index


def _read_number(layout: Layout, at: str) -> int:
    if not (at.isascii() and at.isdigit() and 1 <= int(at[:12]) <= len(layout)):
        raise InvalidError(f"at must be a step's number from 1 to {len(layout)}.", "at")
    return int(at) - 1


def read_time(text: str, last: float) -> float | None:
    """Return a time of the session in milliseconds since it began."""
    if not text:
        return None
    if not MILLISECONDS.fullmatch(text) or float(text) > last:
        most = "" if math.isinf(last) else f", from 0 to {last}"
        raise InvalidError(f"t must be milliseconds since the start{most}.", "t")
    return float(text)


def step_at_time(layout: Layout, time: float) -> int:
    """Return the last step that had begun by then."""
    then = layout.begins + time / 1000
    return max((at for at, start in enumerate(layout.starts) if start <= then), default=0)


def places_of(layout: Layout, ids: str) -> dict[str, int | None]:
    """Return where steps stand now, counted from 0, by their ids; None for those not there."""
    named = [event_id for event_id in ids.split(",") if event_id]
    if not 1 <= len(named) <= MOST_ASKED:
        raise InvalidError(f"steps takes 1 to {MOST_ASKED} ids, with commas.", "steps")
    return {one: layout.find(one) if len(one) <= LONGEST_ID else None for one in named}
