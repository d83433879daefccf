"""The steps that people speak of, found in the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from apps.core.errors import InvalidError
from apps.sessions import reader
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session

Json = Any


def find_event(session: Session, event_id: str, path: str = "event") -> UUID:
    """Return the id of a step of the session."""
    try:
        found = UUID(hex=event_id)
    except ValueError:
        raise InvalidError(f"{path} takes the id of a step: 32 hexadecimal digits.", path) from None
    if not session.project.events.filter(session_id=session.pk, id=found).exists():
        raise InvalidError("This session has no such step.", path)
    return found


def read_events(
    session: Session, event_ids: Collection[UUID]
) -> dict[UUID, tuple[int, Mapping[str, Json]]]:
    """Return steps by their ids: each one's number and the whole event.

    The number of queries does not depend on how many they are.
    """
    layout = layout_of(session)
    places = {event_id: layout.find(event_id.hex) for event_id in event_ids}
    indexes = sorted({at for at in places.values() if at is not None})
    if not indexes:
        return {}
    read = reader.read_at(session, layout, indexes, content=True)
    return {UUID(hex=step.id): (step.seq, event) for step, event in read}
