"""What a suite covers of what happens, and which of its cases say the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.replays.comparators_normal import plain_text
from apps.replays.suite_choosing import found_by
from apps.replays.suite_models import CaseRevision, Suite
from apps.replays.suite_queries import in_version
from apps.replays.suite_strata import Traits, traits_of
from apps.sessions import reader, sql
from apps.sessions.arrays import array
from apps.sessions.filters import SessionFilters
from apps.sessions.models import Session

# The newest sessions of the project, which a suite is held against.
LATELY = 1_000
# Cases that are looked at.
MOST_CASES = 2_000
MOST_STRATA = 60

# Of each session, the first question that a model was asked, without how it was to be sampled.
FIRST_QUESTIONS = """
SELECT DISTINCT ON (session_id) uuid_send(session_id), loose_mac FROM agent_sessions_event
WHERE project_id = $1 AND session_id = ANY($2::uuid[]) AND kind = 'llm' AND loose_mac IS NOT NULL
ORDER BY session_id, order_at, position, id
"""


@dataclass(frozen=True, slots=True)
class Covered:
    """One stratum: how many of the newest sessions are of it, and how many cases."""

    outcome: str
    path: str
    length: str
    sessions: int
    cases: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The strata, those that are most of what happens first."""

    strata: list[Covered]
    sessions: int
    # Of these, how many are of a stratum that has a case; None without any session.
    share: float | None
    is_cut: bool

    @property
    def percent(self) -> str:
        return "-" if self.share is None else f"{self.share:.0%}"


def coverage(suite: Suite, number: int) -> Coverage:
    """Hold a version against the newest sessions of the project, by outcome, path and length."""
    lately, _ = found_by(suite.project, SessionFilters(), limit=LATELY)
    held = sessions_of(suite, number)
    # Once for both, because most cases are among the newest sessions.
    traits = traits_of(suite.project, list({row.pk: row for row in (*lately, *held)}.values()))
    happened = Counter(_stratum(traits[row.pk]) for row in lately)
    cases = Counter(_stratum(traits[row.pk]) for row in held)
    covered = sum(count for stratum, count in happened.items() if cases[stratum])
    order = sorted({*happened, *cases}, key=lambda one: (-happened[one], -cases[one], one))
    return Coverage(
        [Covered(*one, happened[one], cases[one]) for one in order[:MOST_STRATA]],
        len(lately),
        covered / len(lately) if lately else None,
        len(order) > MOST_STRATA,
    )


def _stratum(traits: Traits) -> tuple[str, str, str]:
    return traits.told("outcome"), traits.told("path"), traits.told("length")


def sessions_of(suite: Suite, number: int) -> list[Session]:
    """Return the sessions of a version's cases that are still there, each once."""
    rows = in_version(suite, number).filter(case__session__is_listed=True)
    found = rows.select_related("case__session").order_by("case_id")[:MOST_CASES]
    return list({row.case.session.pk: row.case.session for row in found}.values())


def duplicates(suite: Suite, number: int, *, content: bool) -> list[list[CaseRevision]]:
    """Return cases whose sessions begin alike, by how they do.

    Several of them ask a candidate the same, and count as many sessions where there is one. For
    readers of content alike is the same first words of the user, else the same first call.
    """
    rows = in_version(suite, number).filter(case__event_id=None, case__session__is_listed=True)
    found = list(rows.select_related("case__session").order_by("case_id")[:MOST_CASES])
    sessions = [row.case.session for row in found]
    begun: dict[UUID, str | bytes] = dict(first_questions(suite, [row.pk for row in sessions]))
    if content and sessions:
        begun |= {key: plain_text(title) for key, title in reader.titles(sessions).items()}
    groups: dict[str | bytes, list[CaseRevision]] = defaultdict(list)
    for row in found:
        if row.case.session.pk in begun:
            groups[begun[row.case.session.pk]].append(row)
    return [group for group in groups.values() if len(group) > 1]


def first_questions(suite: Suite, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    if not ids:
        return {}
    rows = sql.rows(FIRST_QUESTIONS, suite.project_id, array("uuid", [key.bytes for key in ids]))
    return {UUID(bytes=bytes(key)): bytes(mac) for key, mac in rows}
