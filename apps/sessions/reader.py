"""Reading a session: its steps, and what was said in them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec

from apps.sessions import event_rows, native, outlines, sql
from apps.sessions.chunks import Contents
from apps.sessions.keys import SessionCipher, WrappedKey, project_keys
from apps.sessions.layout import Found, Layout
from apps.sessions.models import Session, SessionKey
from apps.sessions.rows import EventRow
from apps.sessions.sent import Sent, digests_in, sent_of
from apps.sessions.session_rows import REASON, TITLE
from apps.sessions.steps import Outline, Step

OUTLINE = f"""
SELECT {", ".join(outlines.COLUMNS)} FROM agent_sessions_event
WHERE project_id = $1 AND session_id = $2
ORDER BY order_at, position, id
"""  # noqa: S608

# Seconds, as times with a zone take most of the time of reading a row.
LAYOUT = """
SELECT uuid_send(id), uuid_send(parent_id), lane, kind, name,
    date_part('epoch', started_at), date_part('epoch', ended_at), status = 'error',
    CASE WHEN input_tokens IS NULL THEN output_tokens
        ELSE input_tokens + coalesce(output_tokens, 0) END,
    cost::float8, is_counted, ttft_ms
FROM agent_sessions_event
WHERE project_id = $1 AND session_id = $2
ORDER BY order_at, position, id
"""


def layout(session: Session) -> Layout:
    """Return where each step stands, from one query over few columns."""
    found = sql.rows(LAYOUT, session.project_id, session.pk)
    return Layout(session.pk, [Found(*values) for values in found])


def outline(session: Session) -> Outline:
    """Return the steps in replay order, from one query over narrow columns."""
    found = sql.rows(OUTLINE, session.project_id, session.pk)
    rows = [dict(zip(outlines.COLUMNS, values, strict=True)) for values in found]
    return Outline(session.pk, outlines.steps_of(rows))


def read_steps(
    session: Session, steps: Sequence[Step], *, content: bool, raw: bool = False
) -> list[dict[str, Any]]:
    """Return the steps in the shape of the native event, in a constant number of queries.

    ``raw`` adds what no field holds, and the spans and records that an event was made of.
    """
    rows = rows_of(session, steps)
    return _native(session, steps, rows, content=content, raw=raw)


def read_step(session: Session, event_id: str, *, raw: bool = False) -> dict[str, Any] | None:
    """Return one event whole."""
    found = layout(session)
    index = found.find(event_id)
    if index is None:
        return None
    return read_at(session, found, [index], content=True, raw=raw)[0][1]


def read_at(
    session: Session,
    found: Layout,
    indexes: Sequence[int],
    *,
    content: bool,
    raw: bool = False,
    cipher: SessionCipher | None = None,
) -> list[tuple[Step, dict[str, Any]]]:
    """Return the steps at these places, each with its event as ``read_steps`` gives it.

    Whoever has the session's cipher already hands it on.
    """
    ids = [found.id_bytes(index) for index in indexes]
    rows = rows_with(session, ids)
    steps = [step_at(found, index, row) for index, row in zip(indexes, rows, strict=True)]
    shapes = _native(session, steps, rows, content=content, raw=raw, cipher=cipher)
    return list(zip(steps, shapes, strict=True))


def read_beside(
    session: Session,
    found: Layout,
    indexes: Sequence[int],
    others: Sequence[int],
    *,
    content: bool,
    cipher: SessionCipher | None = None,
) -> tuple[list[tuple[Step, dict[str, Any]]], list[EventRow]]:
    """Return steps as ``read_at`` does, and the rows of the first of them and of ``others``.

    Whoever compares steps by their digests needs no content of the others.
    """
    ids = [found.id_bytes(index) for index in (*indexes, *others)]
    rows = rows_with(session, ids)
    count = len(indexes)
    steps = [step_at(found, at, row) for at, row in zip(indexes, rows[:count], strict=True)]
    shapes = _native(session, steps, rows[:count], content=content, raw=False, cipher=cipher)
    return list(zip(steps, shapes, strict=True)), [rows[0], *rows[count:]]


def step_at(found: Layout, index: int, row: EventRow) -> Step:
    """Return the step at a place of the layout, from its row."""
    parent = found.parents[index]
    return outlines.step_of(
        msgspec.structs.asdict(row),
        seq=index + 1,
        id=found.id(index),
        parent=None if parent < 0 else found.id(parent),
        depth=found.depths[index],
        lane=found.lanes[index],
        children=found.children[index],
    )


def titles(sessions: Sequence[Session]) -> dict[uuid.UUID, str]:
    """Return the opened titles of sessions, by id, from one query for their keys."""
    titled = {session.pk: session for session in sessions if session.title is not None}
    return {
        key: cipher.open(bytes(titled[key].title or b""), TITLE).decode()
        for key, cipher in ciphers(list(titled.values())).items()
    }


def outcome_reason(session: Session) -> str | None:
    """Return why the session ended as it did, opened."""
    if session.outcome_reason is None:
        return None
    return head(session).reason


# Sessions of so many events are read with fewer queries; of larger ones that would cost more.
SMALL = 5_000


class Head(NamedTuple):
    """What a session's own row says that is content, and what opens the rest."""

    title: str
    reason: str | None
    cipher: SessionCipher | None


