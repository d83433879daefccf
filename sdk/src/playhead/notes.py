"""Steps that ask nothing of anybody: agents, decisions, states; beside those of the record.

Nothing answers them at a replay. What they came to is compared, so that a change of the code
between two calls is seen even where all calls are the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playhead import places
from playhead.calls import Answer, Call
from playhead.differences import differences
from playhead.divergences import ERROR, EXTRA, MISSING, OUTPUT, Divergent
from playhead.masked import is_all_but_masked
from playhead.matching import normalised
from playhead.values import OPAQUE, TAG

Json = Any
Event = Mapping[str, Json]

AGENT = "agent"
# What is compared of each kind.
COMPARED = {
    AGENT: ("output",),
    "decision": ("decision",),
    "state": ("state", "state_patch"),
    "code_change": ("code_change",),
}
# What stops a replay is no result of the agent that it stopped.
STOPPED = "Divergence"
# Ids that libraries draw for themselves are others on every run.
_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)


@dataclass(frozen=True, slots=True)
class Noted:
    """One such step of a replay."""

    kind: str
    name: str
    lane: str
    id: str
    fields: Mapping[str, Json]
    error: Mapping[str, Json] | None = None
    parent: str | None = None
    # Steps that hold others are noted when they end, and told in the order of their beginning.
    began: int | None = None

    @classmethod
    def of_step(cls, step: Call, answer: Answer) -> Noted:
        """Return a step that held others, once it has ended."""
        fields = {"output": answer.output}
        return cls(
            step.kind, step.name, step.lane, step.id, fields, answer.error, step.parent, step.began
        )

    @classmethod
    def of_fact(cls, kind: str, name: str, fields: Mapping[str, Json], fact: str) -> Noted:
        """Return a fact that is noted here and now, with the id that it was given."""
        return cls(kind, name, places.lane_path(), fact, dict(fields))


@dataclass(frozen=True, slots=True)
class Pair:
    """A step of the record and of the replay; None where only the other side has it."""

    seq: int | None
    event: Event | None
    noted: Noted | None

    @property
    def kind(self) -> str:
        return str(self.event.get("kind")) if self.event else self.noted.kind if self.noted else ""

    @property
    def is_stopped(self) -> bool:
        """Tell whether the replay stopped inside of it."""
        return self.noted is not None and (self.noted.error or {}).get("type") == STOPPED


def pairs_of(events: Sequence[Event], noted: Iterable[Noted], begins_at: int = 1) -> list[Pair]:
    """Return the steps of both sides, paired by lane, kind and name in the order of beginning.

    Of the record only those from a step on: what was before it was not done again.
    """
    waiting: dict[tuple[str, str, str], list[Noted]] = defaultdict(list)
    for one in sorted(noted, key=lambda one: one.began or 0):
        if one.kind in COMPARED:
            waiting[one.lane, one.kind, one.name].append(one)
    found = []
    for seq, event in enumerate(events, 1):
        if seq >= begins_at and event.get("kind") in COMPARED:
            lane, kind, name = (str(event.get(part) or "") for part in ("lane", "kind", "name"))
            same = waiting.get((lane, kind, name))
            found.append(Pair(seq, event, same.pop(0) if same else None))
    return found + [Pair(None, None, one) for rest in waiting.values() for one in rest]


def divergences_of(pairs: Iterable[Pair], *, is_stopped: bool) -> Iterator[Divergent]:
    """Yield the steps that came to something else; of a stopped replay none that is missing."""
    for pair in pairs:
        event, noted = pair.event, pair.noted
        if event is not None and noted is not None and not pair.is_stopped:
            yield from _compared(pair.seq or 0, event, noted)
        elif noted is not None and event is None:
            says = f"{noted.kind} {noted.name} in lane {noted.lane} is not in the record"
            yield Divergent(EXTRA, None, noted.lane, noted.name, says, made=noted.id)
        elif event is not None and noted is None and not is_stopped:
            where = f"{event.get('kind')} {event.get('name')} in lane {event.get('lane')}"
            says = f"step {pair.seq}, {where}, did not come"
            yield Divergent(
                MISSING,
                pair.seq,
                str(event.get("lane")),
                str(event.get("name")),
                says,
                event=_id(event),
            )


def _compared(seq: int, event: Event, noted: Noted) -> Iterator[Divergent]:
    where = f"step {seq}, {noted.kind} {noted.name} in lane {noted.lane}"
    if _error(event.get("error")) != _error(noted.error):
        says = f"{where}: it {_ended(noted.error)}, and {_ended(event.get('error'))} then"
        kind, then, now = ERROR, event.get("error"), noted.error
    elif not is_same(event, noted):
        says = f"{where}: it came to something else than recorded"
        kind, then, now = OUTPUT, _told(event), _told(noted.fields, noted.kind)
    else:
        return
    yield Divergent(
        kind, seq, noted.lane, noted.name, says, differences(then, now), _id(event), noted.id
    )


def _id(event: Event) -> str | None:
    found = event.get("client_id") or event.get("id")
    return None if found is None else str(found)


def _error(error: Mapping[str, Json] | None) -> Json:
    return error.get("type") if error else None


def _ended(error: Mapping[str, Json] | None) -> str:
    return f"failed with {error.get('type')}" if error else "came back"


def is_same(event: Event, noted: Noted) -> bool:
    """Tell whether both came to the same, but for ids of libraries and what is masked."""
    then, now = without_ids(_told(event)), without_ids(_told(noted.fields, noted.kind))
    return bool(then == now) or is_all_but_masked(then, now)


def _told(fields: Mapping[str, Json], kind: str | None = None) -> Json:
    names = COMPARED.get(kind or str(fields.get("kind")), ())
    return {name: fields[name] for name in names if fields.get(name) is not None}


def without_ids(value: Json) -> Json:
    """Return a value with ids by their order of appearance, and of opaque values the type alone."""
    ids: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return ids.setdefault(found.group(), f"id {len(ids)}")

    def walk(inner: Json) -> Json:
        if isinstance(inner, str):
            return _ID.sub(numbered, inner)
        if isinstance(inner, list):
            return [walk(one) for one in inner]
        if isinstance(inner, Mapping):
            kept = inner if inner.get(TAG) != OPAQUE else {TAG: OPAQUE, "type": inner.get("type")}
            return {name: walk(kept[name]) for name in sorted(kept)}
        return inner

    return walk(normalised(value))
