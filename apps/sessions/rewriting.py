"""Rewriting a session: its rows become what was sent of them says today.

What arrived stays: ids, times of arrival, every content. Rows, sums, facets and deltas move
by minus what they were, plus what they are, so that a session read again equals one that was
read so from the start. All is read and made ready before the locks are had, so that senders
hardly wait for it; where something arrived in between, ``ChangedError`` says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from apps.sessions import sql
from apps.sessions.adoption import adopt
from apps.sessions.arrays import array, arrays, selected, unnest
from apps.sessions.chunks import insert_chunks, new_chunks
from apps.sessions.counting import Neighbours, recount
from apps.sessions.event_rows import CHANGED, WRITTEN, overwriting, written
from apps.sessions.keys import ProjectKeys
from apps.sessions.models import Facet, Session
from apps.sessions.owners import find_owners, origin_facet
from apps.sessions.rereading import Redone, Reread, read_again
from apps.sessions.rows import EventRow
from apps.sessions.session_rows import COLUMNS as SESSION_COLUMNS
from apps.sessions.session_rows import FIRSTS, PERSON, TITLE, HeldSession, SessionRow, place_of
from apps.sessions.sums import DELTA_COLUMNS, Ledger
from apps.sessions.terms import insert_terms, terms_rows
from apps.sessions.writing import (
    DELTAS,
    FACET_COLUMNS,
    FACET_TIMES,
    FACETS,
    INPUT_COLUMNS,
    INPUTS,
)

# Unlike an append it is no arrival, so this leaves the times of arrival alone.
EVENTS = overwriting(CHANGED)
_OF_SESSION = [column for column in SESSION_COLUMNS if column[0] != "id"]
SESSIONS = f"""
UPDATE agent_sessions_session AS s
SET ({", ".join(name for name, _ in _OF_SESSION)}) = ROW({selected(_OF_SESSION)})
FROM {unnest(SESSION_COLUMNS, 2)} WHERE s.project_id = $1 AND s.id = r.id
"""  # noqa: S608
# Nothing arrives by an adoption either; ``greatest`` passes over null.
ARRIVED = """
UPDATE agent_sessions_session AS s
SET last_arrival_at = greatest(s.last_arrival_at, o.last_arrival_at)
FROM agent_sessions_session AS o
WHERE s.project_id = $1 AND s.id = ANY($2::uuid[])
    AND o.project_id = $1 AND o.id = ANY($3::uuid[])
"""
DIGESTS = """
SELECT uuid_send(id), digest, position, is_counted FROM agent_sessions_event
WHERE project_id = $1 AND session_id = ANY($2::uuid[])
"""
DROP_FACETS = """
DELETE FROM agent_sessions_sessionfacet AS f
USING unnest($3::text[], $4::text[]) AS r(facet, value)
WHERE f.project_id = $1 AND f.session_id = ANY($2::uuid[])
    AND f.facet = r.facet AND f.value = r.value
"""
# People give tags too, and nothing says whose one is.
NEVER_DROPPED = frozenset({Facet.TAG.value, Facet.ORIGIN.value})


class ChangedError(Exception):
    """Something arrived for the session while it was being read again."""


class Rewritten(msgspec.Struct, frozen=True):
    """How many events were read again, and how many of the session say something else now."""

    events: int
    changed: int


def rewrite_session(session: Session, keys: ProjectKeys, reread: Reread) -> Rewritten:
    """Read the session again and write what changed, in the caller's transaction."""
    redone = read_again(session, keys, reread)
    if redone is None:
        return Rewritten(0, 0)
    owners = find_owners(keys, list(redone.drafts.values()), session.origin)
    if owners.adoptions:
        named = _adopt(keys, owners.adoptions, session.origin)
        return rewrite_session(session.project.sessions.get(pk=named), keys, reread)
    held = owners.places[0]
    if any(place is not held for place in owners.places) or not _is_unchanged(keys, redone):
        raise ChangedError
    return Rewriting(keys, held, redone).run()


def _adopt(
    keys: ProjectKeys, adoptions: Sequence[tuple[HeldSession, HeldSession]], origin: str
) -> uuid.UUID:
    """Move what turned out to belong to a named session there; return that one."""
    for own, named in adoptions:
        named.row.status = own.row.status if named.was_made else named.row.status
        adopt(keys.project_id, own, named)
        store_session(keys, named)
        ids = (array("uuid", [key]) for key in (named.row.id, own.row.id))
        sql.run(ARRIVED, keys.project_id, *ids)
        if named.was_made and not named.is_published:
            facet = (named.row.id, *origin_facet(origin), named.row.sort_started)
            sql.insert(FACETS, FACET_COLUMNS, keys.project_id, [facet])
    return uuid.UUID(bytes=adoptions[0][1].row.id)


def _is_unchanged(keys: ProjectKeys, redone: Redone) -> bool:
    found = sql.rows(DIGESTS, keys.project_id, array("uuid", [redone.key]))
    return {tuple(values) for values in found} == {
        (row.id, row.digest, row.position, row.is_counted) for row in redone.rows.values()
    }


