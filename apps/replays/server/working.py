"""Working through a server's replay: steps are claimed, asked, and their answers kept.

Any number of workers may work on one replay. A step is leased to one of them at a time, its
answer is kept only while the lease is theirs, and what a killed worker held is free again when
the lease ends. An answer that was paid for is kept by the cache of calls before the step says
that it is done, so it is not paid for again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from playhead import fidelity

from apps.core import jobs
from apps.governance.choices import Category
from apps.governance.policies import CompiledPolicy, compiled_policy
from apps.governance.redaction import DROPPED, ProjectMarks, Redactor
from apps.providers.budgets import BudgetSpentError, PriceUnknownError
from apps.providers.caching import Cache
from apps.providers.caching import Session as CachedFor
from apps.providers.calling import Caller, Outcome
from apps.providers.protocol import (
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
from apps.replays.server.ending import end_replay
from apps.replays.server.models import (
    LONGEST_REASON,
    UNFINISHED,
    ServerReplay,
    ServerStep,
    State,
    StepState,
)
from apps.replays.server.questions import (
    Questions,
    as_output,
    recorded_answer,
    recorded_request,
)
from apps.replays.server.sealed import open_settings, seal_answer
from apps.replays.server.settings import RECORDED, SCRIPTED, WORK, Settings
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Session

Json = Any

# Longer than a call with all its tries may take (see ``calling.Patience``).
LEASE = timedelta(minutes=12)
# How often a step is begun before it is given up: workers that die are no fault of its own.
MOST_BEGUN = 5
# A run of the task lasts so long, then others have their turn.
SLICE_SECONDS = 5.0
GIVEN_UP = "It was begun five times and never ended: the worker was killed each time."


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


class Worker:
    """One worker on one replay: what all of its steps share is read once."""

    def __init__(self, run: ServerReplay) -> None:
        self.run, self.project = run, run.project
        self.original = _original(run)
        self.cipher: SessionCipher = sealing.cipher_of(run.replay.session)
        self.settings: Settings = open_settings(self.cipher, bytes(run.sealed_settings))
        self.questions = Questions(self.project, self.settings)
        self.layout = reader.layout(self.original)
        self.policy: CompiledPolicy = compiled_policy(self.project)
        # Patterns are compiled once for all steps.
        self.script = read_script(self.settings.script or [], seed=self.settings.seed)

    def claim(self, count: int) -> list[ServerStep]:
        """Take steps that nobody works on, first ones first."""
        lease, now = uuid.uuid4(), timezone.now()
        free = Q(state=StepState.QUEUED) | Q(state=StepState.LEASED, lease_until__lt=now)
        with transaction.atomic():
            rows = self.run.steps.select_for_update(skip_locked=True).filter(free)
            steps = list(rows.order_by("seq")[:count])
            for step in steps:
                step.state, step.lease, step.lease_until = StepState.LEASED, lease, now + LEASE
                step.begun += 1
            columns = ["state", "lease", "lease_until", "begun"]
            self.project.server_steps.bulk_update(steps, columns)
        return steps

    def work_on(self, step: ServerStep) -> None:
        """Ask one step, and keep what came of it. Raises PausedError, the step being free again."""
        if step.begun > MOST_BEGUN:
            return self._keep(step, Done(StepState.FAILED, GIVEN_UP))
        try:
            self._keep(step, self._ask(step))
        except PausedError:
            self._mine(step).update(state=StepState.QUEUED, lease=None, begun=step.begun - 1)
            raise

    def _ask(self, step: ServerStep) -> Done:
        event = self._event(step)
        try:
            request = self.questions.of(event)
        except UnsupportedError as error:
            return Done(StepState.SKIPPED, str(error))
        outcome = self._caller(event).call(request, sample=self.run.sample)
        if outcome.answer is None:
            return _failed(outcome)
        return self._scored(event, request, outcome)

    def _event(self, step: ServerStep) -> dict[str, Json]:
        index = self.layout.find(step.event_id.hex)
        if index is None:
            raise PausedError(
                "A step of the original is gone. Cancel this replay and plan it anew."
            )
        return reader.read_at(self.original, self.layout, [index], content=True)[0][1]

    def _caller(self, event: Mapping[str, Json]) -> Caller:
        about = CachedFor(self.run.replay.session_id, self.cipher)
        cache = Cache(run=self.run.pk, about=about)
        return Caller(self.project, self._asks(event), budget=self.run.budget, cache=cache)

    def _asks(self, event: Mapping[str, Json]) -> Any:
        if self.run.provider == RECORDED:
            return _from_record(event)
        if self.run.provider == SCRIPTED:
            return replace(self.script, recorded=recorded_answer(event))
        if self.run.credential is None:
            raise PausedError(
                "The credential of this replay was removed. Cancel it, or start another."
            )
        return self.run.credential

    def _scored(self, event: Mapping[str, Json], request: Request, outcome: Outcome) -> Done:
        answer = outcome.value()
        output = as_output(answer.message)
        was = fidelity.Step("llm", None, event.get("output"), _error_of(event))
        now = fidelity.Step("llm", None, output, None)
        return Done(
            StepState.DONE,
            answer=self._told(event, request, outcome, output),
            score=fidelity.answer_score(was, now),
            is_same_decision=fidelity.is_same_decision(event.get("output"), output),
            paid=outcome.paid,
            is_cached=outcome.is_cached,
        )

    def _told(
        self, event: Mapping[str, Json], request: Request, outcome: Outcome, output: Json
    ) -> dict[str, Json]:
        """Return the answer as the new session's event will have it."""
        answer = outcome.value()
        usage = {name: getattr(answer.usage, name) for name in answer.usage.__slots__}
        how = self.policy.treatment(Category.OUTPUT)
        kept = DROPPED if how.drops else Redactor(ProjectMarks(self.project.pk)).value(output, how)
        return {
            "output": kept,
            "model": request.model,
            "model_returned": answer.model or None,
            "usage": usage,
            "cost": None if outcome.paid is None else format(outcome.paid, "f"),
            "latency_ms": answer.latency_ms,
            "request_id": answer.request_id,
            "finish_reason": answer.finish_reason,
            "fingerprint": answer.system_fingerprint,
            "notes": list(answer.notes),
            "cached": outcome.is_cached,
            "served": self.run.provider == RECORDED,
            "prompt": self.questions.stamp_of(event),
        }

    def _keep(self, step: ServerStep, done: Done) -> None:
        sealed = None if done.answer is None else seal_answer(self.cipher, done.answer)
        self._mine(step).update(
            state=done.state,
            reason=done.reason[:LONGEST_REASON],
            sealed_answer=sealed,
            score=done.score,
            is_same_decision=done.is_same_decision,
            paid=done.paid,
            is_cached=done.is_cached,
            ended_at=timezone.now(),
            lease=None,
        )

    def let_go(self, steps: Sequence[ServerStep]) -> None:
        """Leave steps that were claimed and not begun to whoever comes next."""
        leases = {step.lease for step in steps}
        rows = self.run.steps.filter(state=StepState.LEASED, lease__in=leases)
        rows.update(state=StepState.QUEUED, lease=None)

    def _mine(self, step: ServerStep) -> Any:
        return self.run.steps.filter(pk=step.pk, lease=step.lease)


