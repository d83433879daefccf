"""Chunks in the database: which contents are there, opening them, adding one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.content import (
    CODEC_ZSTD,
    DIGEST_BYTES,
    LEVEL_ON_ARRIVAL,
    find,
    join,
    pack,
    references,
    split_digests,
    unpack,
)
from apps.sessions.keys import SessionCipher
from apps.sessions.session_rows import HeldSession

Json = Any

COLUMNS = [
    ("session_id", "uuid"),
    ("number", "bigint"),
    ("tier", "bigint"),
    ("codec", "bigint"),
    ("key_version", "bigint"),
    ("digests", "bytea"),
    ("body", "bytea"),
]
INSERT = """
INSERT INTO agent_sessions_chunk
    (project_id, session_id, number, tier, codec, key_version, digests, body)
SELECT $1, {selected} FROM {source}
"""

INDEX = """
SELECT uuid_send(session_id), number, digests FROM agent_sessions_chunk
WHERE project_id = $1 AND session_id = ANY($2::uuid[])
"""

# The same, with the bodies of those chunks that hold any of a few digests; with all of them
# where these are no more than what opening one more would cost.
INDEX_AND_BODIES = """
SELECT uuid_send(session_id), number, digests, codec, CASE WHEN EXISTS (
    SELECT 1 FROM unnest($3::bytea[]) AS wanted(digest) WHERE position(digest IN digests) > 0
) OR sum(octet_length(body)) OVER () <= 65536 THEN body END
FROM agent_sessions_chunk WHERE project_id = $1 AND session_id = ANY($2::uuid[])
"""

BODIES = """
SELECT uuid_send(c.session_id), c.number, c.codec, c.digests, c.body
FROM unnest($2::uuid[], $3::bigint[]) AS r(session_id, number), LATERAL (
    SELECT * FROM agent_sessions_chunk c
    WHERE c.project_id = $1 AND c.session_id = r.session_id AND c.number = r.number OFFSET 0
) AS c
ORDER BY c.session_id, c.number
"""

# Looks of one digest into one chunk that cost less than taking every chunk's digests apart.
FEW = 5000
# Digests that the database looks for itself: a millisecond for each in a megabyte of them.
FEW_DIGESTS = 16


def new_chunks(
    contents: Iterable[tuple[HeldSession, Mapping[bytes, bytes]]],
) -> list[tuple[Any, ...]]:
    """Return the rows of one chunk for each session that has new content."""
    rows = []
    for session, parts in contents:
        if parts:
            session.row.chunk_number += 1
            session.row.chunk_count += 1
            number = session.row.chunk_number
            rows.append(chunk_row(session.row.id, session.cipher, number, parts))
    return rows


def chunk_row(
    session_id: bytes,
    cipher: SessionCipher,
    number: int,
    parts: Mapping[bytes, bytes],
    *,
    tier: int = 0,
    level: int = LEVEL_ON_ARRIVAL,
) -> tuple[Any, ...]:
    """Return the row of a chunk that holds ``parts``."""
    digests, body = pack(cipher, number, parts, level=level)
    return session_id, number, tier, CODEC_ZSTD, cipher.version, digests, body


def insert_chunks(project_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows made by ``chunk_row``."""
    if rows:
        sql.insert(INSERT, COLUMNS, project_id, rows)


def is_in(digests: bytes, digest: bytes) -> bool:
    """Return whether a packed row of digests holds this one."""
    at = digests.find(digest)
    while at % DIGEST_BYTES and at > 0:
        at = digests.find(digest, at + 1)
    return at >= 0


