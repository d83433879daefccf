"""Asking the steps of a replay that goes on by itself, one after the other.

A step's row keeps the answer and what its calls of tools were answered, and the next row is
queued in the same transaction. So whoever comes next knows all that was said, and nothing is
asked or paid twice.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.providers.calling import Outcome
from apps.providers.protocol import (
    Message,
    Text,
    Thought,
    ToolCall,
    UnsupportedError,
)
from apps.providers.reading import read_messages
from apps.replays.server.asking import Asking, Done, PausedError, failed
from apps.replays.server.loops import Loop, NoLoopError, find_loop, first_at
from apps.replays.server.models import Mode, ServerReplay, ServerStep, StepState, Stop
from apps.replays.server.plans import events_of
from apps.replays.server.pooling import pooled
from apps.replays.server.sealed import open_answer
from apps.replays.server.settings import most_steps
from apps.replays.server.simulating import read_simulators
from apps.replays.server.tools import (
    SIMULATED,
    Served,
    ToolRecord,
    parts_in,
)
from apps.replays.server.walking import Made, Stopped, Walk
from apps.sessions import reader

Json = Any

STEPS = "It made {} calls of models, as many as it may."
TIME = "Its calls took {} seconds, as long as they may."
NOT_KEPT = "The project's policy keeps no answers of models any more, so nothing can follow them."


class FreeAsking(Asking):
    """Asks the steps of one free replay."""

    def __init__(self, run: ServerReplay) -> None:
        super().__init__(run)
        outline = reader.outline(self.original).steps
        self.events = [event for _, event in events_of(self.original, outline)]
        self.simulators = read_simulators(self.settings.simulators)
        self._rebuild()

    def ask(self, step: ServerStep) -> Done:
        if len(self.walk.made) != step.seq - 1:
            self._rebuild()
        try:
            request = self.walk.question()
        except UnsupportedError as error:
            return Done(StepState.SKIPPED, str(error))
        beside, is_verbatim = self.walk.beside, self.walk.is_verbatim
        began = time.monotonic()
        outcome = self.call(request, beside.event if is_verbatim else None)
        if outcome.answer is None:
            return failed(outcome)
        done = self.scored(beside.event, request, outcome)
        return self._gone_on(done, outcome, time.monotonic() - began)

    def _gone_on(self, done: Done, outcome: Outcome, seconds: float) -> Done:
        """Return the step with what its calls of tools were answered, and whether it goes on."""
        answer: dict[str, Json] = dict(done.answer)
        answer["free"] = {
            "thoughts": [
                self.kept([part.text, part.native])
                for part in outcome.value().message.parts
                if isinstance(part, Thought)
            ],
            "seconds": round(seconds, 3),
        }
        message = message_of(answer)
        served = self._serve(message)
        made = self.walk.take(message, served)
        self.seconds += seconds
        stopped = made.stopped or self._bound()
        answer["free"] |= {
            "tools": [self._stored(one) for one in served],
            "stop": None if stopped is None else [stopped.stop.value, stopped.says],
        }
        return replace(done, answer=answer)

    def after(self, step: ServerStep, done: Done) -> None:
        stop = stop_of(done)
        if stop is not None:
            self.project.server_replays.filter(pk=self.run.pk).update(stop=stop)
            return
        queue_next(self.run, step.seq + 1)

    def _serve(self, message: Message) -> list[Served]:
        """Return what the calls of an answer are answered, up to the first that nothing answers."""
        served: list[Served] = []
        for call in message.tool_calls:
            found = self.tools.find(call) or self._pooled(call) or self._simulated(call)
            found = found or self.tools.unanswered(call, self.walk.beside)
            if found is None:
                break
            served.append(found)
        return served

    def _pooled(self, call: ToolCall) -> Served | None:
        pool = self.settings.pool
        if pool is None:
            return None
        days = pool.max_age_days
        return pooled(self.project, call, max_age_days=days, but=self.original.pk)

    def _simulated(self, call: ToolCall) -> Served | None:
        simulator = self.simulators.get(call.name)
        rule = simulator.answer(call.arguments) if simulator else None
        if rule is None:
            return None
        # As it will be kept, so that whoever rebuilds this knows the same.
        return Served(call, SIMULATED, parts_in(self.kept(rule.answer)), rule.is_error)

    def _bound(self) -> Stopped | None:
        most = most_steps(self.settings, len(self.loop.steps))
        if len(self.walk.made) >= most:
            return Stopped(Stop.STEPS, STEPS.format(most))
        if self.seconds >= self.settings.most_seconds:
            return Stopped(Stop.TIME, TIME.format(round(self.seconds)))
        return None

    def _rebuild(self) -> None:
        """Go through all that was answered so far."""
        try:
            self.loop: Loop = find_loop(self.events)
        except NoLoopError as error:
            raise PausedError(f"{error} Cancel this replay.") from None
        self.tools = ToolRecord(self.loop, self.settings.reads)
        at = first_at(self.loop, self.settings.from_step)
        self.first = self.loop.steps[at]
        self.walk = Walk(self.loop, self.questions, at)
        self.seconds = 0.0
        for row in self.run.steps.filter(state=StepState.DONE).order_by("seq"):
            answer = open_answer(self.cipher, row) or {}
            self.gone_on_before(answer)

    def gone_on_before(self, answer: Mapping[str, Json]) -> Made:
        """Go on with an answer that is kept, as it was gone on with then."""
        message, free = message_of(answer), answer["free"]
        pairs = zip(message.tool_calls, free["tools"], strict=False)
        served = [self._served_before(call, stored) for call, stored in pairs]
        self.seconds += free["seconds"]
        return self.walk.take(message, served)

    def _stored(self, served: Served) -> dict[str, Json]:
        if served.told is not None:
            return {"how": served.how, "key": served.told.key}
        text = "".join(part.text for part in served.parts if isinstance(part, Text))
        told = {"how": served.how, "text": text, "is_error": served.is_error}
        return told | {"source": dict(served.source)}

    def _served_before(self, call: ToolCall, stored: Mapping[str, Json]) -> Served:
        if "key" not in stored:
            parts = (Text(stored["text"]),)
            return Served(call, stored["how"], parts, stored["is_error"], None, stored["source"])
        told = self.tools.at(stored["key"])
        if told is None:
            raise PausedError("An answer of a tool is gone from the original. Cancel this replay.")
        return self.tools.take(call, stored["how"], told)


def asking_of(run: ServerReplay) -> Asking:
    """Return what asks the steps of a replay, in its mode."""
    return Asking(run) if run.mode == Mode.TEACHER_FORCED else FreeAsking(run)


def stop_of(done: Done) -> str | None:
    """Return why a replay does not go on after a step; None where it does."""
    if done.state == StepState.FAILED:
        return Stop.FAILED
    if done.state == StepState.SKIPPED:
        return Stop.UNSUPPORTED
    told = done.answer["free"]["stop"]
    return None if told is None else str(told[0])


def queue_next(run: ServerReplay, number: int) -> None:
    """Let the replay's next step be asked."""
    event = uuid.uuid5(run.pk, str(number))
    run.project.server_steps.create(run=run, event_id=event, seq=number)


def message_of(answer: Mapping[str, Json]) -> Message:
    """Return an answer that is kept as what was said."""
    output = answer["output"]
    if not isinstance(output, Mapping):
        raise PausedError(NOT_KEPT)
    said = [message for message in read_messages(output) if message.role == "assistant"]
    parts = said[0].parts if said else ()
    thoughts = [Thought(text, native) for text, native in answer["free"]["thoughts"]]
    return Message("assistant", (*thoughts, *parts))
