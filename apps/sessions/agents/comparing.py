"""What two versions of an agent were told: the words of their prompts, and their tools.

Neither is kept with a version. They are read from the newest session of each that shows them, so
they are gone where every such session was erased, and reading them is reading those sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.core.value_diff import Difference, difference
from apps.prompts.differing import unified_lines
from apps.sessions import event_rows, reader, sql
from apps.sessions.agents import wording
from apps.sessions.agents.assigning import hasher
from apps.sessions.agents.models import AgentPrompt, AgentVersion
from apps.sessions.agents.observing import name_of, system_of
from apps.sessions.arrays import array
from apps.sessions.chunks import Contents
from apps.sessions.keys import project_keys
from apps.sessions.rows import EventRow

Json = Any

# Stands for what is another in every session.
VARIES = "\u27e8varies\u27e9"


# Of each prompt of each version the newest session that shows it.
SHOWN = """
SELECT wanted.version, wanted.slot, uuid_send(newest.id), newest.event
FROM unnest($2::bigint[], $3::text[]) AS wanted (version, slot)
CROSS JOIN LATERAL (
    SELECT s.id, link.events ->> wanted.slot AS event
    FROM agent_sessions_sessionagentversion AS link
    JOIN agent_sessions_session s ON s.project_id = $1 AND s.id = link.session_id AND s.is_listed
    WHERE link.project_id = $1 AND link.version_id = wanted.version AND link.events ? wanted.slot
    ORDER BY link.started_at DESC, link.session_id DESC LIMIT 1
) AS newest
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What one prompt of a version says, and the step that shows it."""

    slot: str
    ref: str
    text: str
    tools: Mapping[str, Json]
    params: Mapping[str, Json]
    session: UUID
    event: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One prompt of two versions; None: it is not there, or no session shows it any more."""

    slot: str
    before: Told | None
    after: Told | None
    # A unified diff without a head; empty: the words are the same.
    words: str
    tools: Difference
    params: Difference


def compare_versions(before: AgentVersion | None, after: AgentVersion) -> list[Compared]:
    """Return each prompt of a version beside that of the version before it; six queries."""
    old = dict(before.calls) if before else {}
    gone, come = ([s for s in one if s not in other] for one, other in both(old, after.calls))
    renamed = {come[0]: gone[0]} if len(gone) == len(come) == 1 else {}
    told = told_by([version for version in (before, after) if version is not None])
    earlier = before.pk if before else None
    found = [
        _compared(slot, told.get((earlier, renamed.get(slot, slot))), told.get((after.pk, slot)))
        for slot in after.calls
    ]
    lost = [slot for slot in gone if slot not in renamed.values()]
    return found + [_compared(slot, told.get((earlier, slot)), None) for slot in lost]


def both(
    old: Mapping[str, Json], new: Mapping[str, Json]
) -> Sequence[tuple[Mapping[str, Json], Mapping[str, Json]]]:
    return ((old, new), (new, old))


def _compared(slot: str, before: Told | None, after: Told | None) -> Compared:
    lines = [one.text.splitlines() if one else [] for one in (before, after)]
    is_known = before is not None and after is not None
    return Compared(
        slot,
        before,
        after,
        words="\n".join(unified_lines(*lines)) if is_known else "",
        tools=difference(before.tools if before else {}, after.tools if after else {}),
        params=difference(before.params if before else {}, after.params if after else {}),
    )


def told_by(versions: Sequence[AgentVersion]) -> dict[tuple[int | None, str], Told]:
    """Return what prompts of versions say, by version and prompt, where a session shows it."""
    project_id = versions[0].project_id
    wanted = [(version.pk, slot) for version in versions for slot in version.calls]
    ids, slots = array("bigint", [pk for pk, _ in wanted]), array("text", [s for _, s in wanted])
    shown = sql.rows(SHOWN, project_id, ids, slots)
    places = {
        (pk, slot): (bytes(session), bytes.fromhex(event)) for pk, slot, session, event in shown
    }
    found = event_rows.existing_events(project_id, list(places.values()))
    rows = {(session, row.id): row for session, row in found}
    contents = _contents(project_id, rows)
    hashed = hasher(project_keys(project_id))
    states = {
        (version.pk, slot): call | {"hashed": hashed}
        for version in versions
        for slot, call in version.calls.items()
    }
    wordings = _wordings(project_id, states.values())
    told = {}
    for key, place in places.items():
        if (row := rows.get(place)) is None:
            continue
        said = contents.body(place[0], row.input_digest)
        extra = contents.body(place[0], row.extra_digest) or {}
        told[key] = _told(key[1], place, states[key], (said, extra), wordings)
    return told


def _contents(project_id: int, rows: Mapping[tuple[bytes, bytes], EventRow]) -> Contents:
    sessions = {UUID(bytes=session) for session, _ in rows}
    ciphers = reader.ciphers_of(project_id, sessions)
    opened = {key.bytes: one for key, one in ciphers.items()}
    contents = Contents(project_id, opened, is_small=True)
    digests = [
        (session, digest)
        for (session, _), row in rows.items()
        for digest in (row.input_digest, row.extra_digest)
        if digest
    ]
    if digests:
        contents.load(digests)
    return contents


def _wordings(project_id: int, calls: Iterable[Mapping[str, Json]]) -> dict[int, list[int]]:
    wanted = {call["prompt"] for call in calls} - {None}
    rows = AgentPrompt.unscoped.filter(project_id=project_id, pk__in=wanted)
    return {row.pk: wording.unpack(row.words) for row in rows}


def _told(
    slot: str,
    place: tuple[bytes, bytes],
    call: Mapping[str, Json],
    body: tuple[Json, Mapping[str, Json]],
    wordings: Mapping[int, list[int]],
) -> Told:
    said, extra = body
    tools, text = extra.get("tools"), system_of(said, extra)
    if (words := wordings.get(call["prompt"])) is not None:
        text = wording.shown(words, text, call["hashed"], VARIES)
    return Told(
        slot,
        ref=call["ref"],
        text=text,
        tools={name_of(tool): tool for tool in tools} if isinstance(tools, list) else {},
        params=_counted(extra.get("params"), call["params"]),
        session=UUID(bytes=place[0]),
        event=place[1].hex(),
    )


def _counted(params: Json, kept: Mapping[str, Json]) -> dict[str, Json]:
    known = params if isinstance(params, dict) else {}
    return {name: known.get(name, value) for name, value in kept.items()}


def sessions_read(compared: Sequence[Compared]) -> list[str]:
    """Return the sessions whose words a comparison shows."""
    sides = [side for one in compared for side in (one.before, one.after) if side is not None]
    return sorted({str(side.session) for side in sides})
