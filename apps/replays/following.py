"""What becomes of replays when a session joins another, is erased, or comes at last.

The record calls in its own transaction, with ids alone: that is why rows are reached across
projects here, each time with the project's id given. Only the sweep looks over all of them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from apps.replays import linking, sealing
from apps.replays.models import Replay
from apps.sessions import reader
from apps.sessions.models import Session
from apps.tenants.models import Project

# For so long a replay's original is looked for.
WAITS_FOR = timedelta(days=30)


def move_replays(project_id: int, old: UUID, new: UUID) -> None:
    """Let replays follow their original, and reports their session, under its key."""
    _of(project_id, original_id=old).exclude(session_id=new).update(original_id=new)
    reports = list(_of(project_id, session_id=old))
    if not reports:
        return
    ciphers = reader.ciphers_of(project_id, [old, new])
    for replay in reports:
        sealing.reseal(replay, ciphers[old], ciphers[new])
        replay.session_id = new
        if replay.original_id == new:
            replay.original_id = None
    Replay.unscoped.bulk_update(reports, ["session", "original", *sealing.PARTS])


def forget_replays(project_id: int, session_id: UUID) -> None:
    """Delete the report of a session that is erased: it quotes that one and its original."""
    _of(project_id, session_id=session_id).delete()
    # Sessions made from it were erased before; what is left of it is a name.
    _of(project_id, original_id=session_id).update(original=None, original_name="")


def derived_sessions(project_id: int, session_id: UUID) -> list[UUID]:
    """Return the sessions that replayed one, also those that wait to be linked to it."""
    rows = Session.unscoped.filter(project_id=project_id, pk=session_id)
    name = rows.values_list("external_id", flat=True).first()
    names = [str(session_id), *([name] if name else [])]
    found = (
        _of(project_id, original=None, original_name__in=names),
        _of(project_id, original_id=session_id),
    )
    return [key for rows in found for key in rows.values_list("session_id", flat=True)]


def link_arrived() -> int:
    """Link replays whose originals have come since they were reported; return how many."""
    here = Session.unscoped.filter(
        project_id=OuterRef("project_id"), external_id=OuterRef("original_name")
    )
    waiting = Replay.unscoped.filter(
        original=None, reported_at__gt=timezone.now() - WAITS_FOR, original_name__gt=""
    ).exclude(session__external_id=F("original_name"))
    projects = waiting.filter(Exists(here)).values("project_id").distinct()
    return sum(map(linking.link_waiting, Project.objects.filter(pk__in=projects)))


def _of(project_id: int, **wanted: Any) -> QuerySet[Replay]:
    return Replay.unscoped.filter(project_id=project_id, **wanted)
