"""Whose events are these? Finds, makes and locks the sessions of an append.

Locks are taken in one order by everybody: traces by id, new sessions by their external id,
sessions by id. So two appends never wait for each other in a ring, and a session has one
writer at a time.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from apps.core.ids import uuid7
from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.content import split_digests
from apps.sessions.drafts import Draft, settle
from apps.sessions.events import Loss
from apps.sessions.keys import ProjectKeys, WrappedKey
from apps.sessions.models import Facet
from apps.sessions.session_rows import SELECTED, HeldSession, session_row

# How far back an append looks for content that is there already, in chunks, in contents of
# all and in bytes of digests of each. A miss costs space, never correctness.
RECENT = 32
RECENT_CONTENTS = 4096
RECENT_BYTES = 16 * RECENT_CONTENTS
# A longer trace id is known by its hash, so that it fits an index.
LONGEST_TRACE = 200

# Traces are locked by the update, then the sessions that they or the events name. A new
# trace is not among any session's; nor is one whose session was made after this statement
# began. Digests may be of before the lock was had: a miss costs space only.
FIND = f"""
WITH t AS (
    INSERT INTO agent_sessions_trace AS t (project_id, id, session_id, is_weak)
    SELECT $1, r.id, NULL, false FROM unnest($2::text[]) AS r(id) ORDER BY r.id
    ON CONFLICT (project_id, id) DO UPDATE SET session_id = t.session_id
    RETURNING t.id, t.session_id, t.is_weak
)
SELECT {SELECTED}, s.external_id, k.version, k.wrapped_by, k.wrapped,
    ARRAY(SELECT t.id FROM t WHERE t.session_id = s.id AND NOT t.is_weak),
    ARRAY(SELECT t.id FROM t WHERE t.session_id = s.id AND t.is_weak),
    ARRAY(
        SELECT substring(c.digests FROM greatest(1, octet_length(c.digests) - $5 + 1))
        FROM agent_sessions_chunk c
        WHERE c.project_id = $1 AND c.session_id = s.id
        ORDER BY c.number DESC LIMIT $4
    )
FROM agent_sessions_session s
LEFT JOIN agent_sessions_sessionkey k ON k.project_id = s.project_id AND k.session_id = s.id
WHERE s.project_id = $1
    AND (s.id = ANY(ARRAY(SELECT t.session_id FROM t)) OR s.external_id = ANY($3::text[]))
ORDER BY s.id FOR NO KEY UPDATE OF s
"""  # noqa: S608

TRACES = """
SELECT t.id, uuid_send(t.session_id), t.is_weak FROM agent_sessions_trace t
WHERE t.project_id = $1 AND t.id = ANY($2::text[])
"""

# Sessions that hold more than the traces that would leave them.
SHARED = """
SELECT uuid_send(s.id) FROM unnest($2::uuid[]) AS s(id)
WHERE EXISTS (
    SELECT FROM agent_sessions_trace t
    WHERE t.project_id = $1 AND t.session_id = s.id AND t.id <> ALL($3::text[])
) OR EXISTS (
    SELECT FROM agent_sessions_event e
    WHERE e.project_id = $1 AND e.session_id = s.id AND e.trace IS NULL
)
"""

# Found by their keys, as conflicts (see ``event_rows.overwriting``).
POINT_TRACES = """
INSERT INTO agent_sessions_trace (project_id, id, session_id, is_weak)
SELECT $1, r.id, r.session_id, r.is_weak
FROM unnest($2::text[], $3::uuid[], $4::boolean[]) AS r(id, session_id, is_weak)
ON CONFLICT (project_id, id) DO UPDATE
SET (session_id, is_weak) = ROW(excluded.session_id, excluded.is_weak)
"""

MAKE_SESSIONS = """
WITH made AS (
    INSERT INTO agent_sessions_session (
        project_id, id, external_id, origin, status, is_listed, firsts, counts, known,
        event_count, error_count, sort_started, sort_cost, sort_duration, features, fidelity,
        chunk_number, chunk_count)
    SELECT $1, r.id, r.external_id, $4, 'open', true, '{}', '{}', '{}',
        0, 0, '0001-01-01 00:00:00+00', -1, -1, 0, 0, 0, 0
    FROM unnest($2::uuid[], $3::text[]) AS r(id, external_id) ORDER BY r.external_id
    ON CONFLICT (project_id, external_id) DO NOTHING
    RETURNING id
)
SELECT uuid_send(id) FROM made
"""

MAKE_KEYS = """
INSERT INTO agent_sessions_sessionkey (project_id, session_id, version, wrapped_by, wrapped)
SELECT $1, r.session_id, r.version, r.wrapped_by, r.wrapped
FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bytea[])
    AS r(session_id, version, wrapped_by, wrapped)
