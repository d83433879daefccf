"""Changing the cases of a suite: every act makes a version, and no act changes an old one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.core.ids import uuid7
from apps.replays.suite_expectations import read_expectations
from apps.replays.suite_models import (
    LONGEST_NOTE,
    LONGEST_TAG,
    MOST_TAGS,
    Case,
    CaseRevision,
    Suite,
    SuiteVersion,
)
from apps.replays.suite_queries import in_version
from apps.replays.suite_sealing import seal_expectations, seal_source
from apps.sessions import reader
from apps.sessions.keys import SessionCipher, project_keys
from apps.sessions.models import Session
from apps.tenants.models import Project

Json = Any

MOST_CASES = 2_000
CHANGED = (
    "Somebody else changed this suite in the meantime. Nothing of yours was saved: look at it, "
    "and save again."
)
ARCHIVED = "This suite is archived. Take it out of the archive before you change it."


@dataclass(frozen=True, slots=True)
class Added:
    """A session, or one step of it, that is to become a case."""

    session: UUID
    event: UUID | None = None
    is_pinned: bool = False
    tags: Sequence[str] = ()
    expectations: Sequence[Mapping[str, Json]] = ()


@dataclass(frozen=True, slots=True)
class Altered:
    """What is to change of a case; None stays as it is."""

    case: UUID
    is_pinned: bool | None = None
    tags: Sequence[str] | None = None
    expectations: Sequence[Mapping[str, Json]] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One act on the cases of a suite."""

    add: Sequence[Added] = ()
    remove: Sequence[UUID] = ()
    alter: Sequence[Altered] = ()
    note: str = ""
    source: Json = None


@dataclass(slots=True)
class _Act:
    """A change under way, while the suite is held."""

    suite: Suite
    number: int
    held: dict[UUID, CaseRevision]
    made: list[CaseRevision] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    added: int = 0
    removed: int = 0
    changed: int = 0


@transaction.atomic
def change_cases(
    suite: Suite, change: Change, *, actor: Actor, seen_version: int | None = None
) -> SuiteVersion:
    """Make the next version of a suite. What is in it already is not added twice.

    Raises ConflictError where nothing would change, or somebody else changed it since
    ``seen_version``.
    """
    project = suite.project
    suite = suite.locked()
    suite.project = project
    if suite.archived_at is not None:
        raise ConflictError(ARCHIVED)
    if seen_version is not None and seen_version != suite.latest:
        raise ConflictError(CHANGED)
    act = _Act(suite, suite.latest + 1, _held(suite))
    _remove(act, change.remove)
    _alter(act, change.alter)
    _add(act, change.add)
    if not (act.added or act.removed or act.changed):
        raise ConflictError("Nothing would change: these cases are in the suite as they are.")
    return _write(act, change, actor)


@transaction.atomic
def first_version(suite: Suite, change: Change, *, actor: Actor) -> SuiteVersion:
    """Make version 1 of a new suite, which may be empty."""
    act = _Act(suite, 1, {})
    _add(act, change.add)
    return _write(act, change, actor)


def _held(suite: Suite) -> dict[UUID, CaseRevision]:
    rows = in_version(suite, suite.latest).select_related("case__session")
    return {row.case.pk: row for row in rows}


def _remove(act: _Act, cases: Iterable[UUID]) -> None:
    for case in dict.fromkeys(cases):
        row = act.held.pop(case, None)
        if row is None:
            raise InvalidError("There is no such case in the newest version.", "remove")
        act.ended.append(row.pk)
        act.removed += 1


def _alter(act: _Act, changes: Sequence[Altered]) -> None:
    wanted = {one.case: one for one in changes}
    if missing := [case for case in wanted if case not in act.held]:
        raise InvalidError(f"There is no case {missing[0]} in the newest version.", "change")
    ciphers = _ciphers(act.suite.project, [act.held[case].case.session for case in wanted])
    for case, one in wanted.items():
        row = act.held[case]
        if row.case.session.erased_at is not None:
            raise ConflictError("The session of this case was erased: it can only be removed.")
        if _altered(act, row, one, ciphers[row.case.session.pk]):
            act.changed += 1


def _altered(act: _Act, row: CaseRevision, one: Altered, cipher: SessionCipher) -> bool:
    new = CaseRevision(
        project_id=row.project_id,
        case_id=row.case.pk,
        suite_id=act.suite.pk,
        since=act.number,
        is_pinned=row.is_pinned if one.is_pinned is None else one.is_pinned,
        tags=row.tags if one.tags is None else read_tags(one.tags),
        expected=row.expected,
        sealed_expectations=row.sealed_expectations,
    )
    if one.expectations is not None:
        _expect(new, one.expectations, cipher)
    is_same = (new.is_pinned, new.tags) == (row.is_pinned, row.tags) and one.expectations is None
    if not is_same:
        act.ended.append(row.pk)
        act.made.append(new)
    return not is_same


