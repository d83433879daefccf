"""What a session shows of its agents: for each prompt of an agent, the first call that was made.

The first call speaks for all: what a loop or a fallback does later in a session depends on the
session. Few calls are read, so the cost does not grow with the session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.canonical import canonical_json
from apps.providers.reading_params import BESIDES, NEUTRAL, RENAMED
from apps.sessions import reader, sql
from apps.sessions.agents.wording import TOKEN
from apps.sessions.keys import ProjectKeys, project_keys
from apps.sessions.messages import read_messages
from apps.sessions.models import Session
from apps.sessions.rows import EventRow

Json = Any

# Of each agent its first calls, and the first of each name and prompt.
FIRST_CALLS = 6
MOST_CALLS = 24
LONGEST_NAME = 200
MOST_TOOLS = 256
MOST_PARAMETERS = 40
# Another in every session, by what they are for.
OF_ONE_CALL = BESIDES | {
    "seed",
    "previous_response_id",
    "conversation",
    "system",
    "instructions",
    "input",
    "tools",
}
# Parameters whose words say what was chosen, never what was said.
CHOSEN = frozenset(
    {"tool_choice", "reasoning_effort", "verbosity", "response_format", "effort", "reasoning"}
)
SIMPLE = re.compile(r"[a-z0-9_.:-]{1,40}")
CALLS = """
SELECT uuid_send(id) FROM (
    SELECT id, order_at, position, agent, prompt_name,
        row_number() OVER (PARTITION BY agent ORDER BY order_at, position, id) AS number,
        row_number() OVER (
            PARTITION BY agent, prompt_name, name, lane ORDER BY order_at, position, id
        ) AS of_its_kind
    FROM agent_sessions_event
    WHERE project_id = $1 AND session_id = $2 AND kind = 'llm' AND is_counted
) AS call
WHERE number <= $3 OR (of_its_kind = 1 AND number <= 2000)
ORDER BY of_its_kind > 1, order_at, position, id LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that shows a state of an agent."""

    agent: str
    event: str
    # "triage@7" where the call says which version of the library's it was made with.
    ref: str
    # The name of that prompt.
    prompt_name: str
    # The system prompt where no version is named.
    text: str
    model: str
    params: Mapping[str, Json]
    # {name: a keyed hash of description and schema}
    tools: Mapping[str, str]


def calls_of(session: Session) -> list[Call]:
    """Return the calls that show what the session's agents were, in replay order."""
    found = sql.rows(CALLS, session.project_id, session.pk, FIRST_CALLS, MOST_CALLS)
    if not found or session.erased_at is not None:
        return []
    rows = reader.rows_with(session, [bytes(key) for (key,) in found])
    rows.sort(key=lambda row: (row.order_at, row.position, row.id))
    keys = project_keys(session.project_id)
    bodies = reader.bodies(session, rows, ("input_digest", "extra_digest"))
    return [
        _call(session, row, said, extra or {}, keys)
        for row, (said, extra) in zip(rows, bodies, strict=True)
    ]


def _call(
    session: Session, row: EventRow, said: Json, extra: Mapping[str, Json], keys: ProjectKeys
) -> Call:
    name, version = row.prompt_name or "", row.prompt_version or ""
    is_named = bool(name and version)
    return Call(
        agent=(row.agent or session.agent or "")[:LONGEST_NAME],
        event=row.id.hex(),
        ref=f"{name}@{version}" if is_named else "",
        prompt_name=name if is_named else "",
        text="" if is_named else system_of(said, extra),
        model=row.model or "",
        params=_params(extra.get("params"), keys),
        tools=_tools(extra.get("tools"), keys),
    )


def system_of(said: Json, extra: Mapping[str, Json]) -> str:
    """Return the system prompt of a call, wherever its provider takes it; empty: it has none."""
    params = extra.get("params")
    beside = params.get("system", params.get("instructions")) if isinstance(params, dict) else None
    messages = [*(read_messages(beside, "system") or ()), *(read_messages(said) or ())]
    return "\n\n".join(
        "".join(part.text for part in message.parts)
        for message in messages
        if message.role in ("system", "developer")
    )


def _params(params: Json, keys: ProjectKeys) -> dict[str, Json]:
    if not isinstance(params, dict):
        return {}
    told = {
        str(RENAMED.get(name, name))[:60]: _value(name, value, keys)
        for name, value in params.items()
        if value is not None and name not in OF_ONE_CALL and NEUTRAL.get(name) != value
    }
    return {name: told[name] for name in sorted(told)[:MOST_PARAMETERS]}


def _value(name: str, value: Json, keys: ProjectKeys) -> Json:
    """Return numbers and choices as they are, and of everything else a keyed hash."""
    if isinstance(value, int | float | bool):
        return value
    if name in CHOSEN and isinstance(value, str) and SIMPLE.fullmatch(value):
        return value
    return f"#{_hashed('parameter', value, keys)}"


def _tools(tools: Json, keys: ProjectKeys) -> dict[str, str]:
    if not isinstance(tools, list):
        return {}
    found: dict[str, str] = {}
    for tool in tools[:MOST_TOOLS]:
        found.setdefault(name_of(tool), _hashed("tool", tool, keys))
    return dict(sorted(found.items()))


def name_of(tool: Json) -> str:
    """Return what a tool is called in any provider's declaration."""
    declared = tool.get("function") if isinstance(tool, dict) else None
    named = declared if isinstance(declared, dict) else tool
    found = named.get("name", named.get("type")) if isinstance(named, dict) else named
    return str(found)[:LONGEST_NAME]


def _hashed(purpose: str, value: Json, keys: ProjectKeys) -> str:
    """Return a keyed hash that dates and ids in the words of a value do not change."""
    text = TOKEN.sub(_blank, canonical_json(value).decode())
    return keys.identity(f"agent.{purpose}", text).hex()[:16]


def _blank(found: re.Match[str]) -> str:
    return "\0" if found.lastgroup == "value" else found[0]


def fingerprint(calls: Mapping[str, Mapping[str, Json]], keys: ProjectKeys) -> bytes:
    """Return the keyed hash of a state of an agent."""
    return keys.identity("agent.version", canonical_json(calls).decode())


def named_calls(calls: Sequence[Call]) -> dict[str, list[Call]]:
    """Return calls by the agent that made them."""
    found: dict[str, list[Call]] = {}
    for call in calls:
        found.setdefault(call.agent, []).append(call)
    return found