def store_session(keys: ProjectKeys, session: HeldSession) -> None:
    """Write a session whose events changed, though nothing arrived."""
    status = session.row.status
    session.row.set_amounts(session.amounts)
    session.row.settle()
    session.row.status = status
    values = arrays(SESSION_COLUMNS, [msgspec.structs.astuple(session.row)])
    sql.run(SESSIONS, keys.project_id, *values)
    if session.row.sort_started != session.old_sort_started:
        ids = array("uuid", [session.row.id])
        times = array("timestamptz", [session.row.sort_started])
        sql.run(FACET_TIMES, keys.project_id, ids, times)


class Rewriting:
    """One session that is held, and what its events become."""

    def __init__(self, keys: ProjectKeys, session: HeldSession, redone: Redone) -> None:
        self.keys = keys
        self.session = session
        self.redone = redone
        self.rows = redone.rows | {key: one.row for key, one in redone.drafts.items()}
        self.changed: list[EventRow] = []

    def run(self) -> Rewritten:
        self._settle_rows()
        if self.changed:
            self._count()
            self._settle_session()
            self._write()
        return Rewritten(len(self.redone.drafts), len(self.changed))

    def _settle_rows(self) -> None:
        """Let all rows of the session say which of them count, and note those that change."""
        olds = {key: msgspec.structs.replace(row) for key, row in self.redone.rows.items()}
        for key, row in self.rows.items():
            row.is_counted = olds[key].is_counted
        # Which count is set in the rows; all of them are looked at, so nothing is yielded away.
        list(recount(self.rows.values(), Neighbours(self.rows)))
        self.redone.rows = olds
        self.changed = [row for key, row in self.rows.items() if row != olds[key]]

    def _count(self) -> None:
        ledger = Ledger()
        for row in self.changed:
            for version, sign in ((self.redone.rows[row.id], -1), (row, 1)):
                self.session.amounts.add(version, sign)
                ledger.add(version, sign)
        sql.insert(DELTAS, DELTA_COLUMNS, self.keys.project_id, ledger.rows())

    def _settle_session(self) -> None:
        """Take anew what the session has from its events."""
        row, before, after = self.session.row, self.redone.before, self.redone.after
        after.features |= self.redone.others.features
        row.features = (row.features & ~(before.features & ~after.features)) | after.features
        in_order = sorted(self.rows.values(), key=place_of)
        for name in FIRSTS:
            first = next((one for one in in_order if getattr(one, name) is not None), None)
            _take(row, name, first, getattr(first, name, None))
        self._settle_title(in_order)
        self._settle_outcome()

    def _settle_title(self, in_order: Sequence[EventRow]) -> None:
        titles = ((one, self.redone.title(one)) for one in in_order)
        first, text = next(((one, text) for one, text in titles if text), (None, None))
        sealed = text and self.session.cipher.seal(text.encode(), TITLE)
        _take(self.session.row, "title", first, sealed)

    def _settle_outcome(self) -> None:
        """Take the outcome anew where it may have changed; what a person said stays."""
        row, olds = self.session.row, self.redone.rows
        is_persons = (row.outcome_from or {}).get("by") == PERSON
        if is_persons or not any(one.outcome or olds[one.id].outcome for one in self.changed):
            return
        row.outcome = row.outcome_code = row.outcome_reason = None
        row.outcome_by = row.outcome_from = None
        for one in self.rows.values():
            if one.outcome is not None:
                row.offer_outcome(one, self._body_of(one).get("outcome", {}), self.session.cipher)

    def _body_of(self, row: EventRow) -> dict[str, Any]:
        made = self.redone.drafts.get(row.id)
        return self.redone.body(row) if made is None else made.body

    def _write(self) -> None:
        project_id, key = self.keys.project_id, self.redone.key
        parts: dict[bytes, bytes] = {}
        for row in self.changed:
            if (made := self.redone.drafts.get(row.id)) is not None:
                parts |= made.parts
        content = [(self.session, parts)]
        insert_chunks(project_id, new_chunks(content))
        insert_terms(project_id, terms_rows(self.keys, content))
        # Where no content is new the number tells all the same that this is another state.
        self.session.row.chunk_number += not parts
        placed = [(key, row) for row in self.changed]
        sql.run(EVENTS, project_id, *arrays(WRITTEN, written(placed)))
        store_session(self.keys, self.session)
        self._write_facets()
        sources = [
            (key, made.row.id, source, name)
            for made in self.redone.drafts.values()
            for source, name in made.sources
        ]
        sql.insert(INPUTS, INPUT_COLUMNS, project_id, sources)

    def _write_facets(self) -> None:
        redone = self.redone
        stale = redone.before.facets - redone.after.facets - redone.others.facets
        gone = sorted(pair for pair in stale if pair[0] not in NEVER_DROPPED)
        turned = [array("text", [pair[at] for pair in gone]) for at in (0, 1)]
        sql.run(DROP_FACETS, self.keys.project_id, array("uuid", [redone.key]), *turned)
        started = self.session.row.sort_started
        rows = [(redone.key, *pair, started) for pair in sorted(redone.after.facets)]
        sql.insert(FACETS, FACET_COLUMNS, self.keys.project_id, rows)


def _take(row: SessionRow, name: str, first: EventRow | None, value: Any) -> None:
    """Let the session have a value from the first event that has one."""
    setattr(row, name, value)
    if first is None:
        row.firsts.pop(name, None)
    else:
        row.firsts[name] = place_of(first)
