"""A stretch of work on the replays of a project, by some threads side by side.

Replays may be short, and one call slow: so threads take steps of the replay that they were sent
to, and then of any other that the project runs, and none waits for the others before it takes
the next. After some seconds other projects have their turn.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from celery.worker import state
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.core import jobs
from apps.replays.server.asking import PausedError
from apps.replays.server.ending import end_replay
from apps.replays.server.leases import free, kept_alive
from apps.replays.server.models import ServerReplay, ServerStep, State
from apps.replays.server.settings import WORK
from apps.replays.server.sweeping import find_run
from apps.replays.server.working import Worker, hold
from apps.tenants.models import Project

SECONDS = 10.0
# Steps that are taken at once and wait here for a thread.
AT_ONCE = 4
# How often somebody looks for steps where none were.
LOOK_SECONDS = 0.2


class Slice:
    """What the threads of one stretch share."""

    def __init__(self, run: ServerReplay, end: float) -> None:
        self.project, self.end = run.project, end
        self.lease = uuid.uuid4()
        self.workers: dict[uuid.UUID, Worker | None] = {}
        self.waiting: deque[tuple[Worker, ServerStep]] = deque()
        self.busy = 0
        self.looked_at = -LOOK_SECONDS
        self.lock = threading.Lock()
        self.now = self.worker(run)

    def run(self) -> None:
        """Work until the time is over or nothing is left; whatever a thread raises is raised."""
        with kept_alive(self.project, self.lease):
            self._run(settings.REPLAY_THREADS)
        for worker, step in self.waiting:
            worker.let_go([step])

    def _run(self, threads: int) -> None:
        if threads <= 1:
            return self._work()
        with ThreadPoolExecutor(threads) as pool:
            working = [pool.submit(self._work_apart) for _ in range(threads)]
        for one in working:
            one.result()
        return None

    def _work_apart(self) -> None:
        try:
            self._work()
        finally:
            connection.close()

    def _work(self) -> None:
        while time.monotonic() < self.end and not _is_stopping():
            taken = self._take()
            if taken is not None:
                self._work_on(*taken)
            elif self.busy:
                # What others have under way may have something follow from it.
                time.sleep(LOOK_SECONDS)
            else:
                return

    def _take(self) -> tuple[Worker, ServerStep] | None:
        with self.lock:
            if not self.waiting and time.monotonic() - self.looked_at >= LOOK_SECONDS:
                self._claim()
            if not self.waiting:
                return None
            self.busy += 1
            return self.waiting.popleft()

    def _claim(self) -> None:
        """Take steps of the replay at hand, or else of another that has some."""
        steps = self.now.claim(AT_ONCE) if self.now else []
        if not steps and (other := with_free_steps(self.project).first()) is not None:
            self.now = self.worker(other)
            steps = self.now.claim(AT_ONCE) if self.now else []
        if self.now:
            self.waiting.extend((self.now, step) for step in steps)
        if not steps:
            self.looked_at = time.monotonic()

    def worker(self, run: ServerReplay) -> Worker | None:
        """Return who works on a replay; None where nobody can, and it is paused."""
        if run.pk not in self.workers:
            self.workers[run.pk] = self._worker(run)
        return self.workers[run.pk]

    def _worker(self, run: ServerReplay) -> Worker | None:
        whole = find_run(self.project.pk, str(run.pk))
        try:
            return Worker(whole, self.lease) if whole else None
        except PausedError as pause:
            hold(run, str(pause))
            return None

    def _work_on(self, worker: Worker, step: ServerStep) -> None:
        try:
            worker.work_on(step)
        except PausedError as pause:
            hold(worker.run, str(pause))
            self._let_go(worker)
        finally:
            with self.lock:
                self.busy -= 1
                # Another may follow from it.
                self.looked_at = -LOOK_SECONDS
        self._end_if_over(worker)

    def _let_go(self, worker: Worker) -> None:
        with self.lock:
            left = [step for one, step in self.waiting if one is worker]
            self.waiting = deque(one for one in self.waiting if one[0] is not worker)
        worker.let_go(left)

    def _end_if_over(self, worker: Worker) -> None:
        if not any(one is worker for one, _ in tuple(self.waiting)) and worker.is_over():
            end_replay(worker.run)


def work(run: ServerReplay, *, seconds: float = SECONDS) -> None:
    """Work on a replay, and on others of its project, for a while.

    Where this process is at work on the project already, that work takes the replay, too.
    """
    if run.state != State.RUNNING:
        return
    with _turn(run) as is_ours:
        if not is_ours:
            return
        stretch = Slice(run, time.monotonic() + seconds)
        stretch.run()
        # Whoever ended its last step may have been killed before they ended it.
        worker = stretch.worker(run)
        if worker is not None and worker.is_over():
            end_replay(worker.run)
    if (left := with_free_steps(run.project).first()) is not None:
        jobs.send(WORK, run.project_id, str(left.pk))


def _is_stopping() -> bool:
    """Whether this process was told to end: what is under way is waited for, and no more."""
    return state.should_stop is not None and state.should_stop is not False


def with_free_steps(project: Project) -> QuerySet[ServerReplay]:
    """Return the replays that go on and have steps on which nobody works, oldest first."""
    steps = project.server_steps.filter(free(timezone.now()), run=OuterRef("pk"))
    rows = project.server_replays.filter(Exists(steps), state=State.RUNNING)
    return rows.order_by("created_at")


# Projects that this process works on, and a replay that it was sent to meanwhile.
_AT_WORK: dict[int, uuid.UUID | None] = {}
_AT_WORK_LOCK = threading.Lock()


@contextmanager
def _turn(run: ServerReplay) -> Iterator[bool]:
    with _AT_WORK_LOCK:
        is_ours = run.project_id not in _AT_WORK
        _AT_WORK[run.project_id] = None if is_ours else run.pk
    if not is_ours:
        yield False
        return
    asked: uuid.UUID | None = None
    try:
        yield True
    finally:
        with _AT_WORK_LOCK:
            asked = _AT_WORK.pop(run.project_id)
    if asked is not None:
        # It may have come when this was about to end.
        jobs.send(WORK, run.project_id, str(asked))
