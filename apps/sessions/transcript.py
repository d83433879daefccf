"""A session as a conversation: every message once, tool calls folded, in the order it happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.core.canonical import canonical_json
from apps.core.line_diff import diff_lines
from apps.sessions.code_diff import diff_of
from apps.sessions.counting import LLM, REPORTED
from apps.sessions.json_tree import SIZE_LIMIT
from apps.sessions.layout import Layout, Place
from apps.sessions.messages import Conversation, Message, Part, read_messages
from apps.sessions.missing import Missing, missing_of
from apps.sessions.nesting import levels_of
from apps.sessions.retries import recovered_by, retry_of

Json = Any

# Steps that carry the story; the others are one line each.
TOLD = frozenset("llm tool decision human error handoff guardrail retriever code_change".split())


# Characters of answers that one page formats; what is beyond is shown as it was written.
FORMATTED = 48_000
LONGEST_FORMATTED = 16_000


@dataclass
class Room:
    """How much a page may still format."""

    left: int = FORMATTED

    def take(self, length: int) -> bool:
        if length > min(self.left, LONGEST_FORMATTED):
            return False
        self.left -= length
        return True


@dataclass
class Turn:
    """One step as the transcript tells it."""

    step: dict[str, Json]
    # Messages that no step before has shown.
    messages: list[Message] = field(default_factory=list)
    # What the model answered.
    answers: list[Message] = field(default_factory=list)
    # How many messages of the history were shown before.
    repeated: int = 0
    # Content that is no message.
    other_input: Json = None
    other_output: Json = None
    # In how many agents below the first the step lies.
    level: int = 0
    # The failed try that the step makes again, and the later try that succeeded.
    retry_of: Place | None = None
    recovered_by: Place | None = None

    @property
    def diff(self) -> list[tuple[str, str]]:
        """The lines of a change of code."""
        diff = diff_of(self.step.get("code_change"))
        return list(diff_lines(diff)) if diff and len(diff) <= SIZE_LIMIT else []

    @property
    def missing(self) -> list[Missing]:
        """What the step does not say, and why; an answer that says something is enough."""
        if self.is_repeat or self.messages or self.answers or self.repeated:
            return []
        return missing_of(self.step["kind"], self.step)

    @property
    def is_model_call(self) -> bool:
        return self.step["kind"] == LLM and not self.is_repeat

    @property
    def is_between_people(self) -> bool:
        """Whether it is what people decide, which is not folded away."""
        return self.step["kind"] in ("human", "handoff")

    @property
    def is_repeat(self) -> bool:
        """Whether the step reports what another step tells already."""
        return self.step["kind"] in REPORTED and not self.step.get("is_counted", True)

    @property
    def is_told(self) -> bool:
        return not self.is_repeat and (
            self.step["kind"] in TOLD or self.step.get("status") == "error"
        )


@dataclass
class Teller:
    """Reads steps in order and remembers what it has shown."""

    conversation: Conversation = field(default_factory=Conversation)
    # Results of tool steps, so that the same words in the next call's history are not repeated.
    results: set[bytes] = field(default_factory=set)

    def tell(self, step: dict[str, Json]) -> Turn:
        if step["kind"] == "llm":
            return self._tell_call(step)
        self._remember_result(step)
        return Turn(step, other_input=step.get("input"), other_output=step.get("output"))

    def _tell_call(self, step: dict[str, Json]) -> Turn:
        turn = Turn(step)
        sent = read_messages(step.get("input"))
        answers = read_messages(step.get("output"), "assistant")
        if sent is None:
            turn.other_input, sent = step.get("input"), []
        if answers is None:
            turn.other_output, answers = step.get("output"), []
        fresh = self.conversation.add_call(sent, answers)
        turn.repeated = len(sent) - len(fresh)
        turn.messages = [message for message in fresh if not self._was_told(message)]
        turn.answers = answers
        return turn

    def _remember_result(self, step: dict[str, Json]) -> None:
        if step["kind"] != "tool":
            return
        call = (step.get("extra") or {}).get("tool_call") or {}
        if isinstance(call, dict) and isinstance(call.get("id"), str):
            self.results.add(call["id"].encode())
        if step.get("output") is not None:
            self.results.add(fingerprint(step["output"]))

    def _was_told(self, message: Message) -> bool:
        """Tell whether a tool's message only repeats results that tool steps have shown."""
        if not message.parts or any(part.kind != "result" for part in message.parts):
            return False
        return all(self._is_known(part) for part in message.parts)

    def _is_known(self, part: Part) -> bool:
        named = part.call_id.encode() in self.results if part.call_id else False
        return named or fingerprint(part.value) in self.results


def fingerprint(value: Json) -> bytes:
    """Return the same bytes for a value and for the text that holds its JSON."""
    return b"=" + canonical_json(value)


def tell(before: Iterable[dict[str, Json]], steps: Sequence[dict[str, Json]]) -> list[Turn]:
    """Return the turns of ``steps``; ``before`` are earlier steps, read but not told."""
    teller = Teller()
    for step in before:
        teller.tell(step)
    return [teller.tell(step) for step in steps]


def place_turns(turns: Sequence[Turn], layout: Layout, indexes: Sequence[int]) -> None:
    """Tell each turn where it lies in the session, and of the tries around it."""
    levels = levels_of(layout, indexes)
    for turn, index, level in zip(turns, indexes, levels, strict=True):
        turn.level = level
        turn.retry_of = _place(layout, retry_of(layout, index) if turn.is_told else None)
        turn.recovered_by = _place(layout, _recovered(layout, index, turn))


def _recovered(layout: Layout, index: int, turn: Turn) -> int | None:
    # A later call of a model need not be the same one again.
    return None if turn.step["kind"] == LLM else recovered_by(layout, index)


def _place(layout: Layout, at: int | None) -> Place | None:
    return None if at is None else layout.place(at)
