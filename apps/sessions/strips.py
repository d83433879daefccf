"""The steps of a session as a strip of small marks, for the list.

All sessions of a page are read by one statement, whatever their length: of a long session an
even sample is read. An event's id is a hash, so those under a bound lie anywhere in the
session, are the same ones each time, and are as many as the bound lets in. (A LIMIT would
not do: PostgreSQL rather sorts all of a session than walk the key of its partitions.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any
from uuid import UUID

from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.models import Session
from apps.sessions.player import group_of
from apps.tenants.models import Project

# Steps of one session that are read, a few more or less, and marks that are drawn at most.
SAMPLE = 120
MARKS = 40
WIDTH, HEIGHT = 120, 10
WIDEST = 8
KINDS_NAMED = 4
ERROR = "error"

HIGHEST = 2**128 - 1

# LATERAL, so that each session is one short range of the key, whatever the planner believes.
STEPS = """
SELECT uuid_send(s.id), e.steps FROM unnest($2::uuid[], $3::uuid[]) AS s(id, bound)
CROSS JOIN LATERAL (
    SELECT string_agg(
        CASE WHEN status = 'error' THEN 'error' ELSE kind END, ' '
        ORDER BY order_at, position, id
    ) AS steps
    FROM agent_sessions_event e
    WHERE e.project_id = $1 AND e.session_id = s.id AND e.id <= s.bound
    OFFSET 0
) AS e
"""


@dataclass(frozen=True)
class Strip:
    """What is drawn of a session's steps: for each group of kinds one outline."""

    label: str
    paths: Sequence[tuple[str, str]]


def strips_of(project: Project, sessions: Sequence[Session]) -> Mapping[Any, Strip]:
    """Return ``{session id: its strip}`` in one query."""
    if not sessions:
        return {}
    ids = array("uuid", [session.pk.bytes for session in sessions])
    bounds = array("uuid", [bound(session.event_count) for session in sessions])
    rows = sql.rows(STEPS, project.pk, ids, bounds)
    steps = {UUID(bytes=key): (names or "").split() for key, names in rows}
    return {session.pk: _strip(session, steps.get(session.pk, [])) for session in sessions}


def bound(count: int) -> bytes:
    """Return the highest id of which about SAMPLE steps out of ``count`` are no higher."""
    share = HIGHEST if count <= SAMPLE else HIGHEST * SAMPLE // count
    return share.to_bytes(16, "big")


def _strip(session: Session, kinds: Sequence[str]) -> Strip:
    marks = binned([ERROR if kind == ERROR else group_of(kind) for kind in kinds])
    return Strip(told(session), drawn(marks))


def told(session: Session) -> str:
    """Say what a strip shows: how many steps, of which kinds, how many failed."""
    count = session.event_count
    kinds = sorted(session.counts.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = [f"{number:,} {kind}" for kind, number in kinds[:KINDS_NAMED]]
    if others := sum(number for _, number in kinds[KINDS_NAMED:]):
        parts.append(f"{others:,} other")
    if session.error_count:
        parts.append(f"{session.error_count:,} error{'s' * (session.error_count > 1)}")
    text = f"{count:,} step{'s' * (count != 1)}: {', '.join(parts)}"
    return f"{text} (drawn from about {SAMPLE} of them)" if count > SAMPLE else text


def binned(groups: Sequence[str]) -> list[str]:
    """Return at most MARKS groups: of each stretch the commonest, or error where there is one."""
    if len(groups) <= MARKS:
        return list(groups)
    edges = [len(groups) * at // MARKS for at in range(MARKS + 1)]
    return [_commonest(groups[a:b]) for a, b in pairwise(edges)]


def _commonest(groups: Sequence[str]) -> str:
    return ERROR if ERROR in groups else max(dict.fromkeys(groups), key=groups.count)


def drawn(marks: Sequence[str]) -> list[tuple[str, str]]:
    """Return ``(group, path of SVG)`` for every group among the marks."""
    pitch = min(WIDEST, WIDTH // max(len(marks), 1))
    paths: dict[str, list[str]] = {}
    for at, group in enumerate(marks):
        paths.setdefault(group, []).append(_mark(group, at * pitch, pitch - 1))
    return [(group, "".join(parts)) for group, parts in paths.items()]


@lru_cache(maxsize=2048)
def _mark(group: str, x: int, width: int) -> str:
    half = width / 2
    return SHAPES[group].format(x=x, w=width, h=half, m=x + half, e=x + width - 1)


def _bars(*spans: tuple[int, int]) -> str:
    return "".join(f"M{{x}} {top}h{{w}}v{tall}h-{{w}}z" for top, tall in spans)


# A shape for each group, as the bars of the player have, so that colour is never alone:
# whole, lower, dotted, bracket, diamond, double line, thin; and an error is hatched.
SHAPES: Mapping[str, str] = {
    "llm": _bars((0, 10)),
    "tool": _bars((3, 7)),
    "retriever": _bars((0, 2), (4, 2), (8, 2)),
    "agent": _bars((0, 2), (8, 2)),
    "decision": "M{m} 0l{h} 5l-{h} 5l-{h}-5z",
    "human": "M{x} 0h1v10h-1zM{e} 0h1v10h-1z",
    "other": _bars((4, 2)),
    ERROR: "".join(f"M{{x}} {low}l{{w}}-3" for low in (3, 6, 9)),
}
