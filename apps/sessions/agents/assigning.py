"""Which version of its agents a session was of; versions that nobody saw before are numbered.

A session shows the prompts that it came to use, so it says of a version a part only: it is of the
newest version, begun before it, that agrees in all that it shows. Where none agrees, a new version
has what it shows, and keeps of the version before it the prompts that not every session used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import transaction
from psycopg.types.json import Jsonb

from apps.sessions import sql
from apps.sessions.agents import generalising, wording
from apps.sessions.agents.models import Agent, AgentPrompt, AgentVersion
from apps.sessions.agents.models import SessionAgentVersion as Link
from apps.sessions.agents.observing import Call, calls_of, fingerprint, named_calls
from apps.sessions.agents.publishing import publish
from apps.sessions.arrays import array
from apps.sessions.choices import UNKNOWN_TIME, Origin
from apps.sessions.keys import ProjectKeys, project_keys
from apps.sessions.models import Session

# Names are the senders': a name that holds an id must not fill the database.
MOST_AGENTS = 1_000
MOST_VERSIONS = 1_000
# Wordings and versions that a session is compared with, the newest first.
MOST_COMPARED = 50
# They are what somebody tried, and not what the agent was.
NOT_READ = (Origin.REPLAY, Origin.FORK)

NOTE_READING = """
INSERT INTO agent_sessions_agentreading (project_id, session_id, arrived_at) VALUES ($1, $2, $3)
ON CONFLICT (project_id, session_id) DO UPDATE SET arrived_at = excluded.arrived_at
"""
LINK = """
INSERT INTO agent_sessions_sessionagentversion
    (project_id, session_id, agent_id, version_id, events, started_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (project_id, session_id, agent_id) DO UPDATE
    SET version_id = excluded.version_id, events = excluded.events,
        started_at = excluded.started_at
"""
UNLINK = """
DELETE FROM agent_sessions_sessionagentversion
WHERE project_id = $1 AND session_id = $2 AND agent_id <> ALL($3::bigint[])
"""
NOTE_TIMES = """
WITH noted AS (
    UPDATE agent_sessions_agent SET first_seen = least(first_seen, $4::timestamptz),
        last_seen = greatest(last_seen, $4::timestamptz)
    WHERE project_id = $1 AND id = $2
)
UPDATE agent_sessions_agentversion SET first_seen = least(first_seen, $4::timestamptz),
    last_seen = greatest(last_seen, $4::timestamptz)
WHERE project_id = $1 AND id = $3
"""

State = dict[str, dict[str, Any]]


class Shown(NamedTuple):
    """What one session shows of one agent: a state of each prompt, and the step that shows it."""

    state: State
    events: dict[str, str]


@transaction.atomic
def read_session(session: Session) -> list[Link]:
    """Find which versions of its agents a session was of, anew; return them."""
    session = session.locked()
    sql.run(NOTE_READING, session.project_id, session.pk, session.last_arrival_at)
    is_read = session.is_listed and session.origin not in NOT_READ
    found = named_calls(calls_of(session)) if is_read else {}
    links = [link for name in sorted(found) if (link := _place(session, name, found[name]))]
    ids = array("bigint", [link.agent_id for link in links])
    sql.run(UNLINK, session.project_id, session.pk, ids)
    publish(session, links)
    return links


def _place(session: Session, name: str, calls: Sequence[Call]) -> Link | None:
    agent = hold_agent(session, name)
    if agent is None:
        return None
    keys, start = project_keys(session.project_id), session.sort_started
    shown = _shown(agent, calls, keys)
    version = find_version(agent, shown.state, start)
    is_new = version is None
    version = version or _new_version(agent, shown.state, start, keys)
    if version is None:
        return None
    place = (session.project_id, session.pk, agent.pk)
    sql.run(LINK, *place, version.pk, Jsonb(shown.events), start)
    sql.run(NOTE_TIMES, agent.project_id, agent.pk, version.pk, session.started_at)
    if is_new:
        version = generalising.settle(agent, version, keys)
    return Link(
        project_id=place[0], session_id=place[1], agent=agent, version=version, events=shown.events
    )


def hold_agent(session: Session, name: str) -> Agent | None:
    """Return the agent locked, made on first sight; None where the project has too many."""
    rows = Agent.unscoped.filter(project_id=session.project_id)
    held = rows.select_for_update(of=("self",)).filter(name=name)
    if (agent := held.first()) is not None or rows.count() >= MOST_AGENTS:
        return agent
    made = Agent(project_id=session.project_id, name=name)
    Agent.unscoped.bulk_create([made], ignore_conflicts=True)
    return held.get()


def _shown(agent: Agent, calls: Sequence[Call], keys: ProjectKeys) -> Shown:
    shown = Shown({}, {})
    prompts: dict[tuple[str, str], tuple[str, int | None]] = {}
    for call in calls:
        said = (call.ref, call.text)
        if said not in prompts:
            prompts[said] = _prompt(agent, call, keys, {pk for _, pk in prompts.values()})
        slot, prompt = prompts[said]
        if slot in shown.state:
            continue
        shown.state[slot] = {
            "prompt": prompt,
            "ref": call.ref,
            "model": call.model,
            "params": dict(call.params),
            "tools": dict(call.tools),
        }
        shown.events[slot] = call.event
    return Shown(generalising.without(shown.state, agent.varying), shown.events)


def _prompt(
    agent: Agent, call: Call, keys: ProjectKeys, counted: Collection[int | None]
) -> tuple[str, int | None]:
    """Return which prompt of the agent a call was made with, and which wording of it.

    ``counted`` are the wordings that this session has shown already.
    """
    if call.ref:
        return f"p:{call.prompt_name}", None
    words = wording.words_of(call.text, hasher(keys))
    if not words:
        return "-", None
    known = list(live_prompts(agent).order_by("-pk")[:MOST_COMPARED])
    row = next((one for one in known if wording.fits(wording.unpack(one.words), words)), None)
    if row is not None and row.pk not in counted and row.repeats < wording.SURE:
        row.repeats += 1
        row.save(update_fields=["repeats"])
    row = row or _with_values(known, words) or _add(agent, known, words)
    return row.slot, row.pk


def live_prompts(agent: Agent) -> Any:
    return agent.prompts.filter(project_id=agent.project_id, merged_into=None)


def _with_values(known: Sequence[AgentPrompt], words: Sequence[int]) -> AgentPrompt | None:
    for row in known:
        made = wording.with_values(wording.unpack(row.words), words, row.repeats)
        if made is not None:
            row.words, row.repeats = wording.pack(made), 1
            row.save(update_fields=["words", "repeats"])
            return row
    return None


def _add(agent: Agent, known: Sequence[AgentPrompt], words: Sequence[int]) -> AgentPrompt:
    alike = [(wording.likeness(wording.unpack(row.words), words), row.pk, row) for row in known]
    best = max(alike, default=None)
    if best is not None and best[0] >= wording.ALIKE:
        slot = best[2].slot
    else:
        numbers = agent.prompts.filter(project_id=agent.project_id).values("slot").distinct()
        slot = f"t:{numbers.count() + 1}"
    return AgentPrompt.unscoped.create(
        project_id=agent.project_id, agent_id=agent.pk, slot=slot, words=wording.pack(words)
    )


def hasher(keys: ProjectKeys) -> wording.Hash:
    """Return the keyed hash of words of a project's prompts."""
    return partial(_hashed, keys.identity_key)


@lru_cache(maxsize=50_000)
def _hashed(key: bytes, word: str) -> int:
    said = word.encode("utf-8", "surrogatepass")
    hashed = hashlib.blake2b(said, digest_size=4, key=key, person=b"agent.word").digest()
    return int.from_bytes(hashed, "big") >> 2


def live_versions(agent: Agent) -> Any:
    return agent.versions.filter(project_id=agent.project_id, merged_into=None)


def find_version(agent: Agent, state: State, started_at: datetime) -> AgentVersion | None:
    """Return the version that agrees with a session, the newest that began before it first."""
    rows = list(live_versions(agent).order_by("-number")[:MOST_COMPARED])
    agreeing = [row for row in rows if agrees(row.calls, state)]
    before = [row for row in agreeing if (row.first_seen or UNKNOWN_TIME) <= started_at]
    return next(iter([*before, *reversed(agreeing)]), None)


def agrees(version: Mapping[str, Any], state: State) -> bool:
    return all(version.get(slot) == call for slot, call in state.items())


def _new_version(
    agent: Agent, state: State, started_at: datetime, keys: ProjectKeys
) -> AgentVersion | None:
    if agent.last_number >= MOST_VERSIONS:
        return None
    agent.last_number += 1
    agent.save(update_fields=["last_number"])
    calls = _kept(agent, state, started_at) | state
    return AgentVersion.unscoped.create(
        project_id=agent.project_id,
        agent_id=agent.pk,
        number=agent.last_number,
        fingerprint=fingerprint(calls, keys),
        calls=calls,
    )


def _kept(agent: Agent, state: State, started_at: datetime) -> State:
    """Return the prompts of the version before that this session had no need of."""
    rows = live_versions(agent).order_by("-number")
    begun = rows.filter(first_seen__lte=started_at).first() or rows.first()
    if begun is None:
        return {}
    linked = begun.sessions.filter(project_id=agent.project_id)
    return {
        slot: call
        for slot, call in begun.calls.items()
        if slot not in state and linked.exclude(events__has_key=slot).exists()
    }
