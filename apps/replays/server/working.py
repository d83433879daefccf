"""Taking steps of a server's replay, and keeping what came of them.

Any number of workers may work on one replay. A step is leased to one of them at a time, and its
answer is kept only while the lease is theirs. A lease is short, and goes on while its worker
lives (``leases``): what a killed worker held is free a minute later. An answer that was paid for
is kept by the cache of calls before the step says that it is done, so it is not paid for again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, F
from django.utils import timezone

from apps.replays.server.asking import Done, PausedError
from apps.replays.server.free import asking_of
from apps.replays.server.leases import LEASE, free
from apps.replays.server.models import (
    LONGEST_REASON,
    UNFINISHED,
    ServerReplay,
    ServerStep,
    State,
    StepState,
)
from apps.replays.server.sealed import seal_answer

# How often a step is begun before it is given up: workers that die are no fault of its own.
MOST_BEGUN = 5
GIVEN_UP = "It was begun five times and never ended: the worker was killed each time."


class Worker:
    """One worker on one replay: what all of its steps share is read once."""

    def __init__(self, run: ServerReplay, lease: uuid.UUID | None = None) -> None:
        self.run, self.project = run, run.project
        self.lease = lease or uuid.uuid4()
        self.asking = asking_of(run)

    def claim(self, count: int) -> list[ServerStep]:
        """Take steps that nobody works on, first ones first; none of a replay that is held."""
        now = timezone.now()
        with transaction.atomic():
            rows = self.run.steps.select_for_update(skip_locked=True, of=("self",))
            rows = rows.filter(free(now), run__state=State.RUNNING)
            steps = list(rows.order_by("seq")[:count])
            for step in steps:
                step.state, step.lease, step.lease_until = StepState.LEASED, self.lease, now + LEASE
                step.begun += 1
            if steps:
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
            self.let_go([step])
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
        """Leave steps to whoever comes next, as if they had not been begun."""
        rows = self.run.steps.filter(pk__in=[step.pk for step in steps], lease=self.lease)
        rows.update(state=StepState.QUEUED, lease=None, begun=F("begun") - 1)

    def is_over(self) -> bool:
        """Whether every step has ended, whoever worked on it, and the replay has not yet."""
        left = self.run.steps.filter(state__in=UNFINISHED)
        rows = self.project.server_replays.filter(pk=self.run.pk, state=State.RUNNING)
        return rows.filter(~Exists(left)).exists()

    def _mine(self, step: ServerStep) -> Any:
        return self.run.steps.filter(pk=step.pk, lease=self.lease)


def hold(run: ServerReplay, reason: str) -> None:
    """Pause a replay that cannot go on by itself."""
    rows = run.project.server_replays.filter(pk=run.pk, state=State.RUNNING)
    rows.update(state=State.PAUSED, reason=reason[:LONGEST_REASON])
