"""Reading and writing event rows: any number of them in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import orjson

from apps.sessions import sql
from apps.sessions.arrays import array, arrays, selected, unnest
from apps.sessions.rows import COLUMNS, EventRow

# A session's id and an event's, 16 bytes each.
Key = tuple[bytes, bytes]
# A session's id and a row.
Placed = tuple[bytes, EventRow]

_NAMES = [name for name, _ in COLUMNS]
_JSON_AT = [at for at, (_, type_name) in enumerate(COLUMNS) if type_name == "jsonb"]
WRITTEN = [("session_id", "uuid"), *COLUMNS]
_CHANGED = [name for name in _NAMES if name not in {"id", "client_id", "trace"}]
_SELECTED = ", ".join(
    f"uuid_send(e.{name})"
    if type_name == "uuid"
    else f"e.{name}::text"
    if type_name == "jsonb"
    else f"e.{name}"
    for name, type_name in COLUMNS
)

INSERT = f"""
INSERT INTO agent_sessions_event
    (project_id, session_id, {", ".join(_NAMES)}, arrived_at, transaction)
SELECT $1, {{selected}}, now(), pg_current_xact_id()::text::bigint FROM {{source}}
"""  # noqa: S608

_NEW_VALUES = selected([column for column in COLUMNS if column[0] in _CHANGED])
UPDATE = f"""
UPDATE agent_sessions_event AS e
SET ({", ".join(_CHANGED)}, arrived_at, transaction)
    = ROW({_NEW_VALUES}, now(), pg_current_xact_id()::text::bigint)
FROM {unnest(WRITTEN, 2)}
WHERE e.project_id = $1 AND e.session_id = r.session_id AND e.id = r.id
"""  # noqa: S608

# The events with these ids, and the calls directly inside of others. Joins, as an OR over
# two lists would read the whole session.
EXISTING = f"""
SELECT uuid_send(e.session_id), {_SELECTED}
FROM unnest($2::uuid[], $3::uuid[]) AS r(session_id, id)
JOIN agent_sessions_event e
    ON e.project_id = $1 AND e.session_id = r.session_id AND e.id = r.id
UNION ALL
SELECT uuid_send(e.session_id), {_SELECTED}
FROM unnest($4::uuid[], $5::uuid[]) AS r(session_id, id)
JOIN agent_sessions_event e
    ON e.project_id = $1 AND e.session_id = r.session_id AND e.parent_id = r.id
WHERE e.kind = 'llm'
"""  # noqa: S608

# The calls around and inside of changed calls: up from their parents, down from them.
FAMILY = f"""
WITH RECURSIVE up AS (
    SELECT e.session_id, e.id, e.parent_id
    FROM unnest($2::uuid[], $4::uuid[]) AS r(session_id, id)
    JOIN agent_sessions_event e
        ON e.project_id = $1 AND e.session_id = r.session_id AND e.id = r.id
    WHERE e.kind = 'llm'
    UNION
    SELECT e.session_id, e.id, e.parent_id FROM up
    JOIN agent_sessions_event e
        ON e.project_id = $1 AND e.session_id = up.session_id AND e.id = up.parent_id
    WHERE e.kind = 'llm'
), down AS (
    SELECT e.session_id, e.id
    FROM unnest($2::uuid[], $3::uuid[]) AS r(session_id, id)
    JOIN agent_sessions_event e
        ON e.project_id = $1 AND e.session_id = r.session_id AND e.parent_id = r.id
    WHERE e.kind = 'llm'
    UNION
    SELECT e.session_id, e.id FROM down
    JOIN agent_sessions_event e
        ON e.project_id = $1 AND e.session_id = down.session_id AND e.parent_id = down.id
    WHERE e.kind = 'llm'
)
SELECT uuid_send(e.session_id), {_SELECTED}
FROM (SELECT session_id, id FROM up UNION SELECT session_id, id FROM down) AS f
JOIN agent_sessions_event e
    ON e.project_id = $1 AND e.session_id = f.session_id AND e.id = f.id
"""  # noqa: S608

ALL = f"""
SELECT uuid_send(e.session_id), {_SELECTED} FROM agent_sessions_event e
WHERE e.project_id = $1 AND e.session_id = $2
"""  # noqa: S608


def update_events(project_id: int, placed: Sequence[Placed]) -> None:
    """Write events that are there already."""
    if placed:
        sql.run(UPDATE, project_id, *arrays(WRITTEN, written(placed)))


def existing_events(
    project_id: int, wanted: Sequence[Key], calls: Sequence[Key] = ()
) -> list[Placed]:
    """Return the wanted events and the calls directly inside of ``calls``."""
    if not wanted:
        return []
    return _read(sql.rows(EXISTING, project_id, *_turned(wanted), *_turned(calls)))


def _turned(pairs: Sequence[Key]) -> tuple[Any, Any]:
    sessions, ids = [session for session, _ in pairs], [event for _, event in pairs]
    return array("uuid", sessions), array("uuid", ids)


def family_of(project_id: int, changed: Sequence[Placed]) -> list[Placed]:
    """Return the recorded calls around and inside of the changed ones."""
    if not changed:
        return []
    return _read(
        sql.rows(
            FAMILY,
            project_id,
            array("uuid", [session for session, _ in changed]),
            array("uuid", [row.id for _, row in changed]),
            array("uuid", [row.parent_id for _, row in changed]),
        )
    )


def all_events(project_id: int, session_id: Any) -> list[EventRow]:
    """Return every event of a session."""
    return [row for _, row in _read(sql.rows(ALL, project_id, session_id))]


def written(placed: Iterable[Placed]) -> list[tuple[Any, ...]]:
    """Return the values of rows in the order of WRITTEN."""
    return [(session, *msgspec.structs.astuple(row)) for session, row in placed]


def _read(found: Iterable[Sequence[Any]]) -> list[Placed]:
    return [(values[0], _row(values[1:])) for values in found]


def _row(values: Sequence[Any]) -> EventRow:
    read = dict(zip(_NAMES, values, strict=True))
    for at in _JSON_AT:
        if read[_NAMES[at]] is not None:
            read[_NAMES[at]] = orjson.loads(read[_NAMES[at]])
    return EventRow(**read)
