"""What the record knows of tools: each answer given once, for the call that it was given to.

Nothing is ever called. An answer is found by its exact key (the tool's name and the canonical
arguments), then by a loose one: spelling, empty arguments and masked places do not matter. An
answer that was given already may be given once more where the tool only reads: what a tool that
writes said the first time is not what it would say the second time.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from playhead.masked import MARK, is_all_but_masked
from playhead.matching import match_hashes, normalised

from apps.core.canonical import canonical_json
from apps.providers.protocol import Image, Text, ToolCall, ToolResult
from apps.replays.comparators_normal import plain
from apps.replays.server.loops import TOOL, Event, Loop, LoopStep, inside_tools

Json = Any
Parts = tuple[Text | Image, ...]

EXACT, LOOSE, REPEATED, POOLED, SIMULATED = "exact", "loose", "repeated", "pooled", "simulated"
# A call at which a replay stops.
UNANSWERED = "unanswered"
# A call that the record has not answered either, and went on from: a handing over, for one.
UNRECORDED = "unrecorded"
# Ways in which the session's own record answered.
OF_RECORD = frozenset({EXACT, LOOSE, REPEATED})
READING = ("none", "read")
EMPTY: tuple[Json, ...] = (None, "", [], {})


@dataclass(slots=True, eq=False)
class Told:
    """What a tool answered once."""

    # Where it stands in the record.
    key: str
    name: str
    arguments: Json
    # Of the arguments as the model gave them, and as the application recorded them.
    hashes: frozenset[str]
    # As the model was told it.
    parts: Parts
    is_error: bool = False
    # The tool's own event, where somebody recorded it.
    event: Event | None = None
    is_used: bool = False
    _loose: bytes | None = field(default=None, repr=False)

    @property
    def loose(self) -> bytes:
        if self._loose is None:
            self._loose = loose_key(self.arguments)
        return self._loose

    @property
    def output(self) -> Json:
        return told_output(self.parts) if self.event is None else self.event.get("output")


@dataclass(frozen=True, slots=True)
class Served:
    """A call of a tool in a replay, and what answered it."""

    call: ToolCall
    how: str
    parts: Parts
    is_error: bool = False
    told: Told | None = None
    # Of another session: which one, which step of it, and how old it is.
    source: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_of_record(self) -> bool:
        return self.how in OF_RECORD

    @property
    def is_answered(self) -> bool:
        return self.how != UNRECORDED

    @property
    def result(self) -> ToolResult:
        """What the model is told."""
        return ToolResult(self.call.id, self.parts, self.is_error, self.call.name)

    @property
    def output(self) -> Json:
        return told_output(self.parts) if self.told is None else self.told.output


class ToolRecord:
    """The answers of tools in one session's record, in their order."""

    def __init__(self, loop: Loop, reads: Sequence[str] = ()) -> None:
        self.reads = reads
        self.answers = list(_answers(loop))
        self._by_name: dict[str, list[Told]] = {}
        for told in self.answers:
            self._by_name.setdefault(told.name, []).append(told)

    def find(self, call: ToolCall) -> Served | None:
        """Return the recorded answer to a call, and count it as given."""
        answers, key = self._by_name.get(call.name, []), exact_key(call.arguments)
        same = [told for told in answers if key in told.hashes]
        free = next((told for told in same if not told.is_used), None)
        if free is not None:
            return self.take(call, EXACT, free)
        if same and self._only_reads(same[-1]):
            return self.take(call, REPEATED, same[-1])
        loose = next((told for told in answers if _is_free_and_alike(told, call)), None)
        return None if loose is None else self.take(call, LOOSE, loose)

    def take(self, call: ToolCall, how: str, told: Told) -> Served:
        told.is_used = True
        return Served(call, how, told.parts, told.is_error, told)

    def unanswered(self, call: ToolCall, step: LoopStep) -> Served | None:
        """Return a call as one without an answer, where the record has none for it at this step."""
        asked, key = step.answer.tool_calls, exact_key(call.arguments)
        for number, one in enumerate(asked):
            is_it = one.name == call.name and exact_key(one.arguments) == key
            if is_it and self.at(f"{step.event['id']}:{number}") is None:
                return Served(call, UNRECORDED, ())
        return None

    def at(self, key: str) -> Told | None:
        """Return the answer that stands at a place of the record."""
        return next((told for told in self.answers if told.key == key), None)

    def effects_of(self, name: str) -> str | None:
        """Return what calls of a tool do, as its application declares; None: nobody said."""
        events = [told.event for told in self._by_name.get(name, []) if told.event is not None]
        return next((event["effects"] for event in events if event.get("effects")), None)

    def reads_only(self, name: str) -> bool:
        is_named = any(fnmatch.fnmatchcase(name, pattern) for pattern in self.reads)
        return is_named or self.effects_of(name) in READING

    def _only_reads(self, told: Told) -> bool:
        return self.reads_only(told.name)


