"""Giving back what pseudonyms stand for. It is content of the most personal kind, so who asks
says why, and the trail keeps it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.sessions import reader
from apps.sessions.models import Session
from apps.sessions.pseudonyms import values_of

LONGEST_REASON = 500


@transaction.atomic
def reveal_pseudonyms(
    session: Session, *, reason: str, tokens: Sequence[str] | None = None, actor: Actor
) -> dict[str, str]:
    """Return the values of a session's tokens, of all or of those that are asked for."""
    reason = " ".join(reason.replace("\x00", "").split())
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise InvalidError(f"Say why, in {LONGEST_REASON} characters at most.", "reason")
    values = _values(session)
    if tokens is not None:
        values = {token: values[token] for token in tokens if token in values}
    audit.record(
        actor,
        "session.reveal",
        organization_id=session.project.organization_id,
        project_id=session.project_id,
        objects=[f"session:{session.pk}"],
        detail={"reason": reason, "tokens": len(values)},
    )
    return values


def _values(session: Session) -> dict[str, str]:
    cipher = reader.ciphers([session]).get(session.pk)
    # Without its key a session has nothing to give back any more.
    return {} if cipher is None else values_of(session.project_id, session.pk, cipher)
