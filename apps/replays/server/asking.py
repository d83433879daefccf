"""Asking one step of a replay: what is asked, whom, and what becomes of the answer.

What all steps of a replay share is read once. Steps may be asked from several threads at the
same time, where they do not follow from each other.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from playhead import fidelity

from apps.governance.choices import Category
from apps.governance.policies import compiled_policy
from apps.governance.redaction import DROPPED, ProjectMarks, Redactor
from apps.providers.budgets import BudgetSpentError, PriceUnknownError
from apps.providers.caching import Cache
from apps.providers.caching import Session as CachedFor
from apps.providers.calling import Caller, Outcome
from apps.providers.protocol import (
    Answer,
    CredentialError,
    NotRecordedError,
    Provider,
    ProviderError,
    Request,
    UnsupportedError,
)
from apps.providers.recorded import Recorded
from apps.providers.scripted import read_script
from apps.replays import sealing
from apps.replays.server.models import ServerReplay, ServerStep, StepState
from apps.replays.server.questions import (
    Questions,
    as_output,
    recorded_answer,
    recorded_request,
)
from apps.replays.server.sealed import open_settings
from apps.replays.server.settings import RECORDED, SCRIPTED, Settings
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Session

Json = Any
Event = Mapping[str, Json]

# Recorded calls that are read at once.
READ_AHEAD = 16
NO_CREDENTIAL = "The credential of this replay was removed. Cancel it, or start another."
STEP_GONE = "A step of the original is gone. Cancel this replay and plan it anew."
ORIGINAL_GONE = "The original session is gone. Cancel this replay."


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one step."""

    state: StepState
    reason: str = ""
    answer: Json = None
    score: float | None = None
    is_same_decision: bool | None = None
    paid: Decimal | None = None
    is_cached: bool = False


class PausedError(Exception):
    """Nothing further can be asked until somebody does something; the message says what."""


class Asking:
    """Asks the steps of one replay."""

    def __init__(self, run: ServerReplay) -> None:
        self.run, self.project = run, run.project
        self.original = original_of(run)
        self.cipher: SessionCipher = sealing.cipher_of(run.replay.session)
        self.settings: Settings = open_settings(self.cipher, bytes(run.sealed_settings))
        self.questions = Questions(self.project, self.settings)
        # Patterns are compiled once for all steps.
        self._script = read_script(self.settings.script or [], seed=self.settings.seed)
        self._remote = self._caller_of_credential() if run.credential is not None else None
        self._output = compiled_policy(self.project).treatment(Category.OUTPUT)
        self._marks = ProjectMarks(self.project.pk)
        self._reading = Reading(self)

    def ask(self, step: ServerStep) -> Done:
        """Ask a step anew. Raises PausedError where nothing can be asked now."""
        event = self._reading.event(step)
        try:
            request = self.questions.of(event)
        except UnsupportedError as error:
            return Done(StepState.SKIPPED, str(error))
        outcome = self.call(request, event)
        if outcome.answer is None:
            return failed(outcome)
        return self.scored(event, request, outcome)

    def after(self, step: ServerStep, done: Done) -> None:
        """Do what belongs into the transaction that keeps a step's answer."""

    def call(self, request: Request, event: Event | None) -> Outcome:
        """Ask; ``event`` is the recorded call that the question stands beside."""
        caller = self._remote or self._caller_at_home(event)
        return caller.call(request, sample=self.run.sample)

    def _caller_of_credential(self) -> Caller:
        about = CachedFor(self.run.replay.session_id, self.cipher)
        cache = Cache(run=self.run.pk, about=about)
        asked: Any = self.run.credential
        return Caller(self.project, asked, budget=self.run.budget, cache=cache)

    def _caller_at_home(self, event: Event | None) -> Caller:
        if self.run.provider == RECORDED:
            return Caller(self.project, from_record(event))
        if self.run.provider == SCRIPTED:
            known = None if event is None else recorded_answer(event)
            return Caller(self.project, replace(self._script, recorded=known))
        raise PausedError(NO_CREDENTIAL)

    def scored(self, event: Event | None, request: Request, outcome: Outcome) -> Done:
        """Return what came of a step, judged beside the recorded one if there is one."""
        output = as_output(outcome.value().message)
        score = is_same = None
        if event is not None:
            was = fidelity.Step("llm", None, event.get("output"), error_of(event))
            score = fidelity.answer_score(was, fidelity.Step("llm", None, output, None))
            is_same = fidelity.is_same_decision(event.get("output"), output)
        return Done(
            StepState.DONE,
            answer=self._told(event, request, outcome, output),
            score=score,
            is_same_decision=is_same,
            paid=outcome.paid,
            is_cached=outcome.is_cached,
        )

    def kept(self, said: Json) -> Json:
        """Return what a model said as the project's policy lets it be kept."""
        how = self._output
        return DROPPED if how.drops else Redactor(self._marks).value(said, how)

    def _told(
        self, event: Event | None, request: Request, outcome: Outcome, output: Json
    ) -> dict[str, Json]:
        """Return the answer as the new session's event will have it."""
        answer = outcome.value()
        return {
            "output": self.kept(output),
            "model": request.model or None,
            "model_returned": answer.model or None,
            "usage": {name: getattr(answer.usage, name) for name in answer.usage.__slots__},
            "cost": None if outcome.paid is None else format(outcome.paid, "f"),
            "latency_ms": answer.latency_ms,
            "request_id": answer.request_id,
            "finish_reason": answer.finish_reason,
            "fingerprint": answer.system_fingerprint,
            "notes": list(answer.notes),
            "cached": outcome.is_cached,
            "served": self.run.provider == RECORDED,
            "prompt": self.questions.stamp_of(event or {}),
        }


