"""Compaction: many small chunks become few large ones. Digests, and so all rows, stay.

One group of chunks at a time, each in a transaction of its own: a writer of the session waits
for a moment at most, and after a kill what was merged stays merged.
"""

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
# A chunk stays as it is once it is so large, sealed or opened: a step is shown by opening its
# chunk, and whatever writes to the session waits while one is made.
FULL = 1024 * 1024
FULL_OPENED = 16 * 1024 * 1024
# The tier of a chunk that is small only while it is packed.
FULL_TIER = 1000

SIZES = """
SELECT number, tier::int, octet_length(body) FROM agent_sessions_chunk
WHERE project_id = $1 AND session_id = ANY($2::uuid[]) ORDER BY number
"""
DROP = """
DELETE FROM agent_sessions_chunk
WHERE project_id = $1 AND session_id = ANY($2::uuid[]) AND number = ANY($3::bigint[])
"""
LEAVE = f"""
UPDATE agent_sessions_chunk SET tier = {FULL_TIER}
WHERE project_id = $1 AND session_id = ANY($2::uuid[]) AND number = $3
"""  # noqa: S608
COUNT = """
UPDATE agent_sessions_session SET chunk_count = $3
WHERE project_id = $1 AND id = ANY($2::uuid[]) AND chunk_count <> $3
"""
# Closed sessions with more than one chunk, open ones with 32 of a tier; the oldest first.
DUE = f"""
SELECT s.project_id, s.id FROM agent_sessions_session s
WHERE s.chunk_count > 1 AND s.is_listed AND s.id > $1
    AND (s.status = 'closed' OR s.chunk_count >= {FAN} AND EXISTS (
        SELECT FROM agent_sessions_chunk c
        WHERE c.project_id = s.project_id AND c.session_id = s.id
            AND c.tier < {FULL_TIER} AND octet_length(c.body) < {FULL}
        GROUP BY c.tier HAVING count(*) >= {FAN}))
ORDER BY s.id LIMIT $2
"""  # noqa: S608


class Sized(msgspec.Struct, frozen=True):
    """A chunk by its number, how often it was merged, and its size."""

    number: int
    tier: int
    size: int

    @property
    def is_full(self) -> bool:
        return self.size >= FULL or self.tier >= FULL_TIER


class Compacted(msgspec.Struct, frozen=True):
    """How many chunks a session has left, and whether there is more to merge."""

    left: int
    has_more: bool


def compact_group(keys: ProjectKeys, session_id: bytes) -> Compacted:
    """Merge one group of a session's chunks, in the caller's transaction.

    While the session is open, 32 of one tier become one of the next; once it is closed, all
    become one, but for chunks that are full.
    """
    ids = array("uuid", [session_id])
    found = sql.rows(LOCK, keys.project_id, ids, array("text", []))
    if not found or found[0][-1] is None:
        return Compacted(0, has_more=False)
    session = hold(keys, found[0])
    chunks = [Sized(*values) for values in sql.rows(SIZES, keys.project_id, ids)]
    group = next(groups(chunks, is_closed=session.row.status == "closed"), None)
    if group is None:
        loose = sum(not chunk.is_full for chunk in chunks)
        sql.run(COUNT, keys.project_id, ids, loose)
        return Compacted(len(chunks), has_more=False)
    merged = _merge(keys, session, group)
    return Compacted(len(chunks) - merged + 1, has_more=True)


def groups(chunks: Sequence[Sized], *, is_closed: bool) -> Iterator[list[Sized]]:
    """Yield the chunks that become one, group by group."""
    loose = [chunk for chunk in chunks if not chunk.is_full]
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
        if len(group) > 1 and sum(member.size for member in group) >= FULL:
            yield group
            group = []
    if len(group) > 1:
        yield group


def _merge(keys: ProjectKeys, session: HeldSession, group: Sequence[Sized]) -> int:
    """Make one chunk of the first of these that fit; return how many they were."""
    project_id, session_id = keys.project_id, session.row.id
    taken, contents = _open(project_id, session, group)
    numbers, ids = [chunk.number for chunk in taken], array("uuid", [session_id])
    is_full = sum(map(len, contents.values())) >= FULL_OPENED
    if len(taken) == 1:
        sql.run(LEAVE, project_id, ids, numbers[0])
        return 1
    for statement in (DROP_TERMS, DROP):
        sql.run(statement, project_id, ids, array("bigint", numbers))
    tier = FULL_TIER if is_full else max(chunk.tier for chunk in taken) + 1
    row = chunk_row(
        session_id, session.cipher, numbers[-1], contents, tier=tier, level=LEVEL_COMPACTED
    )
    insert_chunks(project_id, [row])
    terms = sorted(terms_for(keys).of_contents(contents.values()))
    insert_terms(project_id, [(session_id, numbers[-1], terms)])
    return len(taken)


def _open(
    project_id: int, session: HeldSession, group: Sequence[Sized]
) -> tuple[list[Sized], dict[bytes, bytes]]:
    """Open chunks one after the other, until what is in them is as much as one may hold."""
    taken: list[Sized] = []
    contents: dict[bytes, bytes] = {}
    opened = 0
    ids, numbers = [session.row.id] * len(group), [chunk.number for chunk in group]
    sealed = sql.rows(BODIES, project_id, array("uuid", ids), array("bigint", numbers))
    for chunk, (_, number, codec, digests, body) in zip(group, sealed, strict=True):
        found = unpack(session.cipher, number, codec, digests, body)
        opened += sum(map(len, found.values()))
        contents |= found
        taken.append(chunk)
        if opened >= FULL_OPENED:
            break
    return taken, contents
