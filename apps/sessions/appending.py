"""Append: events become rows, content and sums in one transaction."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from apps.sessions import sql
from apps.sessions.adoption import adopt
from apps.sessions.arrays import array
from apps.sessions.chunks import Contents, new_chunks
from apps.sessions.content import Parts
from apps.sessions.counting import LLM, REPORTED, Neighbours, is_message, recount
from apps.sessions.drafts import Draft, settle
from apps.sessions.event_rows import (
    Key,
    Placed,
    existing_events,
    family_of,
    update_events,
    written,
)
from apps.sessions.events import AppendResult, Loss
from apps.sessions.keys import ProjectKeys
from apps.sessions.merge import merge
from apps.sessions.owners import find_owners, origin_facet
from apps.sessions.rows import EventRow
from apps.sessions.session_rows import HeldSession, latest
from apps.sessions.sums import Ledger
from apps.sessions.terms import terms_rows
from apps.sessions.titles import title_in
from apps.sessions.writing import FACET_TIMES, write

DROP_UNUSED = (
    "DELETE FROM agent_sessions_sessionkey WHERE project_id = $1 AND session_id = ANY($2::uuid[])",
    "DELETE FROM agent_sessions_session WHERE project_id = $1 AND id = ANY($2::uuid[])",
)

# A session, a parent and the answer that calls below it report.
Beside = tuple[bytes, bytes, str]


class Change(msgspec.Struct, kw_only=True):
    """One row that this append writes: what it becomes, and what it was."""

    session: HeldSession
    row: EventRow
    old: EventRow | None
    # None where only ``is_counted`` changes, because of a neighbour.
    draft: Draft | None


class Appending:
    """One append, after its drafts are made."""

    def __init__(self, keys: ProjectKeys, origin: str, *, is_trial: bool = False) -> None:
        self.keys = keys
        self.is_trial = is_trial
        self.project_id = keys.project_id
        self.origin = origin
        self.tally: Counter[str] = Counter()
        self.sessions: dict[bytes, HeldSession] = {}
        self.recorded: dict[Key, EventRow] = {}
        # What was looked for: events by their ids, calls by what lies inside of them, and
        # calls beside each other by session, parent and answer.
        self.asked: set[Key] = set()
        self.asked_inside: set[Key] = set()
        self.asked_beside: set[Beside] = set()
        self.changes: dict[Key, Change] = {}
        # Every draft that is not word for word recorded already, also such as add nothing.
        self.heard: list[tuple[HeldSession, Draft]] = []

    def run(self, drafts: Sequence[Draft]) -> AppendResult:
        owners = find_owners(self.keys, drafts, self.origin)
        for own, named in owners.adoptions:
            adopt(self.project_id, own, named)
        self.sessions = {session.row.id: session for session in owners.places}
        self._drop_unused(owners.sessions)
        self._sort_out(self._grouped(drafts, owners.places))
        self._recount()
        ledger = Ledger()
        for change in self.changes.values():
            enter(change, ledger)
        for session, draft in self.heard:
            session.is_changed |= session.row.take_version(
                draft.row, draft.features, draft.latest_start, draft.session_end
            )
        self._write(ledger)
        return self._result()

    def _drop_unused(self, held: dict[bytes, HeldSession]) -> None:
        # Made for a name whose trace, as it turned out, belongs to another session already.
        unused = [key for key, found in held.items() if found.was_made and key not in self.sessions]
        for statement in DROP_UNUSED if unused else ():
            sql.run(statement, self.project_id, array("uuid", unused))

    def _grouped(
        self, drafts: Sequence[Draft], places: Sequence[HeldSession]
    ) -> dict[Key, tuple[Draft, int]]:
        """Make one draft of all versions of an event; count what of them added something."""
        groups: dict[Key, tuple[Draft, int]] = {}
        for draft, session in zip(drafts, places, strict=True):
            key = session.row.id, draft.row.id
            first, count = groups.get(key, (draft, 0))
            both = combined(first, draft, self.keys) if count else draft
            adds = not (count and same(both.row, first.row))
            self.tally["duplicates"] += 0 if adds else draft.records
            groups[key] = both, count + (draft.records if adds else 0)
        return groups

    def _sort_out(self, groups: dict[Key, tuple[Draft, int]]) -> None:
        """Tell new events from repeated ones and from such that add to a recorded one."""
        self._read_recorded(groups)
        again: dict[Key, tuple[Draft, int]] = {}
        for key, (draft, count) in groups.items():
            old = self.recorded.get(key)
            if old is not None and same(old, draft.row):
                self.tally["duplicates"] += count
                continue
            self.heard.append((self.sessions[key[0]], draft))
            if old is not None:
                again[key] = draft, count
                continue
            self.tally["accepted"] += count
            self.tally["completed"] += count - draft.records
            self._change(key, draft, None)
        for key, draft in self._completed(again):
            self._complete(key, draft, again[key][1])

    def _complete(self, key: Key, draft: Draft, count: int) -> None:
        old = self.recorded[key]
        if same(old, draft.row):
            self.tally["duplicates"] += count
            return
        draft.row.is_counted = old.is_counted
        # Sent again at an earlier place of a request: what it says is known already.
        is_known = draft.row.digest == old.digest
        for name in ("duplicates",) if is_known else ("accepted", "completed"):
            self.tally[name] += count
        self._change(key, draft, old)

    def _change(self, key: Key, draft: Draft, old: EventRow | None) -> None:
        session = self.sessions[key[0]]
        self.changes[key] = Change(session=session, row=draft.row, old=old, draft=draft)

    def _read_recorded(self, groups: Mapping[Key, tuple[Draft, int]]) -> None:
        wanted = [key for key in groups if not self.sessions[key[0]].is_new]
        calls = [
            (key[0], groups[key][0].row) for key in wanted if groups[key][0].row.kind in REPORTED
        ]
        self.asked = {*wanted, *around(calls)}
        self.asked_inside = {(session, row.id) for session, row in calls}
        self.asked_beside = set(beside(calls))
        found = existing_events(
            self.project_id,
            sorted(self.asked),
            sorted(self.asked_inside),
            sorted(self.asked_beside),
        )
        self.recorded = {(session, row.id): row for session, row in found}

    def _completed(self, again: dict[Key, tuple[Draft, int]]) -> Iterator[tuple[Key, Draft]]:
        """Yield each recorded event with what arrived for it merged in."""
        if not again:
            return
        ciphers = {session: self.sessions[session].cipher for session, _ in again}
        contents = Contents(self.project_id, ciphers)
        needed = [
            (key[0], digest)
            for key in again
            for digest in (self.recorded[key].extra_digest, self.recorded[key].input_digest)
            if digest is not None
        ]
        contents.load(needed)
        for key, (draft, _) in again.items():
            yield key, combined(_drafted(self.recorded[key], contents, key[0]), draft, self.keys)

    def _recount(self) -> None:
        """Settle which calls count, for the changed ones and those that report the same."""
        calls = [
            (key[0], change.row)
            for key, change in self.changes.items()
            if not change.session.is_new
            and REPORTED & {change.row.kind, change.old.kind if change.old else ""}
        ]
        family: dict[Key, EventRow] = {}
        if self._are_nested(calls):
            found = family_of(self.project_id, self._with_old(calls))
            family = {(session, row.id): row for session, row in found}
        rows = self.recorded | family | {key: change.row for key, change in self.changes.items()}
        members: dict[bytes, list[EventRow]] = defaultdict(list)
        for key in [*self.changes, *(key for key in family if key not in self.changes)]:
            members[key[0]].append(rows[key])
        by_session: dict[bytes, dict[bytes, EventRow]] = defaultdict(dict)
        for (session, event), row in rows.items():
            by_session[session][event] = row
        for session, changed in members.items():
            self._recount_session(session, changed, Neighbours(by_session[session]))

    def _recount_session(
        self, session: bytes, members: Sequence[EventRow], near: Neighbours
    ) -> None:
        before = {row.id: msgspec.structs.replace(row) for row in members}
        for row in recount(members, near):
            if (session, row.id) not in self.changes:
                self.changes[session, row.id] = Change(
                    session=self.sessions[session], row=row, old=before[row.id], draft=None
                )

    def _with_old(self, calls: Sequence[Placed]) -> list[Placed]:
        """Return the calls as they are and as they were: both say what they belong to."""
        olds = [(session, self.changes[session, row.id].old) for session, row in calls]
        return [*calls, *((session, old) for session, old in olds if old is not None)]

    def _are_nested(self, calls: Sequence[Placed]) -> bool:
        """Tell whether a changed call may have a recorded one around, inside or beside it."""
        both = self._with_old(calls)
        ids = {(session, row.id) for session, row in both}
        above, level = set(around(both)), set(beside(both))
        # A recorded version may name another parent, kind or answer than what arrived for it.
        if ids - self.asked_inside or above - self.asked or level - self.asked_beside:
            return True
        recorded = {key: row for key, row in self.recorded.items() if row.kind in REPORTED}
        return (
            any(key in recorded for key in above)
            or any((key[0], row.parent_id) in ids for key, row in recorded.items())
            or any(
                key not in ids and level & set(beside([(key[0], row)]))
                for key, row in recorded.items()
            )
        )

    def _write(self, ledger: Ledger) -> None:
        changes = self.changes.values()
        old = [(change.session.row.id, change.row) for change in changes if change.old is not None]
        new = [(change.session.row.id, change.row) for change in changes if change.old is None]
        content = self._new_content()
        chunks = new_chunks(content)
        sessions = self._settled()
        update_events(self.project_id, old)
        if changes or sessions:
            rows = {
                "events": written(new),
                "chunks": chunks,
                "terms": terms_rows(self.keys, content),
                "facets": self._facets(),
                "inputs": self._inputs(),
                "deltas": [] if self.is_trial else ledger.rows(),
                "sessions": [msgspec.structs.astuple(session.row) for session in sessions],
            }
            write(self.project_id, rows)
        self._move_facets(sessions)

    def _new_content(self) -> list[tuple[HeldSession, dict[bytes, bytes]]]:
        new: dict[bytes, dict[bytes, bytes]] = defaultdict(dict)
        for change in self.changes.values():
            if change.draft is not None:
                there, parts = change.session.recent, new[change.session.row.id]
                for digest, data in change.draft.parts.items():
                    if digest not in there:
                        parts[digest] = data
        return [(self.sessions[key], parts) for key, parts in new.items()]

    def _settled(self) -> list[HeldSession]:
        changed = [session for session in self.sessions.values() if session.is_changed]
        for session in changed:
            session.row.set_amounts(session.amounts)
            session.row.settle()
        return changed

    def _move_facets(self, sessions: Sequence[HeldSession]) -> None:
        moved = [
            session
            for session in sessions
            if session.row.sort_started != session.old_sort_started and not session.is_new
        ]
        if moved:
            ids = array("uuid", [session.row.id for session in moved])
            times = array("timestamptz", [session.row.sort_started for session in moved])
            sql.run(FACET_TIMES, self.project_id, ids, times)

    def _inputs(self) -> list[tuple[Any, ...]]:
        return [
            (session.row.id, draft.row.id, source, name)
            for session, draft in self.heard
            for source, name in draft.sources
        ]

    def _facets(self) -> list[tuple[Any, ...]]:
        published: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
        for session in self.sessions.values():
            if session.was_made and not session.is_published:
                published[session.row.id].add(origin_facet(self.origin))
        for session, draft in () if self.is_trial else self.heard:
            published[session.row.id] |= draft.facets
        return [
            (key, facet, value, self.sessions[key].row.sort_started)
            for key, pairs in published.items()
            for facet, value in sorted(pairs)
        ]

    def _result(self) -> AppendResult:
        conflicts = sum(
            change.draft is not None and change.row.claimed_session is not None
            for change in self.changes.values()
        )
        losses = [Loss(reason="session_conflict", source="record", count=conflicts)]
        return AppendResult(
            accepted=self.tally["accepted"],
            duplicates=self.tally["duplicates"],
            completed=self.tally["completed"],
            sessions=[str(uuid.UUID(bytes=session)) for session in self.sessions],
            losses=losses if conflicts else [],
        )


def around(calls: Iterable[Placed]) -> Iterator[Key]:
    """Yield the places in which calls lie, as far as these may report the same call."""
    for session, row in calls:
        if row.parent_id is not None and (row.kind == LLM or is_message(row)):
            yield session, row.parent_id


def beside(calls: Iterable[Placed]) -> Iterator[Beside]:
    """Yield where calls lie and what they report, as far as both are known."""
    for session, row in calls:
        if row.kind == LLM and row.parent_id is not None and row.response_id:
            yield session, row.parent_id, row.response_id


def same(old: EventRow, row: EventRow) -> bool:
    """Tell whether a version says nothing that the other does not say already."""
    return row.digest == old.digest and row.position >= old.position


def combined(a: Draft, b: Draft, keys: ProjectKeys) -> Draft:
    """Return what two versions of an event make together; ``a`` was first."""
    row, body = merge(a.row, a.body, b.row, b.body)
    parts = Parts(keys.digest)
    row.extra_digest = parts.store("extra", body) if body else None
    settle(row)
    is_input_of_b = row.input_digest is not None and row.input_digest == b.row.input_digest
    return Draft(
        row=row,
        claim=b.claim,
        is_weak=b.is_weak,
        body=body,
        parts=a.parts | b.parts | parts.by_digest,
        facets=a.facets | b.facets,
        features=a.features | b.features,
        title=b.title if is_input_of_b else a.title,
        sources=a.sources + b.sources,
        latest_start=latest(a.latest_start, b.latest_start),
        session_end=latest(a.session_end, b.session_end),
        records=a.records,
    )


def _drafted(row: EventRow, contents: Contents, session: bytes) -> Draft:
    """Return a recorded event as a draft that adds nothing."""
    return Draft(
        row=row,
        claim=None,
        body=contents.body(session, row.extra_digest) or {},
        parts={},
        facets=set(),
        features=0,
        title=title_in(row.kind, contents.body(session, row.input_digest)),
        sources=[],
    )


def enter(change: Change, ledger: Ledger) -> None:
    """Enter a change in its session and the ledger: minus what was, plus what is."""
    session, row, draft = change.session, change.row, change.draft
    session.is_changed = True
    for version, sign in ((change.old, -1), (row, 1)):
        if version is not None:
            session.amounts.add(version, sign)
            ledger.add(version, sign)
    if draft is None:
        return
    session.row.offer_firsts(row)
    session.row.offer_title(row, draft.title, session.cipher)
    session.row.offer_outcome(row, draft.body.get("outcome", {}), session.cipher)
