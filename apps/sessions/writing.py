"""The writing half of an append: one statement for all tables that are only added to.

Each table is a part of it, fed by arrays, empty ones where there is nothing to add. One
statement instead of six is most of what an append of a single event costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.sessions import chunks, event_rows, session_rows, sql, terms
from apps.sessions.arrays import arrays, selected, unnest
from apps.sessions.sums import DELTA_COLUMNS

Columns = list[tuple[str, str]]

FACET_COLUMNS: Columns = [
    ("session_id", "uuid"),
    ("facet", "text"),
    ("value", "text"),
    ("started_at", "timestamptz"),
]
INPUT_COLUMNS: Columns = [
    ("session_id", "uuid"),
    ("event_id", "uuid"),
    ("source_id", "uuid"),
    ("source_client_id", "text"),
]
DELTAS = f"""
INSERT INTO agent_sessions_metricdelta (project_id, {", ".join(name for name, _ in DELTA_COLUMNS)})
SELECT $1, {{selected}} FROM {{source}}
"""  # noqa: S608
FACETS = """
INSERT INTO agent_sessions_sessionfacet (project_id, session_id, facet, value, started_at)
SELECT $1, {selected} FROM {source} ON CONFLICT DO NOTHING
"""
INPUTS = """
INSERT INTO agent_sessions_eventinput
    (project_id, session_id, event_id, source_id, source_client_id, is_inferred)
SELECT $1, {selected}, false FROM {source} ON CONFLICT DO NOTHING
"""
# Found by their keys, as conflicts (see ``event_rows.overwriting``).
FACET_TIMES = """
INSERT INTO agent_sessions_sessionfacet (project_id, session_id, facet, value, started_at)
SELECT $1, r.session_id, f.facet, f.value, r.started_at
FROM unnest($2::uuid[], $3::timestamptz[]) AS r(session_id, started_at), LATERAL (
    SELECT f.facet, f.value FROM agent_sessions_sessionfacet f
    WHERE f.project_id = $1 AND f.session_id = r.session_id OFFSET 0
) AS f
ON CONFLICT (project_id, session_id, facet, value) DO UPDATE SET started_at = excluded.started_at
"""
_CHANGED = [name for name, _ in session_rows.COLUMNS if name != "id"]
SESSIONS = f"""
UPDATE agent_sessions_session AS s SET ({", ".join(_CHANGED)}, last_arrival_at)
    = ROW({selected([column for column in session_rows.COLUMNS if column[0] != "id"])}, now())
FROM {{source}} WHERE s.project_id = $1 AND s.id = r.id
"""  # noqa: S608

# Name: (statement, columns), in the order in which they run.
PARTS: dict[str, tuple[str, Columns]] = {
    "events": (event_rows.INSERT, event_rows.WRITTEN),
    "chunks": (chunks.INSERT, chunks.COLUMNS),
    "terms": (terms.INSERT, terms.COLUMNS),
    "facets": (FACETS, FACET_COLUMNS),
    "inputs": (INPUTS, INPUT_COLUMNS),
    "deltas": (DELTAS, DELTA_COLUMNS),
    "sessions": (SESSIONS, session_rows.COLUMNS),
}


def _statement() -> str:
    parts, first = [], 2
    for name, (text, columns) in PARTS.items():
        made = text.format(selected=selected(columns), source=unnest(columns, first))
        parts.append(f"{name} AS ({made})")
        first += len(columns)
    return f"WITH {', '.join(parts)} SELECT"


WRITE = _statement()


def write(project_id: int, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Write the rows of each part."""
    values: list[Any] = []
    for name, (_, columns) in PARTS.items():
        values += arrays(columns, rows.get(name, ()))
    sql.run(WRITE, project_id, *values)
