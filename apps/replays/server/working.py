"""Working through a server's replay: steps are claimed, asked, and their answers kept.

Any number of workers may work on one replay. A step is leased to one of them at a time, its
answer is kept only while the lease is theirs, and what a killed worker held is free again when
the lease ends. An answer that was paid for is kept by the cache of calls before the step says
that it is done, so it is not paid for again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from apps.core import jobs
from apps.replays.server.asking import Asking, Done, PausedError
from apps.replays.server.ending import end_replay
from apps.replays.server.models import (
    LONGEST_REASON,
    UNFINISHED,
    ServerReplay,
    ServerStep,
    State,
    StepState,
)
from apps.replays.server.sealed import seal_answer
from apps.replays.server.settings import WORK

# Longer than a call with all its tries may take (see ``calling.Patience``).
LEASE = timedelta(minutes=12)
# How often a step is begun before it is given up: workers that die are no fault of its own.
MOST_BEGUN = 5
# A run of the task lasts so long, then others have their turn.
SLICE_SECONDS = 5.0
GIVEN_UP = "It was begun five times and never ended: the worker was killed each time."


class Worker:
    """One worker on one replay: what all of its steps share is read once."""

    def __init__(self, run: ServerReplay) -> None:
        self.run, self.project = run, run.project
        self.asking = Asking(run)

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
        return self.asking.ask(step)

    def _keep(self, step: ServerStep, done: Done) -> None:
        """Keep what came of a step, and what follows from it, while the lease is ours."""
        cipher = self.asking.cipher
        sealed = None if done.answer is None else seal_answer(cipher, done.answer)
        with transaction.atomic():
            is_kept = self._mine(step).update(
                state=done.state,
                reason=done.reason[:LONGEST_REASON],
                sealed_answer=sealed,
                score=done.score,
                is_same_decision=done.is_same_decision,
                paid=done.paid,
                is_cached=done.is_cached,
                lease=None,
                ended_at=timezone.now(),
            )
            if is_kept:
                self.asking.after(step, done)

    def let_go(self, steps: Sequence[ServerStep]) -> None:
        """Leave steps that were claimed and not begun to whoever comes next."""
        leases = {step.lease for step in steps}
        rows = self.run.steps.filter(state=StepState.LEASED, lease__in=leases)
        rows.update(state=StepState.QUEUED, lease=None)

    def _mine(self, step: ServerStep) -> Any:
        return self.run.steps.filter(pk=step.pk, lease=step.lease)


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
