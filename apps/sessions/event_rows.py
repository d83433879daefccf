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
CHANGED = [name for name in _NAMES if name not in {"id", "client_id", "trace"}]
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

_KEY = "project_id, session_id, id"


def overwriting(names: Sequence[str]) -> str:
    """Return the statement that writes these columns of rows that are there already.

    They are found by their key, as a conflict: to join an update with its values, the planner
    would at times read the whole project, of a young table that it knows nothing of.
    """
    rows = INSERT.format(selected=selected(WRITTEN), source=unnest(WRITTEN, 2))
    new = ", ".join(f"excluded.{name}" for name in names)
    return f"{rows} ON CONFLICT ({_KEY}) DO UPDATE SET ({', '.join(names)}) = ROW({new})"


UPDATE = overwriting([*CHANGED, "arrived_at", "transaction"])

# How a tool's call is named that one layer passed on to another (see ``counting``).
PASSED_ON = "%tools/call %"

# The events with these ids; the calls and tools directly inside of others; and the calls
# beside others that report the same answer. Looked up one by one: of a young table the
# planner knows nothing, and would read the whole project to join it with a handful of ids.
# OFFSET 0 keeps it from making joins of these.
EXISTING = f"""
SELECT uuid_send(e.session_id), {_SELECTED}
FROM unnest($2::uuid[], $3::uuid[]) AS r(session_id, id), LATERAL (
    SELECT * FROM agent_sessions_event e
    WHERE e.project_id = $1 AND e.session_id = r.session_id AND e.id = r.id OFFSET 0
) AS e
UNION ALL
SELECT uuid_send(e.session_id), {_SELECTED}
FROM unnest($4::uuid[], $5::uuid[]) AS r(session_id, id), LATERAL (
    SELECT * FROM agent_sessions_event e
    WHERE e.project_id = $1 AND e.session_id = r.session_id AND e.parent_id = r.id
        AND e.kind = 'llm' OFFSET 0
) AS e
UNION ALL
SELECT uuid_send(e.session_id), {_SELECTED}
FROM unnest($4::uuid[], $5::uuid[]) AS r(session_id, id), LATERAL (
    SELECT * FROM agent_sessions_event e
    WHERE e.project_id = $1 AND e.session_id = r.session_id AND e.parent_id = r.id
        AND e.kind = 'tool' AND e.name LIKE '{PASSED_ON}' OFFSET 0
) AS e
UNION ALL
SELECT uuid_send(e.session_id), {_SELECTED}
FROM unnest($6::uuid[], $7::uuid[], $8::text[]) AS r(session_id, parent_id, response_id),
LATERAL (
    SELECT * FROM agent_sessions_event e
    WHERE e.project_id = $1 AND e.session_id = r.session_id AND e.parent_id = r.parent_id
        AND e.response_id = r.response_id AND e.kind = 'llm' OFFSET 0
) AS e
"""  # noqa: S608

# All recorded events that may report the same call as a changed one: around it, inside of
# it, or beside it with the same answer, and so on from each of these.
FAMILY = f"""
WITH RECURSIVE kin AS (
    SELECT r.session_id, r.id, r.parent_id, r.response_id, r.kind
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])
        AS r(session_id, id, parent_id, response_id, kind)
    UNION
    SELECT kin.session_id, e.id, e.parent_id, e.response_id, e.kind FROM kin, LATERAL (
        SELECT e.id, e.parent_id, e.response_id, e.kind FROM agent_sessions_event e
        WHERE e.project_id = $1 AND e.session_id = kin.session_id AND e.id = kin.parent_id
            AND e.kind = kin.kind
        UNION ALL
        SELECT e.id, e.parent_id, e.response_id, e.kind FROM agent_sessions_event e
        WHERE e.project_id = $1 AND e.session_id = kin.session_id AND e.parent_id = kin.id
            AND e.kind = 'llm' AND kin.kind = 'llm'
        UNION ALL
        SELECT e.id, e.parent_id, e.response_id, e.kind FROM agent_sessions_event e
        WHERE e.project_id = $1 AND e.session_id = kin.session_id AND e.parent_id = kin.id
            AND e.kind = 'tool' AND kin.kind = 'tool' AND e.name LIKE '{PASSED_ON}'
        UNION ALL
        SELECT e.id, e.parent_id, e.response_id, e.kind FROM agent_sessions_event e
        WHERE e.project_id = $1 AND e.session_id = kin.session_id
            AND e.parent_id = kin.parent_id AND e.response_id = kin.response_id
            AND e.kind = 'llm' AND kin.kind = 'llm'
        OFFSET 0
    ) AS e
)
SELECT uuid_send(e.session_id), {_SELECTED}
FROM (SELECT DISTINCT session_id, id FROM kin) AS f, LATERAL (
    SELECT * FROM agent_sessions_event e
    WHERE e.project_id = $1 AND e.session_id = f.session_id AND e.id = f.id OFFSET 0
) AS e
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
    project_id: int,
    wanted: Sequence[Key],
    around: Sequence[Key] = (),
    beside: Sequence[tuple[bytes, bytes, str]] = (),
) -> list[Placed]:
    """Return the wanted events, the calls directly inside of those in ``around``, and the
    calls ``beside`` each other: with this session, parent and answer.
    """
    if not wanted:
        return []
    sessions, parents, answers = zip(*beside, strict=True) if beside else ((), (), ())
    found = sql.rows(
        EXISTING,
        project_id,
        *_turned(wanted),
        *_turned(around),
        array("uuid", sessions),
        array("uuid", parents),
        array("text", answers),
    )
    return _read(found)


def _turned(pairs: Sequence[Key]) -> tuple[Any, Any]:
    sessions, ids = [session for session, _ in pairs], [event for _, event in pairs]
    return array("uuid", sessions), array("uuid", ids)


def family_of(project_id: int, changed: Sequence[Placed]) -> list[Placed]:
    """Return the recorded events that may report the same calls as the changed ones."""
    if not changed:
        return []
    rows = [row for _, row in changed]
    return _read(
        sql.rows(
            FAMILY,
            project_id,
            array("uuid", [session for session, _ in changed]),
            array("uuid", [row.id for row in rows]),
            array("uuid", [row.parent_id for row in rows]),
            array("text", [row.response_id for row in rows]),
            array("text", [row.kind for row in rows]),
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
