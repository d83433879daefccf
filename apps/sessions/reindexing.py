"""Writing terms anew: for what was recorded before there were any, or by other rules."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.chunks import BODIES
from apps.sessions.compaction import SIZES
from apps.sessions.content import unpack
from apps.sessions.keys import ProjectKeys
from apps.sessions.owners import LOCK, hold
from apps.sessions.session_rows import HeldSession
from apps.sessions.terms import DROP, insert_terms, terms_for

WITH_CHUNKS = """
SELECT DISTINCT c.session_id FROM agent_sessions_chunk c
WHERE c.project_id = $1 AND c.session_id > $2 AND ($3 OR NOT EXISTS (
    SELECT FROM agent_sessions_chunkterms t
    WHERE t.project_id = $1 AND t.session_id = c.session_id AND t.number = c.number))
ORDER BY c.session_id LIMIT $4
"""
FIRST = uuid.UUID(int=0)
BATCH = 200
# Sessions are counted up to here, in so much time; of more than can be looked at, one in a hundred.
MOST_COUNTED = 1_000
COUNT_MS = 5_000
LACKING = """
SELECT project_id, count(*) FROM (
    SELECT s.project_id FROM agent_sessions_session s {sample} WHERE EXISTS (
        SELECT FROM agent_sessions_chunk c
        WHERE c.project_id = s.project_id AND c.session_id = s.id AND NOT EXISTS (
            SELECT FROM agent_sessions_chunkterms t WHERE t.project_id = c.project_id
            AND t.session_id = c.session_id AND t.number = c.number))
    LIMIT {most}) lacking
GROUP BY project_id ORDER BY project_id
"""
SAMPLES = ("", "TABLESAMPLE SYSTEM (1)")


@dataclass(frozen=True)
class Lacking:
    """How many sessions a search does not find, by project id; at least so many."""

    sessions: Mapping[int, int]
    # False: only some of the sessions were looked at.
    is_whole: bool = True


def count_lacking() -> Lacking:
    """Count the sessions of all projects that lack terms, within a few seconds."""
    for sample in SAMPLES:
        statement = LACKING.format(sample=sample, most=MOST_COUNTED)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {COUNT_MS}")
                cursor.execute(statement)
                return Lacking(dict(cursor.fetchall()), is_whole=not sample)
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
    return Lacking({}, is_whole=False)


def sessions_to_index(
    project_id: int, *, is_all: bool, after: uuid.UUID | None = None
) -> Iterator[uuid.UUID]:
    """Yield the sessions with content, or those of them that lack terms, in the order of ids."""
    last = after or FIRST
    while found := sql.rows(WITH_CHUNKS, project_id, last, is_all, BATCH):
        for (last,) in found:
            yield last


def reindex_session(keys: ProjectKeys, session_id: bytes) -> int:
    """Write the terms of a session's chunks, in the caller's transaction; return their number."""
    ids = array("uuid", [session_id])
    found = sql.rows(LOCK, keys.project_id, ids, array("text", []))
    if not found or found[0][-1] is None:
        return 0
    session = hold(keys, found[0])
    numbers = [number for number, _, _ in sql.rows(SIZES, keys.project_id, ids)]
    sql.run(DROP, keys.project_id, ids, array("bigint", numbers))
    for number in numbers:
        _index(keys, session, number)
    return len(numbers)


def _index(keys: ProjectKeys, session: HeldSession, number: int) -> None:
    ids, numbers = array("uuid", [session.row.id]), array("bigint", [number])
    for _, _, codec, digests, body in sql.rows(BODIES, keys.project_id, ids, numbers):
        contents = unpack(session.cipher, number, codec, digests, body)
        terms = terms_for(keys).of_contents(contents.values())
        insert_terms(keys.project_id, [(session.row.id, number, sorted(terms))])
