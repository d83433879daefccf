"""What a changed step said before and after, laid out to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playhead.matching import normalised

from apps.core.value_diff import Change, Difference, difference
from apps.sessions import reader
from apps.sessions.compare import Row, delta, tokens_of
from apps.sessions.json_tree import size_of
from apps.sessions.layout_cache import layout_of
from apps.sessions.likeness import answered
from apps.sessions.models import Session
from apps.sessions.steps import Step

Json = Any
Event = Mapping[str, Json]

# A value larger than this is not compared on a page, and all of them together neither.
LARGEST = 1024 * 1024
LARGEST_PAGE = 6 * 1024 * 1024

TITLES = {
    "input": "Input",
    "output": "Output",
    "reasoning": "Reasoning",
    "params": "Parameters",
    "tools": "Tools offered",
    "decision": "Decision",
    "state": "State",
    "code_change": "Code change",
    "memory": "Memory",
    "error": "Error",
    "status": "Status",
    "model": "Model",
    "model_returned": "Model that answered",
    "provider": "Provider",
    "prompt": "Prompt",
    "agent": "Agent",
}
# What a step says of itself in one word.
OF_THE_STEP = frozenset({"status", "model", "model_returned", "provider", "agent"})
IN_A_WORD = OF_THE_STEP | {"prompt"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """How one field of a step differs."""

    name: str
    changes: Sequence[Change] = ()
    # Changes of the input that an earlier step of the page has told already.
    carried: int = 0
    is_cut: bool = False
    is_too_large: bool = False
    # What is said in a word on both sides, and needs no more than that.
    words: tuple[Json, Json] | None = None

    @property
    def title(self) -> str:
        return TITLES.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Amount:
    """What a step took on both sides; the difference is unknown where one side is."""

    name: str
    a: Any
    b: Any
    sign: str = ""
    size: Any = None


def amounts_of(a: Step, b: Step) -> list[Amount]:
    """Return what both steps took in time, tokens and cost, as far as either is known."""
    told = (
        ("time", a.duration_ms, b.duration_ms),
        ("tokens", tokens_of(a), tokens_of(b)),
        ("cost", a.cost, b.cost),
    )
    return [_amount(*one) for one in told if one[1] is not None or one[2] is not None]


def _amount(name: str, a: Any, b: Any) -> Amount:
    more = delta(a, b)
    if more is None:
        return Amount(name, a, b)
    return Amount(name, a, b, "+" if more > 0 else "−" if more < 0 else "±", abs(more))


@dataclass(slots=True)
class Teller:
    """Tells the changes of a page's steps in their order, each once."""

    left: int = LARGEST_PAGE
    told: set[bytes] = field(default_factory=set)

    def fields(self, row: Row, a: tuple[Step, Event], b: tuple[Step, Event]) -> list[FieldChange]:
        return [
            self._field(name, value_of(name, *a), value_of(name, *b)) for name in row.differences
        ]

    def _field(self, name: str, a: Json, b: Json) -> FieldChange:
        if name in IN_A_WORD:
            return FieldChange(name, words=(a, b))
        size = max(size_of(a), size_of(b))
        self.left -= size
        if size > LARGEST or self.left < 0:
            return FieldChange(name, is_too_large=True)
        return self._told_once(name, difference(settled(name, a), settled(name, b)))

    def _told_once(self, name: str, found: Difference) -> FieldChange:
        new = [change for change in found.changes if change.key not in self.told]
        self.told.update(change.key for change in new)
        if name != "input":
            return FieldChange(name, found.changes, is_cut=found.is_cut)
        carried = len(found.changes) - len(new)
        return FieldChange(name, new, carried=carried, is_cut=found.is_cut)


def value_of(name: str, step: Step, event: Event) -> Json:
    """Return what is compared of a step under this name."""
    if name in OF_THE_STEP:
        return getattr(step, name)
    if name == "prompt":
        parts = [part for part in (step.prompt_name, step.prompt_version) if part]
        return "@".join(parts) or None
    if name == "state":
        both = {part: event[part] for part in ("state", "state_patch") if part in event}
        return both or None
    return event.get(name)


def settled(name: str, value: Json) -> Json:
    """Return a value without what is new on every run."""
    return normalised(answered(value) if name == "output" else value)


def open_pairs(
    a: Session, b: Session, rows: Sequence[Row]
) -> list[tuple[tuple[Step, Event], tuple[Step, Event]]]:
    """Return both steps of each row with what they said; as many queries for any number."""
    ours = reader.read_at(a, layout_of(a), [row.a or 0 for row in rows], content=True)
    theirs = reader.read_at(b, layout_of(b), [row.b or 0 for row in rows], content=True)
    return list(zip(ours, theirs, strict=True))
