"""Compaction: many small chunks become few large ones. Digests, and so all rows, stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.chunks import BODIES, chunk_row, insert_chunks
from apps.sessions.content import LEVEL_COMPACTED, unpack
from apps.sessions.keys import ProjectKeys
from apps.sessions.owners import LOCK, hold
from apps.sessions.session_rows import HeldSession
from apps.sessions.terms import DROP as DROP_TERMS
from apps.sessions.terms import insert_terms, terms_for

# This many chunks of one tier become one of the next.
FAN = 32
# A chunk whose sealed body is larger stays as it is: opening one must stay quick.
FULL = 8 * 1024 * 1024

SIZES = """
SELECT number, tier::int, octet_length(body) FROM agent_sessions_chunk
WHERE project_id = $1 AND session_id = ANY($2::uuid[]) ORDER BY number
"""
DROP = """
DELETE FROM agent_sessions_chunk
WHERE project_id = $1 AND session_id = ANY($2::uuid[]) AND number = ANY($3::bigint[])
"""
COUNT = """
UPDATE agent_sessions_session SET chunk_count = $3
WHERE project_id = $1 AND id = ANY($2::uuid[])
"""


class Sized(msgspec.Struct, frozen=True):
    """A chunk by its number, how often it was merged, and its size."""

    number: int
    tier: int
    size: int


def compact_session(keys: ProjectKeys, session_id: bytes) -> int:
    """Merge a session's chunks, in the caller's transaction; return how many are left.

    While it is open, 32 of one tier become one of the next; once it is closed, all become
    one, but for chunks that are full.
    """
    ids = array("uuid", [session_id])
    found = sql.rows(LOCK, keys.project_id, ids, array("text", []))
    if not found or found[0][-1] is None:
        return 0
    session = hold(keys, found[0])
    chunks = [Sized(*values) for values in sql.rows(SIZES, keys.project_id, ids)]
    left = len(chunks)
    for group in groups(chunks, is_closed=session.row.status == "closed"):
        left -= _merge(keys, session, group)
    loose = sum(chunk.size < FULL for chunk in chunks) - (len(chunks) - left)
    sql.run(COUNT, keys.project_id, ids, max(loose, 0))
    return left


def groups(chunks: Sequence[Sized], *, is_closed: bool) -> Iterator[list[Sized]]:
    """Yield the chunks that become one, group by group."""
    loose = [chunk for chunk in chunks if chunk.size < FULL]
    if is_closed:
        yield from _filled(loose)
        return
    tiers: dict[int, list[Sized]] = defaultdict(list)
    for chunk in loose:
        tiers[chunk.tier].append(chunk)
    for members in tiers.values():
        whole = len(members) // FAN * FAN
        for start in range(0, whole, FAN):
            yield from _filled(members[start : start + FAN])


def _filled(chunks: Sequence[Sized]) -> Iterator[list[Sized]]:
    group: list[Sized] = []
    for chunk in chunks:
        group.append(chunk)
        if sum(member.size for member in group) >= FULL:
            yield group
            group = []
    if len(group) > 1:
        yield group


def _merge(keys: ProjectKeys, session: HeldSession, group: Sequence[Sized]) -> int:
    """Make one chunk of several; return how many fewer there are."""
    if len(group) < 2:
        return 0
    project_id = keys.project_id
    ids, numbers = [session.row.id] * len(group), [chunk.number for chunk in group]
    contents: dict[bytes, bytes] = {}
    for _, number, codec, digests, body in sql.rows(
        BODIES, project_id, array("uuid", ids), array("bigint", numbers)
    ):
        contents |= unpack(session.cipher, number, codec, digests, body)
    for statement in (DROP_TERMS, DROP):
        sql.run(statement, project_id, array("uuid", ids[:1]), array("bigint", numbers))
    tier = max(chunk.tier for chunk in group) + 1
    row = chunk_row(
        session.row.id, session.cipher, numbers[-1], contents, tier=tier, level=LEVEL_COMPACTED
    )
    insert_chunks(project_id, [row])
    terms = sorted(terms_for(keys).of_contents(contents.values()))
    insert_terms(project_id, [(session.row.id, numbers[-1], terms)])
    return len(group) - 1
