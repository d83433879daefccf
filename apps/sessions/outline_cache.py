"""Outlines of the sessions that are being looked at, kept by each process for a while.

The page, its columns and every panel start from the same outline. Laying out 50,000 steps
takes a second; stepping must not. An outline holds no content, and is found only under the
state of the session's row that it was read at, which the caller has been let to see.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from apps.sessions import reader
from apps.sessions.models import Session
from apps.sessions.steps import Outline

# Steps of all outlines together; one more session of any size may be held.
STEPS_HELD = 100_000

_held: OrderedDict[tuple[Any, ...], Outline] = OrderedDict()
_lock = Lock()


def outline_of(session: Session) -> Outline:
    """Return the session's outline, read again once anything has arrived or was read anew."""
    state = session.event_count, session.last_arrival_at, session.chunk_number
    key = (session.project_id, session.pk, *state)
    with _lock:
        held = _held.get(key)
        if held is not None:
            _held.move_to_end(key)
            return held
    read = reader.outline(session)
    with _lock:
        _held[key] = read
        _make_room()
    return read


def _make_room() -> None:
    steps = sum(len(outline.steps) for outline in _held.values())
    while steps > STEPS_HELD and len(_held) > 1:
        _, dropped = _held.popitem(last=False)
        steps -= len(dropped.steps)