"""

LOCK = f"""
SELECT {SELECTED}, s.external_id, k.version, k.wrapped_by, k.wrapped
FROM agent_sessions_session s
LEFT JOIN agent_sessions_sessionkey k ON k.project_id = s.project_id AND k.session_id = s.id
WHERE s.project_id = $1 AND (s.id = ANY($2::uuid[]) OR s.external_id = ANY($3::text[]))
ORDER BY s.id FOR NO KEY UPDATE OF s
"""  # noqa: S608


class Owners(msgspec.Struct, kw_only=True):
    """The locked sessions of an append, and which draft goes where."""

    sessions: dict[bytes, HeldSession]
    # The session of each draft, in the drafts' order.
    places: list[HeldSession]
    # (the trace's session so far, the session that a later event named)
    adoptions: list[tuple[HeldSession, HeldSession]]
    losses: list[Loss]


class _Trace(msgspec.Struct):
    id: str
    owner: bytes | None = None
    # The session that its events name; the earliest event that gives a session id decides,
    # and where none does, the earliest that names a conversation.
    claim: str | None = None
    # Whether the claim, and what is recorded of the trace, only go by a conversation.
    is_weak: bool = False
    was_weak: bool = False
    # Whether it may leave the session of its conversation for the one that it claims.
    may_leave: bool = False

    def stays_weak(self, session: HeldSession) -> bool:
        """Tell whether it goes by a conversation once it belongs to ``session``."""
        if self.claim is not None and self.claim == session.external_id:
            is_new = self.owner != session.row.id
            return self.is_weak if is_new else self.is_weak and self.was_weak
        return self.was_weak


def find_owners(keys: ProjectKeys, drafts: Sequence[Draft], origin: str) -> Owners:
    """Lock the traces and sessions of these drafts, making those that are not there."""
    traces = _traces_of(drafts)
    names = {draft.claim for draft in drafts if draft.claim}
    held = _find(keys, traces, names)
    _release(keys.project_id, drafts, traces, held)
    by_name = {session.external_id: session for session in held.values()}
    wanted = {draft.claim for draft in drafts if draft.claim and draft.row.trace is None}
    wanted |= {trace.claim for trace in traces.values() if trace.claim and _is_free(trace, held)}
    own = {trace.id: uuid7().bytes for trace in traces.values() if not (trace.owner or trace.claim)}
    missing = wanted - by_name.keys()
    if missing or own:
        made = make_sessions(keys, missing, list(own.values()), origin)
        held |= lock_sessions(keys, set(own.values()), missing)
        for session_id in made & held.keys():
            held[session_id].is_new = held[session_id].was_made = True
    return _place(keys.project_id, drafts, traces, own, held)


def _is_free(trace: _Trace, held: dict[bytes, HeldSession]) -> bool:
    """Tell whether the trace may still go to the session that it names."""
    if trace.owner is None or held[trace.owner].external_id is None:
        return True
    return trace.may_leave


def _release(
    project_id: int,
    drafts: Sequence[Draft],
    traces: dict[str, _Trace],
    held: dict[bytes, HeldSession],
) -> None:
    """Let traces leave the session of a conversation where a session id is given now.

    The session goes with them as a whole, so only one that holds nothing else can go.
    """
    leaving: defaultdict[bytes, list[_Trace]] = defaultdict(list)
    for trace in traces.values():
        if trace.owner is not None and _overrules(trace, held[trace.owner]):
            leaving[trace.owner].append(trace)
    staying: set[str | None] = {trace.claim for trace in traces.values() if trace.claim}
    staying |= {draft.claim for draft in drafts if draft.row.trace is None}
    for owner in list(leaving):
        targets = {trace.claim for trace in leaving[owner]}
        if len(targets) > 1 or held[owner].external_id in staying:
            del leaving[owner]
    _leave(project_id, leaving)


def _overrules(trace: _Trace, owner: HeldSession) -> bool:
    """Tell whether the trace names a session now, and only named a conversation before."""
    is_named = trace.claim is not None and not trace.is_weak
    return is_named and trace.was_weak and trace.claim != owner.external_id


def _leave(project_id: int, leaving: Mapping[bytes, Sequence[_Trace]]) -> None:
    if not leaving:
        return
    ids = [trace.id for found in leaving.values() for trace in found]
    owners = array("uuid", list(leaving))
    shared = {row[0] for row in sql.rows(SHARED, project_id, owners, array("text", ids))}
    for owner, found in leaving.items():
        for trace in found:
            trace.may_leave = owner not in shared


def trace_key(trace: str) -> str:
    """Return the id under which a trace is kept."""
    if len(trace) <= LONGEST_TRACE:
        return trace
    return "hash:" + hashlib.blake2b(trace.encode(), digest_size=32).hexdigest()


def _traces_of(drafts: Sequence[Draft]) -> dict[str, _Trace]:
    claims: dict[str, list[tuple[bool, Any, str]]] = {}
    for draft in drafts:
        if draft.row.trace is not None:
            claimed = claims.setdefault(trace_key(draft.row.trace), [])
            if draft.claim is not None:
                claimed.append((draft.is_weak, draft.row.order, draft.claim))
    traces = {trace: _Trace(trace) for trace in claims}
    for trace, claimed in claims.items():
        if claimed:
            traces[trace].is_weak, _, traces[trace].claim = min(claimed)
    return traces


def _find(
    keys: ProjectKeys, traces: dict[str, _Trace], names: set[str]
) -> dict[bytes, HeldSession]:
    held: dict[bytes, HeldSession] = {}
    ids, texts = array("text", sorted(traces)), array("text", sorted(names))
    for *values, firm, weak, digests in sql.rows(
        FIND, keys.project_id, ids, texts, RECENT, RECENT_BYTES
    ):
        session = hold(keys, values)
        session.recent = _newest(digests)
        held[session.row.id] = session
        for trace in (*firm, *weak):
            traces[trace].owner = session.row.id
        for trace in weak:
            traces[trace].was_weak = True
    ownerless = [trace.id for trace in traces.values() if trace.owner is None]
    if not ownerless:
        return held
    for trace_id, owner, is_weak in sql.rows(TRACES, keys.project_id, array("text", ownerless)):
        traces[trace_id].owner, traces[trace_id].was_weak = owner, is_weak
    unseen = {trace.owner for trace in traces.values() if trace.owner} - held.keys()
    return held | (lock_sessions(keys, unseen, set()) if unseen else {})


def _newest(packed: Sequence[bytes]) -> set[bytes]:
    newest: set[bytes] = set()
    for digests in packed:
        if len(newest) < RECENT_CONTENTS:
            newest.update(split_digests(digests))
    return newest


def make_sessions(
    keys: ProjectKeys, names: set[str], own: Sequence[bytes], origin: str
) -> set[bytes]:
    # In the order of their names, also within one tick of the clock.
    ids = sorted(uuid7().bytes for _ in names) + list(own)
    external: list[str | None] = [*sorted(names), *[None] * len(own)]
    made = {
        row[0]
        for row in sql.rows(
            MAKE_SESSIONS, keys.project_id, array("uuid", ids), array("text", external), origin
        )
    }
    _make_keys(keys, sorted(made))
    return made


def _make_keys(keys: ProjectKeys, sessions: Sequence[bytes]) -> None:
    if not sessions:
        return
    made = [keys.new_session_key(uuid.UUID(bytes=session)) for session in sessions]
    sql.run(
        MAKE_KEYS,
        keys.project_id,
        array("uuid", sessions),
        array("bigint", [key.version for key in made]),
        array("bigint", [key.wrapped_by for key in made]),
        array("bytea", [key.wrapped for key in made]),
    )


def lock_sessions(keys: ProjectKeys, ids: set[bytes], names: set[str]) -> dict[bytes, HeldSession]:
    found = sql.rows(
        LOCK, keys.project_id, array("uuid", sorted(ids)), array("text", sorted(names))
    )
    return {session.row.id: session for session in (hold(keys, values) for values in found)}


def hold(keys: ProjectKeys, values: Sequence[Any]) -> HeldSession:
    """Return the session that ``LOCK`` read."""
    *columns, external_id, version, wrapped_by, wrapped = values
    row = session_row(columns)
    key = WrappedKey(version, wrapped_by, wrapped)
    return HeldSession(
        row=row,
        external_id=external_id,
        key=key,
        cipher=keys.cipher(uuid.UUID(bytes=row.id), key),
        amounts=row.amounts(),
        old_sort_started=row.sort_started,
    )


def _place(
    project_id: int,
    drafts: Sequence[Draft],
    traces: dict[str, _Trace],
    own: dict[str, bytes],
    held: dict[bytes, HeldSession],
) -> Owners:
    by_name = {session.external_id: session for session in held.values() if session.external_id}
    owners = Owners(sessions=held, places=[], adoptions=[], losses=[])
    of_trace = {trace.id: _owner(trace, own, held, by_name) for trace in traces.values()}
    for trace in traces.values():
        if trace.owner is not None and of_trace[trace.id].row.id != trace.owner:
            adopted = held[trace.owner], of_trace[trace.id]
            # Several traces may leave one session together.
            if adopted not in owners.adoptions:
                owners.adoptions.append(adopted)
    _point_traces(project_id, traces, of_trace)
    for draft in drafts:
        if draft.row.trace is None:
            owners.places.append(by_name[draft.claim or ""])
            continue
        trace_id = trace_key(draft.row.trace)
        owners.places.append(of_trace[trace_id])
        _note_conflict(draft, traces[trace_id], of_trace[trace_id])
    return owners


def _note_conflict(draft: Draft, trace: _Trace, session: HeldSession) -> None:
    """Note on an event that it names another session than its trace belongs to."""
    is_overruled = draft.is_weak and not trace.stays_weak(session)
    if draft.claim is not None and draft.claim != session.external_id and not is_overruled:
        draft.row.claimed_session = draft.claim
        settle(draft.row)


def _owner(
    trace: _Trace,
    own: dict[str, bytes],
    held: dict[bytes, HeldSession],
    by_name: dict[str, HeldSession],
) -> HeldSession:
    if trace.owner is None:
        return by_name[trace.claim] if trace.claim else held[own[trace.id]]
    if trace.claim and _is_free(trace, held):
        return by_name[trace.claim]
    return held[trace.owner]


def _point_traces(
    project_id: int, traces: dict[str, _Trace], of_trace: dict[str, HeldSession]
) -> None:
    moved = []
    for trace in traces.values():
        session = of_trace[trace.id]
        is_weak = trace.stays_weak(session)
        if (trace.owner, trace.was_weak) != (session.row.id, is_weak):
            moved.append((trace.id, session.row.id, is_weak))
    if moved:
        ids, sessions, weak = zip(*moved, strict=True)
        sql.run(
            POINT_TRACES,
            project_id,
            array("text", ids),
            array("uuid", sessions),
            array("boolean", weak),
        )


def origin_facet(origin: str) -> tuple[str, str]:
    """Return the facet that a new session publishes."""
    return Facet.ORIGIN.value, origin
