"""Agents, their versions, what changed from one to the next, and how each did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, decode_position, encode_cursor
from apps.sessions import sql
from apps.sessions.agents.generalising import ANY_MODEL
from apps.sessions.agents.models import Agent, AgentVersion
from apps.sessions.agents.publishing import UNNAMED, stamp_of
from apps.sessions.arrays import array
from apps.sessions.prompt_metrics import FEWEST, Estimate, Z, mean, share
from apps.tenants.models import Project

Json = Any

# Of each version: the sessions that are counted, and whose numbers are read.
MOST_COUNTED = 10_000
NEWEST_SESSIONS = 200
COUNTS = """
SELECT wanted.id, (
    SELECT count(*) FROM (
        SELECT FROM agent_sessions_sessionagentversion
        WHERE project_id = $1 AND version_id = wanted.id LIMIT $3
    ) AS few
)
FROM unnest($2::bigint[]) AS wanted (id)
"""
VALUES = """
SELECT wanted.id, one.is_failed, one.outcome, one.duration_ms, one.cost, one.tokens
FROM unnest($2::bigint[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT s.error_count > 0 AS is_failed, s.outcome, s.duration_ms, s.cost::float8,
        CASE WHEN s.input_tokens IS NULL THEN s.output_tokens
            ELSE s.input_tokens + coalesce(s.output_tokens, 0) END AS tokens
    FROM (
        SELECT session_id FROM agent_sessions_sessionagentversion
        WHERE project_id = $1 AND version_id = wanted.id
        ORDER BY started_at DESC, session_id DESC LIMIT $3
    ) AS newest
    JOIN agent_sessions_session s ON s.project_id = $1 AND s.id = newest.session_id
    WHERE s.is_listed
) AS one
"""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How sessions of a version did, each with the interval that holds the true value."""

    # Of sessions: with a step that failed, and with the outcome "failure" among those with one.
    errors: Estimate | None = None
    failures: Estimate | None = None
    duration_ms: Estimate | None = None
    tokens: Estimate | None = None
    cost: Estimate | None = None
    read: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a version has otherwise than the version before it."""

    # "prompt", "model", "parameter" or "tool"
    what: str
    # "added", "removed" or "changed"
    how: str
    # Of a parameter or tool; of a prompt "triage@8" where it is the library's.
    name: str = ""
    before: Json = None
    after: Json = None
    slot: str = ""

    @property
    def says(self) -> str:
        """The change in words, without what the prompts say."""
        if self.what == "prompt":
            return self._prompt_says()
        if self.what == "model":
            return f"model {_model(self.before)} \u2192 {_model(self.after)}"
        if self.what == "parameter" and not _is_hashed(self.before, self.after):
            return f"{self.name}: {_told(self.before)} \u2192 {_told(self.after)}"
        return f"{self.what} {self.name} {self.how}"

    def _prompt_says(self) -> str:
        if self.before and self.after:
            return f"prompt {self.before} \u2192 {self.after}"
        return f"prompt{f' {self.name}' if self.name else ''} {self.how}"


@dataclass(frozen=True)
class VersionRow:
    """A version in the line of its agent."""

    version: AgentVersion
    stamp: str
    sessions: int
    numbers: Numbers
    # None for the first.
    changes: Sequence[Change] | None
    # The version before it.
    older: AgentVersion | None

    @property
    def before(self) -> int | None:
        return self.older.number if self.older else None

    @property
    def is_more(self) -> bool:
        return self.sessions > MOST_COUNTED

    @property
    def models(self) -> list[str]:
        return sorted({_model(call["model"]) for call in self.version.calls.values()})

    @property
    def tools(self) -> int:
        return len({name for call in self.version.calls.values() for name in call["tools"]})


def agent_page(project: Project, *, cursor: str | None, limit: int) -> Page[Agent]:
    """Return agents, the one seen last first, with ``count`` and ``newest`` of versions."""
    rows = project.agents.filter(last_number__gt=0).order_by("-last_seen", "-pk")
    rows = rows.exclude(last_seen=None)
    if cursor:
        seen, pk = _place(cursor)
        rows = rows.filter(Q(last_seen__lt=seen) | Q(last_seen=seen, pk__lt=pk))
    live = AgentVersion.unscoped.filter(
        project_id=project.pk, agent_id=OuterRef("pk"), merged_into=None
    )
    counted = live.order_by().values("agent_id").annotate(n=Count("pk")).values("n")
    rows = rows.annotate(
        count=Coalesce(Subquery(counted), 0),
        newest=Subquery(live.order_by("-number").values("number")[:1]),
        newest_seen=Subquery(live.order_by("-number").values("first_seen")[:1]),
    )
    found: list[Agent] = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    until = last.last_seen if last else None
    following = encode_cursor(until.isoformat(), last.pk) if last and until else None
    return Page(found[:limit], next=following)


def _place(cursor: str) -> tuple[datetime, int]:
    seen, pk = decode_cursor(cursor, 2)
    try:
        moment = datetime.fromisoformat(seen)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None or type(pk) is not int or not 0 < pk < 2**63:
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor")
    return moment, pk


def find_agent(project: Project, *, pk: int | None = None, name: str = "") -> Agent:
    """Return an agent by its id or its name (``-``: calls that name none), or a 404."""
    rows = project.agents.filter(last_number__gt=0)
    if pk is None:
        agent = rows.filter(name="" if name == UNNAMED else name).first()
    else:
        agent = rows.filter(pk=pk).first() if pk < 2**63 else None
    if agent is None:
        raise Http404("There is no such agent.")
    return agent


def find_version(agent: Agent, number: int) -> AgentVersion:
    """Return a version, or the one that it turned out to be."""
    rows = agent.versions.filter(project_id=agent.project_id)
    version = rows.filter(number=number).first() if number < 2**31 else None
    if version is not None and version.merged_into is not None:
        version = rows.filter(number=version.merged_into).first()
    if version is None:
        raise Http404("There is no such version of this agent.")
    return version


def find_stamp(project: Project, stamp: str) -> tuple[Agent, AgentVersion]:
    """Return what ``support@3`` names."""
    name, _, number = stamp.rpartition("@")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Http404("There is no such version.")
    agent = find_agent(project, name=name)
    return agent, find_version(agent, int(number))


def version_page(agent: Agent, *, cursor: str | None, limit: int) -> Page[VersionRow]:
    """Return the versions of an agent, the newest first; three queries."""
    rows = agent.versions.filter(project_id=agent.project_id, merged_into=None).order_by("-number")
    if cursor:
        rows = rows.filter(number__lt=decode_position(cursor))
    # One more than is shown tells the last one's changes, and whether there are more.
    found = list(rows[: limit + 1])
    following = encode_cursor(found[limit - 1].number) if len(found) > limit else None
    return Page(_rows(agent, found, limit), next=following)


def find_row(agent: Agent, number: int) -> VersionRow:
    """Return a version as the line has it, or the one that it turned out to be; or a 404."""
    live = agent.versions.filter(project_id=agent.project_id, merged_into=None)
    known = live.filter(number__lte=min(number, 2**31 - 1))
    rows = list(known.order_by("-number")[:2])
    if rows and rows[0].number == number:
        return _rows(agent, rows, 1)[0]
    return find_row(agent, find_version(agent, number).number)


def _rows(agent: Agent, found: Sequence[AgentVersion], limit: int) -> list[VersionRow]:
    ids = array("bigint", [row.pk for row in found[:limit]])
    counts = dict(sql.rows(COUNTS, agent.project_id, ids, MOST_COUNTED + 1))
    values: dict[int, list[Sequence[Any]]] = {}
    for pk, *rest in sql.rows(VALUES, agent.project_id, ids, NEWEST_SESSIONS):
        values.setdefault(pk, []).append(rest)
    made = []
    for version, before in zip(found, [*found[1:], None], strict=True):
        made.append(
            VersionRow(
                version,
                stamp=stamp_of(agent.name, version.number),
                sessions=counts.get(version.pk, 0),
                numbers=_numbers(values.get(version.pk, [])),
                changes=list(changes(before.calls, version.calls)) if before else None,
                older=before,
            )
        )
    return made[:limit]


def _numbers(values: Sequence[Sequence[Any]]) -> Numbers:
    if not values:
        return Numbers()
    failed, outcomes, durations, costs, tokens = zip(*values, strict=True)
    judged = [outcome for outcome in outcomes if outcome is not None]
    return Numbers(
        errors=share(sum(failed), len(failed)),
        failures=share(judged.count("failure"), len(judged)),
        duration_ms=_median([value for value in durations if value is not None]),
        tokens=mean([float(value) for value in tokens if value is not None]),
        cost=mean([float(value) for value in costs if value is not None]),
        read=len(values),
    )


def _median(values: Sequence[float]) -> Estimate | None:
    """Return the middle value with the interval of its rank."""
    ordered = sorted(values)
    if not ordered:
        return None
    count = len(ordered)
    middle = ordered[(count - 1) // 2]
    if count < FEWEST:
        return Estimate(middle)
    half = Z * (count * 0.25) ** 0.5
    low, high = int(max(0, count / 2 - half - 1)), int(min(count - 1, count / 2 + half))
    return Estimate(middle, ordered[low], ordered[high])


def changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    """Yield what one state of an agent has otherwise than another.

    One prompt gone and one come is one prompt that was written anew.
    """
    gone = [slot for slot in before if slot not in after]
    come = [slot for slot in after if slot not in before]
    pairs = [(slot, slot) for slot in before if slot in after]
    if len(gone) == len(come) == 1:
        pairs.append((gone[0], come[0]))
        gone, come = [], []
    for old, new in pairs:
        yield from _call_changes(before[old], after[new], new)
    yield from (Change("prompt", "removed", before[slot]["ref"], slot=slot) for slot in gone)
    yield from (Change("prompt", "added", after[slot]["ref"], slot=slot) for slot in come)


def _call_changes(old: Mapping[str, Json], new: Mapping[str, Json], slot: str) -> Iterator[Change]:
    if (old["prompt"], old["ref"]) != (new["prompt"], new["ref"]):
        yield Change("prompt", "changed", new["ref"], old["ref"], new["ref"], slot)
    if old["model"] != new["model"]:
        yield Change("model", "changed", "", old["model"], new["model"], slot)
    yield from _named("parameter", old["params"], new["params"], slot)
    yield from _named("tool", old["tools"], new["tools"], slot)


def _named(
    what: str, old: Mapping[str, Json], new: Mapping[str, Json], slot: str
) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if old.get(name) == new.get(name):
            continue
        how = "removed" if name not in new else "changed" if name in old else "added"
        yield Change(what, how, name, old.get(name), new.get(name), slot)


def _model(name: str) -> str:
    return "several" if name == ANY_MODEL else name or "unknown"


def _is_hashed(*values: Json) -> bool:
    return any(isinstance(value, str) and value.startswith("#") for value in values)


def _told(value: Json) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
