"""Who said something, and whether it is the one who acts now."""

from __future__ import annotations

from typing import Any

from apps.annotations.models import Signed
from apps.audit.actors import Actor


def signature(actor: Actor) -> dict[str, Any]:
    """Return the columns that say who wrote a row."""
    return {
        "person_id": int(actor.id) if actor.kind == "user" else None,
        "key_id": int(actor.id) if actor.kind == "key" else None,
        "by": actor.label or actor.kind,
    }


def is_own(row: Signed, actor: Actor) -> bool:
    """Tell whether the actor wrote the row. What the system wrote is nobody's own."""
    if actor.kind == "user":
        return row.person_id == int(actor.id)
    return actor.kind == "key" and row.key_id == int(actor.id)
