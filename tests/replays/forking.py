"""Processes that work on replays, to be killed: forked, so that they cost next to nothing."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable

from django.db import close_old_connections, connection

from apps.replays import tasks
from apps.replays.runs.models import RegressionRun
from tests.replays.running import waiting_replays


def begin(work: Callable[[], None]) -> int:
    """Run ``work`` in a process of its own; return its id."""
    connection.close()
    if hasattr(connection, "close_pool"):
        # Threads of a pool do not live on in a child.
        connection.close_pool()
    with warnings.catch_warnings():
        # The provider's threads are the parent's, and the child does not need them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def worker(project_id: int, run_id: object) -> int:
    """Begin a worker that works on a replay until it is killed."""
    return begin(again_and_again(lambda: tasks.work(project_id, str(run_id))))


def worker_of_run(run: RegressionRun) -> int:
    """Begin a worker that does all that a run of a suite needs, until it is killed."""

    def work() -> None:
        tasks.advance_run(run.project_id, str(run.pk))
        for replay in waiting_replays(run)[:1]:
            tasks.work(run.project_id, str(replay))

    return begin(again_and_again(work))


def again_and_again(work: Callable[[], None]) -> Callable[[], None]:
    def until_killed() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            work()
            close_old_connections()
            time.sleep(0.05)

    return until_killed


def kill(children: list[int]) -> None:
    """Kill them as nothing can be prepared for, and wait until they are gone."""
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)


def eventually(is_so: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError("It never came about.")
        time.sleep(0.01)
