"""A replay that goes on by itself: what is asked next, from what was answered before.

The state is a fold over the answers that were kept, so whoever comes next rebuilds it from the
rows. As long as every answer was as recorded, the record's own questions are asked; from the
first other answer on, the history is the replay's own. A user's recorded turn is said where the
turn before it called the same tools with the same arguments; else nobody can say what the user
would have answered, and the replay stops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from apps.providers.protocol import Message, Request, ToolCall, ToolResult
from apps.replays.server.loops import (
    Loop,
    LoopStep,
    Messages,
    is_same,
    system_of,
    without_system,
)
from apps.replays.server.models import Stop
from apps.replays.server.questions import Questions
from apps.replays.server.tools import Served, exact_key

Calls = Counter[tuple[str, str]]

ENDED = "The model ended its turn, and the record has no further one."
ENDED_THERE = "The record ends here, too."
DEPARTED = "A user speaks next in the record, but this turn called other tools than recorded."
NOTHING_ANSWERS = "Nothing answers the call of {}: neither the record nor a simulator."


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a replay does not go on."""

    stop: Stop
    says: str


@dataclass(frozen=True, slots=True)
class Made:
    """One answer of the replay, and what came of it."""

    answer: Message
    # The recorded step that it stands beside.
    beside: LoopStep
    request: Request
    # Whether all that was said before it is as recorded.
    is_verbatim: bool
    # Whether it calls the recorded tools.
    is_same_decision: bool
    served: Sequence[Served] = ()
    # Recorded turns of users, and what the application added.
    said: Messages = ()
    stopped: Stopped | None = None

    @property
    def missing(self) -> ToolCall | None:
        """The call that nothing answers, at which the replay stops."""
        calls = self.answer.tool_calls
        return calls[len(self.served)] if len(self.served) < len(calls) else None


@dataclass(slots=True)
class Walk:
    """Where a free replay stands."""

    loop: Loop
    questions: Questions
    # The recorded step beside which the next question stands.
    at: int = 0
    made: list[Made] = field(default_factory=list)
    is_verbatim: bool = True
    # The step with which the turn begins in the record, and what the turn has called so far.
    turn: int = 0
    called: Calls = field(default_factory=Counter)
    # What was said, once that is not as recorded.
    history: Messages = ()

    def __post_init__(self) -> None:
        while self.turn < self.at:
            end = self.loop.end_of_turn(self.turn)
            if end is None or end >= self.at:
                break
            self.turn = end + 1
        self.called = _calls_of(self.loop.steps[self.turn : self.at])

    @property
    def beside(self) -> LoopStep:
        return self.loop.steps[self.at]

    def question(self) -> Request:
        """Return what is asked next. Raises UnsupportedError where it cannot be."""
        request = self.questions.of(self.beside.event)
        if self.is_verbatim:
            return request
        return replace(request, messages=(*system_of(request.messages), *self.history))

    def take(self, answer: Message, served: Sequence[Served]) -> Made:
        """Go on with an answer, and with what its calls of tools were answered.

        It stops where fewer are answered than were called.
        """
        request, beside = self.question(), self.beside
        is_same_decision = _called(answer) == _called(beside.answer)
        self.called += _called(answer)
        made = Made(answer, beside, request, self.is_verbatim, is_same_decision, served)
        stopped, said, following = self._after(made, is_same=is_same_decision)
        made = replace(made, said=said, stopped=stopped)
        self._go_on(made, following)
        return made

    def _after(self, made: Made, *, is_same: bool) -> tuple[Stopped | None, Messages, int]:
        """Return why it stops, else what is said before the next question, and where that is."""
        if made.missing is not None:
            return Stopped(Stop.TOOL, NOTHING_ANSWERS.format(made.missing.name)), (), self.at
        if not made.answer.tool_calls:
            return self._after_turn()
        is_last = self.at == len(self.loop.steps) - 1
        if is_last and is_same and self._is_aligned(self.at):
            return Stopped(Stop.ENDED, ENDED_THERE), (), self.at
        end = self.loop.end_of_turn(self.turn)
        last = len(self.loop.steps) - 1 if end is None else end
        said = _said_after(self.beside) if is_same else ()
        return None, said, min(self.at + 1, last)

    def _after_turn(self) -> tuple[Stopped | None, Messages, int]:
        end = self.loop.end_of_turn(self.turn)
        if end is None or end == len(self.loop.steps) - 1:
            return Stopped(Stop.ENDED, ENDED), (), self.at
        if not self._is_aligned(end):
            return Stopped(Stop.DEPARTED, DEPARTED), (), self.at
        return None, _said_after(self.loop.steps[end]), end + 1

    def _is_aligned(self, end: int) -> bool:
        """Tell whether the turn called what the record's did, in however many steps."""
        return self.called == _calls_of(self.loop.steps[self.turn : end + 1])

    def _go_on(self, made: Made, following: int) -> None:
        self.made.append(made)
        answered = [served for served in made.served if served.is_answered]
        results = Message("tool", tuple(served.result for served in answered))
        self.history = (
            *without_system(made.request.messages),
            made.answer,
            *((results,) if answered else ()),
            *made.said,
        )
        is_next = following == self.at + 1
        recorded = self.loop.steps[self.at].answer
        self.is_verbatim = self.is_verbatim and is_next and is_same(made.answer, recorded)
        if self.is_verbatim:
            self.is_verbatim = _are_as_recorded(made, self.loop.steps[self.at])
        if not made.answer.tool_calls and made.stopped is None:
            self.turn, self.called = following, Counter()
        self.at = following


def _called(message: Message) -> Calls:
    return Counter((call.name, exact_key(call.arguments)) for call in message.tool_calls)


def _calls_of(steps: Sequence[LoopStep]) -> Calls:
    return sum((_called(step.answer) for step in steps), Counter())


def _said_after(step: LoopStep) -> Messages:
    """Return what users said after a step, and what the application added, but no tool."""
    return tuple(message for message in step.after if message.role != "tool")


def _are_as_recorded(made: Made, recorded: LoopStep) -> bool:
    """Tell whether the tools were answered as they were then, in whichever order."""
    now = Counter((one.parts, one.is_error) for one in made.served if one.is_answered)
    parts = [part for message in recorded.after for part in message.parts]
    results = [part for part in parts if isinstance(part, ToolResult)]
    return now == Counter((part.parts, part.is_error) for part in results)
