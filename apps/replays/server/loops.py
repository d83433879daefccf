"""The loop of an agent, found again in its record: a conversation that each call goes on with.

A call goes on from another where its messages begin with those of the other, and with an answer
after them. A session can be run freely where one such conversation stands at its top: calls of
models inside a tool belong to the tool, and single calls beside the conversation are the
record's. Where two conversations stand beside each other nobody knows which goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apps.core.errors import DomainError, InvalidError
from apps.providers.protocol import (
    Message,
    Part,
    Request,
    Thought,
    ToolCall,
    ToolResult,
    UnsupportedError,
)
from apps.replays.server.questions import recorded_answer, recorded_request

Json = Any
Event = Mapping[str, Json]
Messages = tuple[Message, ...]

TOOL = "tool"


class NoLoopError(DomainError):
    """A session cannot be run freely; the message says why."""


@dataclass(frozen=True, slots=True)
class LoopStep:
    """One call of the loop as it was recorded."""

    event: Event
    request: Request
    answer: Message
    # What was said between the answer and the next call: of tools, by users, by the application.
    after: Messages = ()

    @property
    def seq(self) -> int:
        seq: int = self.event["seq"]
        return seq


@dataclass(frozen=True, slots=True)
class Loop:
    """The calls of the loop in their order, and all events of the session."""

    steps: list[LoopStep]
    events: Sequence[Event]
    # Calls of models that stand beside the loop.
    beside: list[int]

    def end_of_turn(self, begin: int) -> int | None:
        """Return the step that ends the turn: the first from ``begin`` on that calls no tool."""
        rest = range(begin, len(self.steps))
        return next((at for at in rest if not self.steps[at].answer.tool_calls), None)


def first_at(loop: Loop, from_step: int | None) -> int:
    """Return the place of the first call that is asked. Raises InvalidError where none is left."""
    if from_step is None:
        return 0
    found = next((at for at, step in enumerate(loop.steps) if step.seq >= from_step), None)
    if found is None:
        last = loop.steps[-1].seq
        raise InvalidError(f"The last call of a model in its loop is step {last}.", "from_step")
    return found


@dataclass(slots=True)
class _Call:
    """A call of a model that may be one of the loop."""

    event: Event
    request: Request
    answer: Message | None
    said: Messages = field(init=False)

    def __post_init__(self) -> None:
        self.said = without_system(self.request.messages)


def find_loop(events: Sequence[Event]) -> Loop:
    """Return the loop of a session. Raises NoLoopError where there is none, or several."""
    top = list(_top_calls(events))
    if not top:
        raise NoLoopError("It records no call of a model outside of its tools.")
    chains = _chains(top)
    loops = [chain for chain in chains if len(chain) > 1] or _single(chains)
    if len(loops) != 1:
        first, second = (chain[0].event["seq"] for chain in loops[:2])
        raise NoLoopError(
            f"Two conversations of models stand beside each other (from steps {first} and "
            f"{second} on), and nobody can tell which one goes on."
        )
    inside = {id(call) for call in loops[0]}
    beside = [call.event["seq"] for call in top if id(call) not in inside]
    return Loop(list(_steps(loops[0])), events, beside)


def _single(chains: list[list[_Call]]) -> list[list[_Call]]:
    if len(chains) > 1:
        raise NoLoopError("Its calls of models do not go on from each other.")
    return chains


def _top_calls(events: Sequence[Event]) -> Iterator[_Call]:
    """Yield the calls of models that lie in no tool. Raises NoLoopError for an unreadable one."""
    in_tools = inside_tools(events)
    for event in events:
        if event["kind"] != "llm" or event.get("is_counted") is False or event["id"] in in_tools:
            continue
        try:
            request = recorded_request(event, needs_model=False)
        except UnsupportedError as error:
            raise NoLoopError(f"Step {event['seq']} cannot be asked again: {error}") from None
        answer = recorded_answer(event)
        yield _Call(event, request, answer.message if answer else None)


def inside_tools(events: Sequence[Event]) -> set[str]:
    """Return the ids of events that lie in a call of a tool."""
    by_id = {event["id"]: event for event in events}
    found: dict[str, bool] = {}
    for event in events:
        path, parent = [event["id"]], by_id.get(event.get("parent") or "")
        while parent is not None and parent["id"] not in found and parent["id"] not in path:
            if parent["kind"] == TOOL:
                break
            path.append(parent["id"])
            parent = by_id.get(parent.get("parent") or "")
        is_in = parent is not None and (parent["kind"] == TOOL or found.get(parent["id"], False))
        found |= dict.fromkeys(path, is_in)
    return {name for name, is_in in found.items() if is_in}


def _chains(calls: Sequence[_Call]) -> list[list[_Call]]:
    chains: list[list[_Call]] = []
    for call in calls:
        fitting = [chain for chain in chains if _goes_on(chain[-1], call)]
        retried = [chain for chain in chains if _is_retried(chain[-1], call)]
        if retried:
            # It failed, and was made again.
            retried[-1][-1] = call
        elif fitting:
            max(fitting, key=lambda chain: len(chain[-1].said)).append(call)
        else:
            chains.append([call])
    return chains


def _goes_on(last: _Call, call: _Call) -> bool:
    count = len(last.said)
    if len(call.said) <= count or call.said[count].role != "assistant":
        return False
    if not all(map(is_same, last.said, call.said)):
        return False
    return last.answer is None or _names(last.answer) == _names(call.said[count])


def _is_retried(last: _Call, call: _Call) -> bool:
    is_as_long = len(last.said) == len(call.said)
    return last.answer is None and is_as_long and all(map(is_same, last.said, call.said))


def _names(message: Message) -> list[str]:
    return [call.name for call in message.tool_calls]


def _steps(chain: Sequence[_Call]) -> Iterator[LoopStep]:
    for call, following in zip(chain, [*chain[1:], None], strict=True):
        later = following.said[len(call.said) :] if following is not None else ()
        answer = call.answer or (later[0] if later else None)
        if answer is None:
            # The record ends with a call that failed: what came before it can be run.
            return
        yield LoopStep(call.event, call.request, answer, later[1:])


def without_system(messages: Messages) -> Messages:
    """Return messages without the system's words at their head."""
    return messages[len(system_of(messages)) :]


def system_of(messages: Messages) -> Messages:
    """Return the system's words at the head of messages."""
    others = (at for at, message in enumerate(messages) if message.role != "system")
    return messages[: next(others, len(messages))]


def is_same(left: Message, right: Message) -> bool:
    """Tell whether two messages say the same, whatever the ids of calls."""
    return left == right or without_ids(left) == without_ids(right)


def without_ids(message: Message) -> tuple[str, list[Part]]:
    """Return what a message says, comparable: ids are random, and thoughts are left out."""
    return message.role, [_plain(part) for part in message.parts if not isinstance(part, Thought)]


def _plain(part: Part) -> Part:
    if isinstance(part, ToolCall):
        return replace(part, id="")
    if isinstance(part, ToolResult):
        return replace(part, call_id="", name="")
    return part