def exact_key(arguments: Json) -> str:
    """Return the hash of a call's arguments: what changes on every run does not count."""
    return match_hashes(arguments).request


def loose_key(arguments: Json) -> bytes:
    """Return arguments with one spelling, and without those that say nothing."""
    spelled = plain(normalised(arguments))
    if isinstance(spelled, dict):
        spelled = {name: value for name, value in spelled.items() if value not in EMPTY}
    return canonical_json(spelled)


def _is_free_and_alike(told: Told, call: ToolCall) -> bool:
    if told.is_used:
        return False
    is_masked = MARK.search(canonical_json(told.arguments).decode()) is not None
    if is_masked and is_all_but_masked(normalised(told.arguments), normalised(call.arguments)):
        return True
    return told.loose == loose_key(call.arguments)


def _answers(loop: Loop) -> Iterator[Told]:
    events = ToolEvents(loop)
    ends = [step.seq for step in loop.steps[1:]] + [len(loop.events) + 1]
    for step, end in zip(loop.steps, ends, strict=True):
        results = _results(step)
        for number, call in enumerate(step.answer.tool_calls):
            told = _told(f"{step.event['id']}:{number}", call, results, events, (step.seq, end))
            if told is not None:
                yield told
    yield from (_of_event(event) for event in events.left if _has_answer(event))


def _results(step: LoopStep) -> list[ToolResult]:
    return [part for said in step.after for part in said.parts if isinstance(part, ToolResult)]


def _told(
    key: str, call: ToolCall, results: list[ToolResult], events: ToolEvents, between: Sequence[int]
) -> Told | None:
    """Return what a call of the loop was answered; None where nobody recorded it."""
    named = (one for one in results if one.call_id == call.id)
    result = next(named, None) or next((one for one in results if not one.call_id), None)
    if result is not None:
        results.remove(result)
    event = events.of(call, *between)
    hashes = {exact_key(call.arguments)}
    if event is not None:
        hashes |= _hashes(event)
    if result is not None:
        return Told(
            key, call.name, call.arguments, frozenset(hashes), result.parts, result.is_error, event
        )
    if event is None or not _has_answer(event):
        return None
    parts, is_error = parts_of(event)
    return Told(key, call.name, call.arguments, frozenset(hashes), parts, is_error, event)


def _of_event(event: Event) -> Told:
    parts, is_error = parts_of(event)
    hashes = frozenset(_hashes(event))
    return Told(
        event["id"], str(event.get("name")), event.get("input"), hashes, parts, is_error, event
    )


def _hashes(event: Event) -> set[str]:
    """Return by which keys a tool's event is found; the client's were made before masking."""
    recorded = (event.get("replay") or {}).get("request_hash")
    return {exact_key(event.get("input"))} | ({recorded} if recorded else set())


def _has_answer(event: Event) -> bool:
    return event.get("output") is not None or event.get("status") in ("ok", "error")


def parts_of(event: Event) -> tuple[Parts, bool]:
    """Return what a tool's event answered as a model is told it, and whether it failed."""
    if event.get("status") == "error":
        error = event.get("error") or {}
        return (Text(str(error.get("message") or error.get("type") or "error")),), True
    return parts_in(event.get("output")), False


def parts_in(output: Json) -> Parts:
    """Return a value as a model is told it."""
    return (Text(output if isinstance(output, str) else orjson.dumps(output).decode()),)


def told_output(parts: Parts) -> Json:
    """Return what a model was told as an event has it: JSON in text is JSON."""
    text = "".join(part.text for part in parts if isinstance(part, Text))
    if text[:1] in ("{", "["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return text


class ToolEvents:
    """The tools' own events of a session that lie in no other tool, each for one call."""

    def __init__(self, loop: Loop) -> None:
        inside = inside_tools(loop.events)
        self.left = [
            event
            for event in loop.events
            if event["kind"] == TOOL
            and event["id"] not in inside
            and event.get("is_counted") is not False
        ]

    def of(self, call: ToolCall, begin: int, end: int) -> Event | None:
        """Return the event of a call that was made between two steps, and take it."""
        here = [event for event in self.left if begin < event["seq"] < end]
        named = [event for event in here if event.get("name") == call.name]
        key = exact_key(call.arguments)
        found = (
            next((event for event in named if call.id and _call_id(event) == call.id), None)
            or next((event for event in named if key in _hashes(event)), None)
            or next(iter(named), None)
        )
        if found is not None:
            self.left.remove(found)
        return found


def _call_id(event: Event) -> str | None:
    told = (event.get("extra") or {}).get("tool_call")
    return told.get("id") if isinstance(told, Mapping) else None
