"""Writing terms anew: for what was recorded before there were any, or by other rules."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

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
