"""Adoption: a trace that had a session of its own turns out to belong to a named one.

Its events, content, facets and lineage move in the same transaction; what other apps keep
about the old session moves by the handlers that they registered. The old row stays, and
says where everything went.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from apps.sessions import pseudonyms, replay_marks, sql
from apps.sessions.chunks import Contents, insert_chunks, new_chunks
from apps.sessions.keys import project_keys
from apps.sessions.models import Facet
from apps.sessions.session_rows import (
    FIRSTS,
    PERSON,
    REASON,
    TITLE,
    HeldSession,
    earliest,
    latest,
    outcome_rank,
)
from apps.sessions.terms import insert_terms, terms_rows

# (project id, the session that ends, the session that it becomes part of)
Handler = Callable[[int, uuid.UUID, uuid.UUID], None]
_handlers: list[Handler] = []

MOVES = (
    # Before the facets: a tag that the other session has already is whoever's it was there.
    f"""
    INSERT INTO agent_sessions_sessiontag (project_id, session_id, tag, given_by, given_at)
    SELECT project_id, $3, tag, given_by, given_at FROM agent_sessions_sessiontag t
    WHERE t.project_id = $1 AND t.session_id = $2 AND NOT EXISTS (
        SELECT FROM agent_sessions_sessionfacet f WHERE f.project_id = $1 AND f.session_id = $3
            AND f.facet = '{Facet.TAG.value}' AND f.value = t.tag
    )
    """,  # noqa: S608
    """
    UPDATE agent_sessions_event SET session_id = $3, claimed_session = NULL,
        arrived_at = now(), transaction = pg_current_xact_id()::text::bigint
    WHERE project_id = $1 AND session_id = $2
    """,
    """
    UPDATE agent_sessions_eventinput SET session_id = $3
    WHERE project_id = $1 AND session_id = $2
    """,
    f"""
    INSERT INTO agent_sessions_sessionfacet (project_id, session_id, facet, value, started_at)
    SELECT f.project_id, $3, f.facet, f.value, s.sort_started
    FROM agent_sessions_sessionfacet f
    JOIN agent_sessions_session s ON s.project_id = $1 AND s.id = $3
    WHERE f.project_id = $1 AND f.session_id = $2 AND f.facet <> '{Facet.ORIGIN.value}'
    ON CONFLICT DO NOTHING
    """,  # noqa: S608
)
LEAVES = (
    "DELETE FROM agent_sessions_sessiontag WHERE project_id = $1 AND session_id = $2",
    "DELETE FROM agent_sessions_sessionfacet WHERE project_id = $1 AND session_id = $2",
    "DELETE FROM agent_sessions_chunkterms WHERE project_id = $1 AND session_id = $2",
    "DELETE FROM agent_sessions_chunk WHERE project_id = $1 AND session_id = $2",
    "DELETE FROM agent_sessions_sessionkey WHERE project_id = $1 AND session_id = $2",
)
MERGED = """
UPDATE agent_sessions_session
SET merged_into_id = $3, external_id = NULL, is_listed = false, status = 'closed',
    title = NULL, firsts = '{}', event_count = 0, error_count = 0, counts = '{}', known = '{}',
    input_tokens = NULL, output_tokens = NULL, cache_read = NULL, cache_write = NULL,
    reasoning = NULL, cost = NULL,
    sort_cost = -1, outcome = NULL, outcome_code = NULL, outcome_reason = NULL,
    outcome_by = NULL, outcome_from = NULL, chunk_count = 0
WHERE project_id = $1 AND id = $2
"""


def register(handler: Handler) -> None:
    """Have ``handler`` called in the transaction of every adoption, while both keys are there."""
    _handlers.append(handler)


def adopt(project_id: int, own: HeldSession, named: HeldSession) -> None:
    """Move everything of a trace's own session into the session that the trace named."""
    contents = Contents(project_id, {own.row.id: own.cipher}).contents_of(own.row.id)
    insert_chunks(project_id, new_chunks([(named, contents)]))
    insert_terms(project_id, terms_rows(project_keys(project_id), [(named, contents)]))
    ids = (uuid.UUID(bytes=own.row.id), uuid.UUID(bytes=named.row.id))
    for statement in MOVES:
        sql.run(statement, project_id, *ids)
    pseudonyms.move(project_id, own, named)
    named.is_published |= replay_marks.follow(project_id, *ids)
    for handler in _handlers:
        handler(project_id, *ids)
    for statement in LEAVES:
        sql.run(statement, project_id, ids[0])
    sql.run(MERGED, project_id, *ids)
    _join_rows(own, named, contents)


def _join_rows(own: HeldSession, named: HeldSession, moved: Iterable[bytes]) -> None:
    row, other = named.row, own.row
    named.is_new, named.is_changed = False, True
    named.recent.update(moved)
    named.amounts.add_all(own.amounts)
    row.features |= other.features
    row.started_at = earliest(row.started_at, other.started_at)
    for name in ("last_event_at", "last_started_at", "ended_at"):
        setattr(row, name, latest(getattr(row, name), getattr(other, name)))
    for name in (*FIRSTS, "title"):
        place = other.firsts.get(name)
        if place is not None and (name not in row.firsts or place < row.firsts[name]):
            row.firsts[name] = place
            setattr(row, name, _moved(getattr(other, name), own, named, TITLE))
    _join_outcomes(own, named)


def _join_outcomes(own: HeldSession, named: HeldSession) -> None:
    row, other = named.row, own.row
    if other.outcome_from is None or (row.outcome_from or {}).get("by") == PERSON:
        return
    is_persons = other.outcome_from.get("by") == PERSON
    if (
        not is_persons
        and row.outcome_from is not None
        and outcome_rank(row.outcome_from) > outcome_rank(other.outcome_from)
    ):
        return
    row.outcome, row.outcome_code = other.outcome, other.outcome_code
    row.outcome_by, row.outcome_from = other.outcome_by, other.outcome_from
    row.outcome_reason = _moved(other.outcome_reason, own, named, REASON)


def _moved(value: Any, own: HeldSession, named: HeldSession, purpose: bytes) -> Any:
    """Seal a value again under the other session's key; clear ones stay as they are."""
    if not isinstance(value, bytes):
        return value
    return named.cipher.seal(own.cipher.open(value, purpose), purpose)