class Contents:
    """What chunks of some sessions hold, opened as far as it was asked for.

    Each chunk is opened once, and any number of bodies takes three queries.
    """

    def __init__(
        self, project_id: int, ciphers: Mapping[bytes, SessionCipher], *, is_small: bool = False
    ) -> None:
        self._project_id = project_id
        # Small enough that the first look brings the bodies, and saves a query.
        self._is_small = is_small
        self._ciphers = ciphers
        self._opened: dict[bytes, dict[bytes, bytes]] = defaultdict(dict)
        self._rows: Sequence[tuple[bytes, int, bytes]] | None = None
        self._places: dict[bytes, dict[bytes, int]] | None = None

    def load(self, wanted: Iterable[tuple[bytes, bytes]]) -> None:
        """Open the bodies of these (session, digest) pairs and all that they refer to."""
        wanted = list(wanted)
        self.open(wanted)
        self.open(
            (session, inner)
            for session, digest in wanted
            for inner in references(find(self._opened[session], digest))
        )

    def forget(self) -> None:
        """Let go of what has been opened, so that any number can be gone through in turn."""
        self._opened.clear()

    def body(self, session: bytes, digest: bytes | None) -> Json:
        """Return a body that was loaded, whole."""
        if digest is None:
            return None
        contents = self._opened[session]
        return join(find(contents, digest), contents)

    def opened(self, session: bytes) -> Mapping[bytes, bytes]:
        """Return what has been opened of a session, by digest."""
        return self._opened[session]

    def contents_of(self, session: bytes) -> dict[bytes, bytes]:
        """Return everything that a session's chunks hold."""
        for digest in self._index()[session]:
            self.open([(session, digest)])
        return self._opened[session]

    def open(self, wanted: Iterable[tuple[bytes, bytes]]) -> None:
        """Open the chunks that hold these (session, digest) pairs."""
        missing = {
            (session, digest) for session, digest in wanted if not self._has(session, digest)
        }
        if missing and self._rows is None and self._is_small and len(missing) <= FEW_DIGESTS:
            self._read_first({digest for _, digest in missing})
            missing = {pair for pair in missing if not self._has(*pair)}
        while missing and not self._read(self._chunks_of(missing)):
            # Compaction has merged a chunk since its digests were read.
            self._rows = self._places = None
            missing = {pair for pair in missing if not self._has(*pair)}

    def _read_first(self, digests: set[bytes]) -> None:
        """Read which chunks there are, and open those that hold these digests."""
        ids = array("uuid", list(self._ciphers))
        rows = sql.rows(INDEX_AND_BODIES, self._project_id, ids, array("bytea", list(digests)))
        self._rows = [(session, number, held) for session, number, held, _, _ in rows]
        for session, number, held, codec, body in rows:
            if body is not None:
                opened = unpack(self._ciphers[session], number, codec, held, body)
                self._opened[session].update(opened)

    def _read(self, chunks: set[tuple[bytes, int]]) -> bool:
        """Open chunks; return whether all of them are still there."""
        sessions, numbers = [s for s, _ in sorted(chunks)], [n for _, n in sorted(chunks)]
        count = 0
        for session, number, codec, digests, body in sql.run(
            BODIES, self._project_id, array("uuid", sessions), array("bigint", numbers)
        ):
            opened = unpack(self._ciphers[session], number, codec, digests, body)
            self._opened[session].update(opened)
            count += 1
        return count == len(chunks)

    def _chunks_of(self, missing: set[tuple[bytes, bytes]]) -> set[tuple[bytes, int]]:
        if self._places is None and len(missing) * len(self._digests()) <= FEW:
            return self._look(missing)
        index = self._index()
        found = ((session, index[session].get(digest)) for session, digest in missing)
        return {(session, number) for session, number in found if number is not None}

    def _look(self, missing: set[tuple[bytes, bytes]]) -> set[tuple[bytes, int]]:
        """Find the chunks of few contents without an index of all."""
        found, left = set(), set(missing)
        for session, number, digests in self._digests():
            here = {pair for pair in left if pair[0] == session and is_in(digests, pair[1])}
            if here:
                found.add((session, number))
                left -= here
        return found

    def _index(self) -> Mapping[bytes, Mapping[bytes, int]]:
        if self._places is None:
            self._places = defaultdict(dict)
            for session, number, digests in self._digests():
                self._places[session].update(dict.fromkeys(split_digests(digests), number))
        return self._places

    def _digests(self) -> Sequence[tuple[bytes, int, bytes]]:
        """Return the digests of each chunk, packed as they lie in the database."""
        if self._rows is None:
            ids = array("uuid", list(self._ciphers))
            self._rows = sql.rows(INDEX, self._project_id, ids)
        return self._rows

    def _has(self, session: bytes, digest: bytes) -> bool:
        return digest in self._opened[session]
