"""Terms: the words of a chunk as keyed hashes, by which the database finds it unread.

32 bits a word: two words may share a term, so whoever finds a chunk looks into the opened
text. Each project has a key of its own, so equal words of two projects have nothing in common.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from apps.sessions import sql
from apps.sessions.content import MARK_IN_BYTES, REFERENCE
from apps.sessions.keys import ProjectKeys
from apps.sessions.session_rows import HeldSession
from apps.sessions.words import Word, words

COLUMNS = [("session_id", "uuid"), ("number", "bigint"), ("terms", "int[]")]
INSERT = """
INSERT INTO agent_sessions_chunkterms (project_id, session_id, number, terms)
SELECT $1, {selected} FROM {source}
"""
DROP = """
DELETE FROM agent_sessions_chunkterms
WHERE project_id = $1 AND session_id = ANY($2::uuid[]) AND number = ANY($3::bigint[])
"""

# A longer word is found by its beginning.
LONGEST = 64
# Files in base64 are no words; a run this long without a blank is one.
LARGE = 16 * 1024
FILE = re.compile(rb"[A-Za-z0-9+/=_-]{512,}")
# What separates words is a blank for all; backslashes and what is not ASCII need a look.
SEPARATORS = bytes(
    code if chr(code).isalnum() or chr(code) == "\\" or code > 0x7F else 0x20 for code in range(256)
)
# Words that a process keeps at hand for each of so many projects.
KEPT_WORDS = 20_000
KEPT_PROJECTS = 16
_SIMPLE_ESCAPES = (b"\\n", b"\\t", b"\\r", b'\\"', b"\\b", b"\\f")
_CONTROL = re.compile(rb"\\u00[01][0-9a-f]")


class Terms:
    """Makes the terms of one project."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.blake2b(digest_size=4, key=key)
        self._kept: dict[bytes, tuple[int, ...]] = {}

    def of_contents(self, contents: Iterable[bytes]) -> set[int]:
        """Return the terms of stored contents, which are JSON."""
        kept, found = self._kept, set[int]()
        for token in set(_plain(contents).translate(SEPARATORS).split()):
            terms = kept.get(token)
            found.update(self._of_token(token) if terms is None else terms)
        return found

    def of_words(self, found: Sequence[Word]) -> set[int]:
        """Return the terms that a text with these words has, without their parts."""
        return {self._hash(text) for text in _joined(found)}

    def _of_token(self, token: bytes) -> tuple[int, ...]:
        has_no_parts = not token.isalpha() or token.islower() or token.istitle()
        if token.isalnum() and has_no_parts:
            terms: tuple[int, ...] = (self._hash_bytes(token[:LONGEST].lower()),)
        else:
            terms = tuple(self._of_text(token.decode("utf-8", "replace")))
        # Ids hardly come again.
        if token.isalpha() and len(token) <= LONGEST:
            if len(self._kept) >= KEPT_WORDS:
                self._kept.clear()
            self._kept[token] = terms
        return terms

    def _of_text(self, text: str) -> set[int]:
        found = words(text)
        parts = {part for word in found for part in word.parts}
        singles = {word.text for word in found if word.is_unspaced}
        return self.of_words(found) | {self._hash(text) for text in parts | singles}

    def _hash(self, text: str) -> int:
        return self._hash_bytes(text[:LONGEST].encode("utf-8", "surrogatepass"))

    def _hash_bytes(self, data: bytes) -> int:
        keyed = self._keyed.copy()
        keyed.update(data)
        return int.from_bytes(keyed.digest(), "big", signed=True)


def _joined(found: Sequence[Word]) -> Iterable[str]:
    """Yield words; of a script without spaces each pair of neighbours, a single one alone."""
    for at, word in enumerate(found):
        if not word.is_unspaced:
            yield word.text
            continue
        after = found[at + 1] if at + 1 < len(found) else None
        before = found[at - 1] if at else None
        if _touch(word, after):
            yield word.text + after.text  # type: ignore[union-attr]
        elif not _touch(before, word):
            yield word.text


def _touch(first: Word | None, second: Word | None) -> bool:
    if first is None or second is None:
        return False
    return first.is_unspaced and second.is_unspaced and first.end == second.start


def _plain(contents: Iterable[bytes]) -> bytes:
    """Return contents in one, without references, files, and what JSON escapes."""
    text = b" ".join(
        FILE.sub(b" ", content) if len(content) > LARGE else content for content in contents
    )
    if MARK_IN_BYTES in text:
        text = REFERENCE.sub(b" ", text)
    if b"\\" not in text:
        return text
    # No JSON holds a zero byte, so it can stand for the backslashes of the text itself.
    text = text.replace(b"\\\\", b"\0")
    for escape in _SIMPLE_ESCAPES:
        text = text.replace(escape, b" ")
    return _CONTROL.sub(b" ", text).replace(b"\0", b"\\")


@lru_cache(maxsize=KEPT_PROJECTS)
def _terms(key: bytes) -> Terms:
    return Terms(key)


def terms_for(keys: ProjectKeys) -> Terms:
    """Return what makes the terms of a project."""
    return _terms(keys.search_key)


def terms_rows(
    keys: ProjectKeys, contents: Iterable[tuple[HeldSession, Mapping[bytes, bytes]]]
) -> list[tuple[Any, ...]]:
    """Return the rows of chunks that ``new_chunks`` has just made of the same contents."""
    terms = terms_for(keys)
    return [
        (session.row.id, session.row.chunk_number, sorted(terms.of_contents(parts.values())))
        for session, parts in contents
        if parts
    ]


def insert_terms(project_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows made by ``terms_rows``."""
    if rows:
        sql.insert(INSERT, COLUMNS, project_id, rows)