def _expect(row: CaseRevision, expectations: Sequence[Json], cipher: SessionCipher) -> None:
    told = read_expectations([dict(one) for one in expectations])
    row.expected = len(told)
    row.sealed_expectations = seal_expectations(cipher, told)


def _add(act: _Act, wanted: Sequence[Added]) -> None:
    there = {(row.case.session.pk, row.case.event_id) for row in act.held.values()}
    new = {(one.session, one.event): one for one in wanted if (one.session, one.event) not in there}
    if len(act.held) + len(new) > MOST_CASES:
        message = f"A suite holds at most {MOST_CASES:,} cases; this would make "
        raise InvalidError(f"{message}{len(act.held) + len(new):,}.", "add")
    if not new:
        return
    sessions = _sessions(act.suite.project, {one.session for one in new.values()})
    _check_steps(act.suite.project, new.values())
    ciphers = _ciphers(act.suite.project, list(sessions.values()))
    cases = _cases(act.suite, list(new))
    for place, one in new.items():
        row = CaseRevision(
            project_id=act.suite.project_id,
            case_id=cases[place],
            suite_id=act.suite.pk,
            since=act.number,
            is_pinned=one.is_pinned,
            tags=read_tags(one.tags),
        )
        _expect(row, one.expectations, ciphers[one.session])
        act.made.append(row)
    act.added = len(new)


def _sessions(project: Project, ids: Iterable[UUID]) -> dict[UUID, Session]:
    """Return the sessions, held so that none is erased or joins another meanwhile."""
    wanted = sorted(set(ids))
    rows = project.sessions.filter(pk__in=wanted, is_listed=True).order_by("pk")
    found = {row.pk: row for row in rows.select_for_update(of=("self",), no_key=True)}
    if missing := [key for key in wanted if key not in found]:
        message = f"There is no session {missing[0]} in this project (any more)."
        raise InvalidError(message, "session")
    return found


def _check_steps(project: Project, wanted: Iterable[Added]) -> None:
    steps = {(one.session, one.event) for one in wanted if one.event is not None}
    if not steps:
        return
    rows = project.events.filter(
        session_id__in={session for session, _ in steps}, id__in={event for _, event in steps}
    )
    if missing := sorted(steps - set(rows.values_list("session_id", "id")), key=str):
        message = (
            f"Session {missing[0][0]} has no step {missing[0][1].hex if missing[0][1] else ''}."
        )
        raise InvalidError(message, "event")


def _ciphers(project: Project, sessions: Sequence[Session]) -> Mapping[UUID, SessionCipher]:
    return reader.ciphers_of(project.pk, [session.pk for session in sessions])


def _cases(suite: Suite, places: Sequence[tuple[UUID, UUID | None]]) -> dict[Any, UUID]:
    """Return the case of each place; one that was removed before comes back with its history."""
    # Of one millisecond ids are in no order; lists show cases in that of their ids.
    ids = sorted(uuid7() for _ in places)
    rows = [
        Case(
            pk=pk,
            project_id=suite.project_id,
            suite_id=suite.pk,
            session_id=session,
            event_id=event,
        )
        for pk, (session, event) in zip(ids, places, strict=True)
    ]
    suite.project.cases.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    found = suite.cases.filter(session_id__in=[session for session, _ in places])
    return {
        (session, event): pk
        for pk, session, event in found.values_list("pk", "session_id", "event_id")
    }


def read_tags(tags: Sequence[str]) -> list[str]:
    """Return tags of a case, each once and without blanks around them."""
    told = list(dict.fromkeys(" ".join(tag.split()) for tag in tags))
    if len(told) > MOST_TAGS:
        raise InvalidError(f"A case has at most {MOST_TAGS} tags.", "tags")
    for tag in told:
        if not 1 <= len(tag) <= LONGEST_TAG or not tag.isprintable():
            raise InvalidError(f"A tag has 1 to {LONGEST_TAG} characters that can be seen.", "tags")
    return told


def _write(act: _Act, change: Change, actor: Actor) -> SuiteVersion:
    note = " ".join(change.note.split())
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise InvalidError(f"A note has at most {LONGEST_NOTE} characters, without NUL.", "note")
    suite = act.suite
    rows = suite.project.case_revisions.filter(pk__in=act.ended)
    rows.update(until=act.number)
    suite.project.case_revisions.bulk_create(act.made, batch_size=500)
    suite.project.suites.filter(pk=suite.pk).update(latest=act.number)
    suite.latest = act.number
    version = suite.versions.create(
        project_id=suite.project_id,
        number=act.number,
        note=note,
        sealed_source=seal_source(project_keys(suite.project_id), change.source),
        cases=len(act.held) + act.added,
        added=act.added,
        removed=act.removed,
        changed=act.changed,
        made_by=actor.label or actor.kind,
    )
    audit.record(
        actor,
        "suite.version",
        organization_id=suite.project.organization_id,
        project_id=suite.project_id,
        objects=[str(suite.pk)],
        detail={
            "number": act.number,
            "added": act.added,
            "removed": act.removed,
            "changed": act.changed,
        },
    )
    return version
