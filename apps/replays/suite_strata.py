"""Strata: kinds of sessions by outcome, by the tools on their path, and by length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.models import Session
from apps.tenants.models import Project

DIMENSIONS = ("outcome", "path", "length")
# Steps of a session: up to so many are one length.
LENGTHS = (
    (5, "1 to 5 steps"),
    (20, "6 to 20 steps"),
    (50, "21 to 50 steps"),
    (200, "51 to 200 steps"),
)
LONGEST = "more than 200 steps"
NO_TOOLS = "no tools"
# Tools of a path that are told; paths that go on alike are one.
LONGEST_PATH = 8
BATCH = 500

# Tools in replay order, each once where it follows itself; the first ones of a long path.
PATHS = """
SELECT uuid_send(session_id), (array_agg(name ORDER BY at))[1:$3] FROM (
    SELECT session_id, regexp_replace(coalesce(name, ''), '^.*tools/call ', '') AS name,
        row_number() OVER w AS at,
        lag(regexp_replace(coalesce(name, ''), '^.*tools/call ', '')) OVER w AS before
    FROM agent_sessions_event
    WHERE project_id = $1 AND session_id = ANY($2::uuid[]) AND kind = 'tool'
    WINDOW w AS (PARTITION BY session_id ORDER BY order_at, position, id)
) called WHERE before IS DISTINCT FROM name GROUP BY session_id
"""


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a session decides its stratum."""

    outcome: str
    path: tuple[str, ...]
    length: str

    def stratum(self, by: Iterable[str]) -> tuple[str, ...]:
        """Return the values of some dimensions, in the order of all."""
        chosen = set(by)
        return tuple(self.told(name) for name in DIMENSIONS if name in chosen)

    def told(self, dimension: str) -> str:
        if dimension == "path":
            return " → ".join(self.path) or NO_TOOLS
        return self.outcome if dimension == "outcome" else self.length


def traits_of(
    project: Project, sessions: Sequence[Session], *, paths: bool = True
) -> Mapping[UUID, Traits]:
    """Return what decides the strata of sessions, of each ``BATCH`` in one query."""
    called = _paths(project, [session.pk for session in sessions]) if paths else {}
    return {
        session.pk: Traits(
            outcome_of(session), called.get(session.pk, ()), length_of(session.event_count)
        )
        for session in sessions
    }


def outcome_of(session: Session) -> str:
    """Return how a session ended; where nobody said so, whether a step failed."""
    if session.outcome:
        return session.outcome
    return "unknown, with errors" if session.error_count else "unknown"


def length_of(steps: int) -> str:
    return next((name for most, name in LENGTHS if steps <= most), LONGEST)


def _paths(project: Project, ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    found: dict[UUID, tuple[str, ...]] = {}
    for at in range(0, len(ids), BATCH):
        rows = sql.rows(
            PATHS,
            project.pk,
            array("uuid", [key.bytes for key in ids[at : at + BATCH]]),
            LONGEST_PATH,
        )
        found |= {UUID(bytes=bytes(key)): tuple(names) for key, names in rows}
    return found
