"""The events that reports name by their senders' ids, as the record knows them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.rows import event_id

OWN_ID = re.compile("[0-9a-f]{32}")


def event_ids(session: Session, client_ids: Iterable[str | None]) -> dict[str, UUID]:
    """Return the session's events that are named, by the names; those not here (yet) left out.

    An event without a trace is found by its identity alone, in one query by key. Others are
    looked for among the events of the session; a name may be Playhead's own id, too.
    """
    wanted = {name for name in client_ids if name}
    if not wanted:
        return {}
    events = session.project.events.filter(session_id=session.pk)
    computed = {expected_id(session.external_id, name): name for name in wanted}
    keys = {**computed, **{UUID(name): name for name in wanted if OWN_ID.fullmatch(name)}}
    found = {keys[key]: key for key in events.filter(id__in=keys).values_list("id", flat=True)}
    left = wanted - found.keys()
    if left:
        rows = events.filter(client_id__in=left).order_by("order_at", "position", "id")
        for name, key in rows.values_list("client_id", "id"):
            found.setdefault(name, key)
    return found


def expected_id(name: str | None, client_id: str) -> UUID:
    """Return the id that an event without a trace has, or will have, in the session ``name``."""
    return UUID(bytes=event_id(name or "", False, client_id))


def step_id(session: Session, step: int | None) -> UUID | None:
    """Return the event that is the session's step, counted from 1."""
    found = layout_of(session)
    return UUID(found.id(step - 1)) if step and step <= len(found) else None
