"""What says of a session that it is a replay or a fork, and of which.

A report and the events of the new session travel apart, so either may be first: the session is
made by whichever comes, and says the same in the end.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from apps.core.errors import ConflictError
from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.choices import Facet, Origin
from apps.sessions.keys import ProjectKeys
from apps.sessions.owners import lock_sessions, make_sessions
from apps.sessions.session_rows import HeldSession, earliest, latest
from apps.sessions.writing import FACET_TIMES, write

# A sender's clock may be wrong by so much. What was here before is no replay that begins now.
CLOCKS_DIFFER = timedelta(hours=1)
# So long after its first event a replay is reported at the latest.
LONGEST = timedelta(days=1)
MADE_BY_REPLAYS = (Origin.REPLAY.value, Origin.FORK.value)

READ = """
SELECT origin, uuid_send(replay_of) FROM agent_sessions_session WHERE project_id = $1 AND id = $2
"""
MARK = """
UPDATE agent_sessions_session
SET origin = $3, replay_of = COALESCE($4, replay_of), forked_at = COALESCE($5, forked_at)
WHERE project_id = $1 AND id = $2
"""
# Found by its origin as it is now.
PUBLISH = (
    f"""
    DELETE FROM agent_sessions_sessionfacet f USING agent_sessions_session s
    WHERE s.project_id = $1 AND s.id = $2 AND f.project_id = $1 AND f.session_id = $2
        AND f.facet = '{Facet.ORIGIN.value}' AND f.value <> s.origin
    """,  # noqa: S608
    f"""
    INSERT INTO agent_sessions_sessionfacet (project_id, session_id, facet, value, started_at)
    SELECT project_id, id, '{Facet.ORIGIN.value}', origin, sort_started
    FROM agent_sessions_session WHERE project_id = $1 AND id = $2
    ON CONFLICT DO NOTHING
    """,  # noqa: S608
)
# Adoption: what was replayed, and what is a replay.
FOLLOW_ORIGINAL = """
UPDATE agent_sessions_session SET replay_of = $3
WHERE project_id = $1 AND replay_of = $2 AND is_listed AND id <> $3
"""
FOLLOW_REPLAY = """
UPDATE agent_sessions_session n
SET origin = o.origin, replay_of = o.replay_of, forked_at = o.forked_at
FROM agent_sessions_session o
WHERE o.project_id = $1 AND o.id = $2 AND o.origin IN ('replay', 'fork')
    AND n.project_id = $1 AND n.id = $3 AND n.origin IN ('live', 'demo')
    AND o.replay_of IS DISTINCT FROM n.id
"""


@dataclass(frozen=True, slots=True)
class ReplayMark:
    """What a report says of its session. ``replay_of`` is None until the original is here."""

    origin: Origin
    replay_of: uuid.UUID | None = None
    # The event at which a fork left its original.
    forked_at: uuid.UUID | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


def mark_named(keys: ProjectKeys, name: str, mark: ReplayMark) -> uuid.UUID:
    """Let the session ``name`` be a replay, making it where nothing came for it; return its id.

    Raises ConflictError for a session that cannot be one: imported, of another original, or
    here before the replay began.
    """
    held = _hold(keys, name, mark.origin)
    session_id = uuid.UUID(bytes=held.row.id)
    if not held.was_made:
        _refuse(keys.project_id, session_id, mark)
    set_mark(keys.project_id, session_id, mark)
    _widen(keys.project_id, held, mark)
    return session_id


def set_mark(project_id: int, session_id: uuid.UUID, mark: ReplayMark) -> None:
    """Say of which session a locked one is a replay; what is said already is kept."""
    sql.run(MARK, project_id, session_id, mark.origin.value, mark.replay_of, mark.forked_at)
    _publish(project_id, session_id)


def follow(project_id: int, old: uuid.UUID, new: uuid.UUID) -> bool:
    """Let what is said of a session be said of the one that it becomes part of.

    Tells whether that one is a replay by it, and is found as one.
    """
    sql.run(FOLLOW_ORIGINAL, project_id, old, new)
    if not sql.run(FOLLOW_REPLAY, project_id, old, new).rowcount:
        return False
    _publish(project_id, new)
    return True


def _hold(keys: ProjectKeys, name: str, origin: Origin) -> HeldSession:
    held, made = lock_sessions(keys, set(), {name}), set[bytes]()
    if not held:
        made = make_sessions(keys, {name}, [], origin.value)
        held = lock_sessions(keys, set(), {name})
    (session,) = held.values()
    session.was_made = session.row.id in made
    return session


def _refuse(project_id: int, session_id: uuid.UUID, mark: ReplayMark) -> None:
    ((origin, original),) = sql.rows(READ, project_id, session_id)
    if origin == Origin.IMPORT:
        raise ConflictError("A session of this name was imported. Give the replay another name.")
    if original is not None and mark.replay_of is not None and original != mark.replay_of.bytes:
        raise ConflictError("The session of this name is a replay of another session.")
    if origin in MADE_BY_REPLAYS:
        return
    # By the server's clock alone, too: a sender may say of a replay that it began at any time.
    first = timezone.now() - LONGEST
    if _made_at(session_id) < max(first, (mark.started_at or first) - CLOCKS_DIFFER):
        message = "A session of this name was here before. Give the replay a name of its own."
        raise ConflictError(message)


def _made_at(session_id: uuid.UUID) -> datetime:
    """Return when a session was made, which its id says (RFC 9562, 5.7)."""
    return datetime.fromtimestamp((session_id.int >> 80) / 1000, UTC)


def _widen(project_id: int, held: HeldSession, mark: ReplayMark) -> None:
    """Let the session begin and end with its replay, as if an event had said so."""
    row = held.row
    before = row.started_at, row.ended_at
    row.started_at = earliest(row.started_at, mark.started_at)
    row.ended_at = latest(row.ended_at, mark.ended_at)
    if (row.started_at, row.ended_at) == before and not held.was_made:
        return
    row.settle()
    write(project_id, {"sessions": [_values(held)]})
    moved = array("uuid", [row.id]), array("timestamptz", [row.sort_started])
    sql.run(FACET_TIMES, project_id, *moved)


def _values(held: HeldSession) -> tuple[object, ...]:
    return tuple(getattr(held.row, name) for name in held.row.__struct_fields__)


def _publish(project_id: int, session_id: uuid.UUID) -> None:
    for statement in PUBLISH:
        sql.run(statement, project_id, session_id)