def head(session: Session) -> Head:
    """Return the title and the reason of the outcome, opened, from one query for the key."""
    cipher = ciphers([session]).get(session.pk)

    def opened(sealed: Any, place: bytes) -> str | None:
        return None if sealed is None or cipher is None else cipher.open(sealed, place).decode()

    title = opened(session.title and bytes(session.title), TITLE)
    return Head(title or "", opened(session.outcome_reason, REASON), cipher)


def ciphers(sessions: Sequence[Session]) -> dict[uuid.UUID, SessionCipher]:
    """Return what opens each session; one whose key was destroyed has none."""
    if not sessions:
        return {}
    return ciphers_of(sessions[0].project_id, [session.pk for session in sessions])


def ciphers_of(
    project_id: int, session_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, SessionCipher]:
    """Return the same for sessions of a project that are known by their ids."""
    keys = project_keys(project_id)
    rows = SessionKey.unscoped.filter(project_id=project_id, session_id__in=session_ids)
    return {
        row.session_id: keys.cipher(
            row.session_id, WrappedKey(row.version, row.wrapped_by, bytes(row.wrapped))
        )
        for row in rows
    }


def bodies(
    session: Session,
    rows: Sequence[EventRow],
    names: Sequence[str],
    cipher: SessionCipher | None = None,
) -> list[list[Any]]:
    """Return the bodies of rows (``input_digest`` and so on by name), each chunk opened once."""
    digests = [[getattr(row, name) for name in names] for row in rows]
    wanted = [digest for each in digests for digest in each if digest]
    contents = contents_of(session, wanted, cipher)
    return [[contents.body(session.pk.bytes, digest) for digest in each] for each in digests]


def contents_of(
    session: Session, digests: Sequence[bytes], cipher: SessionCipher | None = None
) -> Contents:
    """Return contents of a session with these bodies loaded."""
    key = session.pk.bytes
    contents = Contents(
        session.project_id,
        {key: cipher or ciphers([session])[session.pk]},
        is_small=session.event_count <= SMALL,
    )
    contents.load((key, digest) for digest in digests)
    return contents


def rows_of(session: Session, steps: Sequence[Step]) -> list[EventRow]:
    """Return the whole rows of steps, in the steps' order."""
    return rows_with(session, [uuid.UUID(step.id).bytes for step in steps])


def rows_with(session: Session, ids: Sequence[bytes]) -> list[EventRow]:
    """Return the whole rows with these ids, in their order."""
    wanted = [(session.pk.bytes, event) for event in ids]
    found = event_rows.existing_events(session.project_id, wanted)
    rows = {row.id: row for _, row in found}
    return [rows[event] for event in ids]


def _native(
    session: Session,
    steps: Sequence[Step],
    rows: Sequence[EventRow],
    *,
    content: bool,
    raw: bool,
    cipher: SessionCipher | None = None,
) -> list[dict[str, Any]]:
    if not content:
        return [native.event(session, step, row) for step, row in zip(steps, rows, strict=True)]
    names = ("input_digest", "output_digest", "extra_digest")
    said = [
        native.Said(asked, answered, body or {})
        for asked, answered, body in bodies(session, rows, names, cipher)
    ]
    shapes = [
        native.event(session, step, row, one)
        for step, row, one in zip(steps, rows, said, strict=True)
    ]
    if raw:
        sent = sent_in(session, rows, said)
        for shape, one, entries in zip(shapes, said, sent, strict=True):
            shape["raw"] = native.raw(one, entries)
    return shapes


def sent_in(
    session: Session, rows: Sequence[EventRow], said: Sequence[native.Said]
) -> list[list[Sent]]:
    """Return the spans and records that each event was made of."""
    others = [digest for one in said for digest in digests_in(one.body)]
    contents = contents_of(session, others) if others else None

    def whole(row: EventRow, one: native.Said) -> list[Sent]:
        known = {row.input_digest: one.input, row.output_digest: one.output}

        def content(digest: bytes) -> Any:
            if digest in known or contents is None:
                return known.get(digest)
            return contents.body(session.pk.bytes, digest)

        return sent_of(row, one.body, content)

    return [whole(row, one) for row, one in zip(rows, said, strict=True)]
