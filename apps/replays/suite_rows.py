"""Cases as lists and pages show them: with their session, and what is expected of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.replays.suite_models import Case, CaseRevision
from apps.replays.suite_sealing import open_expectations
from apps.replays.verdict_shapes import is_flaky_rate
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.sessions.session_rows import TITLE
from apps.tenants.models import Project

Json = Any


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of a version."""

    revision: CaseRevision
    title: str
    # None: the reader may not see content, or the session was erased.
    expectations: list[dict[str, Json]] | None
    # The kind and name of the step, of a case that is one.
    step: str = ""

    @property
    def case(self) -> Case:
        return self.revision.case

    @property
    def session(self) -> Session:
        return self.revision.case.session

    @property
    def is_erased(self) -> bool:
        return self.session.erased_at is not None

    @property
    def short_id(self) -> str:
        return short_id(self.session)

    @property
    def name(self) -> str:
        return self.title or self.session.external_id or self.short_id

    @property
    def pass_rate(self) -> float | None:
        """Of baselines over all runs; None before the first."""
        return self.case.passes / self.case.samples if self.case.samples else None

    @property
    def is_flaky(self) -> bool:
        return is_flaky_rate(self.case.passes, self.case.samples)


def case_rows(
    project: Project, revisions: Sequence[CaseRevision], *, content: bool
) -> list[CaseRow]:
    """Return cases with what belongs to them, in as many queries for fifty as for one."""
    sessions = {row.case.session.pk: row.case.session for row in revisions}
    ciphers = reader.ciphers_of(project.pk, list(sessions)) if content and sessions else {}
    steps = step_names(project, revisions)
    return [
        CaseRow(
            row,
            _title(row.case.session, ciphers),
            _expectations(row, ciphers) if content else None,
            steps.get((row.case.session.pk, row.case.event_id), ""),
        )
        for row in revisions
    ]


def _title(session: Session, ciphers: Mapping[UUID, SessionCipher]) -> str:
    cipher = ciphers.get(session.pk)
    if cipher is None or session.title is None:
        return ""
    return cipher.open(bytes(session.title), TITLE).decode()


def _expectations(
    row: CaseRevision, ciphers: Mapping[UUID, SessionCipher]
) -> list[dict[str, Json]] | None:
    if not row.expected:
        return []
    cipher = ciphers.get(row.case.session.pk)
    if cipher is None or row.sealed_expectations is None:
        return None
    return open_expectations(cipher, row.sealed_expectations)


def step_names(
    project: Project, revisions: Sequence[CaseRevision]
) -> dict[tuple[UUID, UUID | None], str]:
    """Return what the steps are called that cases are about."""
    wanted = {row.case.event_id: row.case.session.pk for row in revisions if row.case.event_id}
    if not wanted:
        return {}
    rows = project.events.filter(session_id__in=set(wanted.values()), id__in=list(wanted))
    return {
        (session, event): f"{kind} {name or ''}".strip()
        for session, event, kind, name in rows.values_list("session_id", "id", "kind", "name")
    }