@dataclass(slots=True)
class Reading:
    """Reads recorded calls some at a time, as steps are mostly asked in their order."""

    asking: Asking
    _layout: Any = None
    _read: dict[str, dict[str, Json]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def event(self, step: ServerStep) -> dict[str, Json]:
        with self._lock:
            found = self._read.pop(step.event_id.hex, None)
            return found or self._next(step)

    def _next(self, step: ServerStep) -> dict[str, Json]:
        original = self.asking.original
        if self._layout is None:
            self._layout = reader.layout(original)
        rows = self.asking.run.steps.filter(seq__gte=step.seq).order_by("seq")
        wanted = [one.hex for one in rows.values_list("event_id", flat=True)[:READ_AHEAD]]
        places = [self._layout.find(one) for one in {step.event_id.hex: 0, **dict.fromkeys(wanted)}]
        if places[0] is None:
            raise PausedError(STEP_GONE)
        here = [place for place in places if place is not None]
        events = reader.read_at(original, self._layout, here, content=True)
        self._read = {event["id"]: event for _, event in events}
        return self._read.pop(step.event_id.hex)


def original_of(run: ServerReplay) -> Session:
    """Return the session that is replayed. Raises PausedError where it is gone."""
    original = run.replay.original
    if original is None or original.erased_at is not None:
        raise PausedError(ORIGINAL_GONE)
    original.project = run.project
    return original


def from_record(event: Event | None) -> Provider:
    """Answers as recorded whoever asks the very same."""
    if event is None:
        return Recorded(_nothing)
    asked = recorded_request(event, needs_model=False).canonical()
    answer = recorded_answer(event)
    return Recorded(lambda request, _: answer if request.canonical() == asked else None)


def _nothing(request: Request, sample: int) -> Answer | None:
    return None


def error_of(event: Event) -> Mapping[str, Json] | None:
    return event.get("error") or {} if event.get("status") == "error" else None


def failed(outcome: Outcome) -> Done:
    """Say what becomes of a step that got no answer; PausedError where no step would get one."""
    error = outcome.error or ProviderError("Nobody answered.")
    if isinstance(error, BudgetSpentError):
        raise PausedError(f"{error} Resume with a larger budget, or cancel.")
    if isinstance(error, PriceUnknownError | CredentialError):
        raise PausedError(str(error))
    if error.is_passing:
        raise PausedError(f"The provider does not answer: {error} Resume once it does.")
    is_skipped = isinstance(error, UnsupportedError | NotRecordedError)
    state = StepState.SKIPPED if is_skipped else StepState.FAILED
    return Done(state, str(error), paid=outcome.paid)
