"""What two versions of an agent were told: the words of their prompts, and their tools.

Neither is kept with a version. They are read from the newest session of each that shows them, so
they are gone where every such session was erased, and reading them is reading those sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.value_diff import Difference, difference
from apps.prompts.differing import unified_lines
from apps.sessions import reader
from apps.sessions.agents import wording
from apps.sessions.agents.assigning import hasher
from apps.sessions.agents.models import AgentPrompt, AgentVersion
from apps.sessions.agents.observing import name_of, system_of
from apps.sessions.agents.queries import exemplars
from apps.sessions.keys import project_keys
from apps.sessions.models import Session

Json = Any

# Stands for what is another in every session.
VARIES = "\u27e8varies\u27e9"


@dataclass(frozen=True, slots=True)
class Told:
    """What one prompt of a version says, and the step that shows it."""

    slot: str
    ref: str
    text: str
    tools: Mapping[str, Json]
    params: Mapping[str, Json]
    session: Session
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
    """Return each prompt of a version beside that of the version before it."""
    old = dict(before.calls) if before else {}
    gone, come = ([s for s in one if s not in other] for one, other in both(old, after.calls))
    renamed = {come[0]: gone[0]} if len(gone) == len(come) == 1 else {}
    found = []
    for slot in after.calls:
        was = renamed.get(slot, slot)
        ours = told_by(before, was) if before is not None and was in old else None
        found.append(_compared(slot, ours, told_by(after, slot)))
    lost = [slot for slot in gone if slot not in renamed.values()]
    found += [_compared(slot, told_by(before, slot), None) for slot in lost if before]
    return found


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


def told_by(version: AgentVersion, slot: str) -> Told | None:
    """Return what a prompt of a version says, read from a session; None: none shows it."""
    link = exemplars(version, slot)
    if link is None:
        return None
    session = link.session
    session.project = version.project
    event = link.events[slot]
    [row] = reader.rows_with(session, [bytes.fromhex(event)])
    [[said, extra]] = reader.bodies(session, [row], ("input_digest", "extra_digest"))
    extra = extra or {}
    tools = extra.get("tools")
    params = extra.get("params")
    return Told(
        slot,
        ref=version.calls[slot]["ref"],
        text=_without_values(version, slot, system_of(said, extra)),
        tools={name_of(tool): tool for tool in tools} if isinstance(tools, list) else {},
        params=_counted(params, version.calls[slot]["params"]),
        session=session,
        event=event,
    )


def _counted(params: Json, kept: Mapping[str, Json]) -> dict[str, Json]:
    known = params if isinstance(params, dict) else {}
    return {name: known.get(name, value) for name, value in kept.items()}


def _without_values(version: AgentVersion, slot: str, text: str) -> str:
    """Return a prompt's words with what varies left out, so that versions can be compared."""
    rows = AgentPrompt.unscoped.filter(project_id=version.project_id)
    prompt = rows.filter(pk=version.calls[slot]["prompt"]).first()
    if prompt is None:
        return text
    words = wording.unpack(prompt.words)
    return wording.shown(words, text, hasher(project_keys(version.project_id)), VARIES)


def sessions_read(compared: Sequence[Compared]) -> list[Session]:
    """Return the sessions whose words a comparison shows."""
    sides = [side for one in compared for side in (one.before, one.after) if side is not None]
    return list({side.session.pk: side.session for side in sides}.values())
