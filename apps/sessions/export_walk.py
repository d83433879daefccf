"""Going through all that a session holds, step by step, while holding only a little of it.

Whoever takes a session away takes all of it, and it may be larger than memory: rows are read
in portions, and what was opened for them is let go of when it has grown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from apps.core.errors import ConflictError
from apps.sessions import native, reader
from apps.sessions.chunks import Contents
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.rows import EventRow
from apps.sessions.steps import Step

# Steps whose rows are read at once.
PORTION = 50
# Portions after which what is open is weighed, which takes as long as there is much of it.
WEIGHED = 8
# Bytes of opened content that are held from one portion to the next.
BYTES_HELD = 16 * 1024 * 1024
BODIES = ("input_digest", "output_digest", "extra_digest")


class Walked(NamedTuple):
    """One step with its row and all that was said in it."""

    step: Step
    row: EventRow
    said: native.Said


def walk(session: Session, start: int = 0, end: int | None = None) -> Iterator[Walked]:
    """Yield the steps in replay order, as they were when the walk began.

    No connection or cursor is held between two steps, so it may go on in another thread.
    """
    layout, contents = layout_of(session), _contents(session)
    last = len(layout) if end is None else min(end, len(layout))
    for number, begin in enumerate(range(start, last, PORTION), start=1):
        places = range(begin, min(begin + PORTION, last))
        rows = reader.rows_with(session, [layout.id_bytes(at) for at in places])
        _load(contents, session, rows)
        for at, row in zip(places, rows, strict=True):
            yield Walked(reader.step_at(layout, at, row), row, _said(contents, session, row))
        if number % WEIGHED == 0 and held(contents, session) > BYTES_HELD:
            contents.forget()


def _contents(session: Session) -> Contents:
    cipher = reader.ciphers([session]).get(session.pk)
    if cipher is None:
        raise ConflictError("The key of this session was destroyed; nothing of it opens.")
    return Contents(session.project_id, {session.pk.bytes: cipher})


def _load(contents: Contents, session: Session, rows: Sequence[EventRow]) -> None:
    key = session.pk.bytes
    digests = (getattr(row, name) for row in rows for name in BODIES)
    contents.load((key, digest) for digest in digests if digest is not None)


def _said(contents: Contents, session: Session, row: EventRow) -> native.Said:
    asked, answered, body = (contents.body(session.pk.bytes, getattr(row, name)) for name in BODIES)
    return native.Said(asked, answered, body or {})


def held(contents: Contents, session: Session) -> int:
    """Return how many bytes of a session are open."""
    return sum(map(len, contents.opened(session.pk.bytes).values()))