def _original(run: ServerReplay) -> Session:
    original = run.replay.original
    if original is None or original.erased_at is not None:
        raise PausedError("The original session is gone. Cancel this replay.")
    original.project = run.project
    return original


def _from_record(event: Mapping[str, Json]) -> Provider:
    """Answers as recorded whoever asks the very same."""
    asked = recorded_request(event).canonical()
    answer = recorded_answer(event)
    return Recorded(lambda request, _: answer if request.canonical() == asked else None)


def _error_of(event: Mapping[str, Json]) -> Mapping[str, Json] | None:
    return event.get("error") or {} if event.get("status") == "error" else None


def _failed(outcome: Outcome) -> Done:
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


def work(run: ServerReplay, *, seconds: float = SLICE_SECONDS) -> None:
    """Work on a replay for a while; end it when no step is left."""
    if run.state != State.RUNNING:
        return
    try:
        _work_until(Worker(run), time.monotonic() + seconds)
    except PausedError as pause:
        _hold(run, str(pause))
        return
    left = run.steps.filter(state__in=UNFINISHED)
    if left.filter(state=StepState.QUEUED).exists():
        jobs.send(WORK, run.project_id, str(run.pk))
    elif not left.exists():
        end_replay(run)


def _work_until(worker: Worker, end: float) -> None:
    threads = django_settings.REPLAY_THREADS
    while time.monotonic() < end and _is_running(worker.run):
        steps = worker.claim(max(threads, 1))
        if not steps:
            return
        try:
            _work_all(worker, steps, threads)
        except PausedError:
            worker.let_go(steps)
            raise


def _work_all(worker: Worker, steps: Sequence[ServerStep], threads: int) -> None:
    """Work on steps side by side; whatever one raises is raised once all have ended."""
    if threads <= 1:
        for step in steps:
            worker.work_on(step)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(_work_apart, worker, step) for step in steps]
    for one in waiting:
        one.result()


def _work_apart(worker: Worker, step: ServerStep) -> None:
    try:
        worker.work_on(step)
    finally:
        connection.close()


def _is_running(run: ServerReplay) -> bool:
    return run.project.server_replays.filter(pk=run.pk, state=State.RUNNING).exists()


def _hold(run: ServerReplay, reason: str) -> None:
    rows = run.project.server_replays.filter(pk=run.pk, state=State.RUNNING)
    rows.update(state=State.PAUSED, reason=reason[:LONGEST_REASON])
