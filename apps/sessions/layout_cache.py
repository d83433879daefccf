"""Layouts of the sessions that are being looked at, kept by each process for a while.

The page, its columns and every panel start from the same layout. Laying out 50,000 steps
takes a third of a second; stepping must not. A layout holds no content, and is found only
under the state of the session's row that it was read at, which the caller has been let to see.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from apps.sessions import reader
from apps.sessions.layout import Layout
from apps.sessions.models import Session

# Steps of all layouts together, some 13 MB; one more session of any size may be held.
STEPS_HELD = 200_000
# Small sessions have a cost of their own.
LAYOUTS_HELD = 500

Key = tuple[Any, ...]

_held: OrderedDict[Key, Layout] = OrderedDict()
_lock = Lock()


def layout_of(session: Session) -> Layout:
    """Return the session's layout, read again once anything has arrived or was read anew."""
    key = state_of(session)
    with _lock:
        held = _held.get(key)
        if held is not None:
            _held.move_to_end(key)
            return held
    read = reader.layout(session)
    with _lock:
        _held[key] = read
        _make_room()
    return read


def state_of(session: Session) -> Key:
    """Return what changes whenever the session's steps do."""
    arrived = session.last_arrival_at
    return session.project_id, session.pk, session.event_count, arrived, session.chunk_number


def _make_room() -> None:
    steps = sum(map(len, _held.values()))
    while len(_held) > 1 and (steps > STEPS_HELD or len(_held) > LAYOUTS_HELD):
        _, dropped = _held.popitem(last=False)
        steps -= len(dropped)
