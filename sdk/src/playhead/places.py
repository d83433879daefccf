"""Where in a session code runs: the run that listens, the lane, and the step around it.

A lane is a logical thread: ``0`` is where the session began, and whatever is started from a
lane at the same time as what goes on there gets the lane's path and its number in the order
of being started: ``0.0``, ``0.1``, ``0.1.0``. What a library starts is counted under the library's
name, ``0.agents0``: a client that starts a thread only on its first call shifts no lane of the
application. Within such a lane what the same library starts is not named again, ``0.agents0.2``,
and what the application starts is its own, ``0.agents0.2.own0``. The order in which things end
never counts, so that parallel work has the same lanes on every run.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playhead.runs import Run

MAIN, OWN = "0", "own"


class Lane:
    """One logical thread of a session."""

    __slots__ = ("_by", "_children", "path")

    def __init__(self, path: str = MAIN, by: str = "") -> None:
        self.path, self._by = path, by
        self._children: dict[str, itertools.count[int]] = {}

    def spawn(self, by: str = "") -> Lane:
        """Return the next lane that is started from this one, ``by`` a library or nobody's."""
        # Both are one step of the interpreter each, so threads need no lock here.
        children = self._children.setdefault(by, itertools.count())
        name = "" if by == self._by else by or OWN
        return Lane(f"{self.path}.{name}{next(children)}", by)


_run: ContextVar[Run | None] = ContextVar("playhead_run", default=None)
_lane: ContextVar[Lane] = ContextVar("playhead_lane")
# The id of the step in which code runs, and whether that step answers for what lies inside.
_step: ContextVar[str | None] = ContextVar("playhead_step", default=None)
_is_covered: ContextVar[bool] = ContextVar("playhead_is_covered", default=False)
# The agent in whose step code runs.
_agent: ContextVar[str | None] = ContextVar("playhead_agent", default=None)
_sealed_by: ContextVar[Run | None] = ContextVar("playhead_sealed_by", default=None)


def current_run() -> Run | None:
    """Return the run that listens here; None outside of sessions and inside recorded calls."""
    return None if _is_covered.get() else _run.get()


def sealed_run() -> Run | None:
    """Return the replay that refuses connections here, inside of a stub of its own."""
    return _sealed_by.get()


@dataclass(frozen=True, slots=True)
class Job:
    """Something that runs in a thread: its lane, and the one that its starter's context told."""

    lane: Lane
    seen: Lane


_thread = threading.local()


def new_job(by: str = "") -> Job:
    """Return what is started here to run in a thread, ``by`` a library or nobody's."""
    return Job(current_lane().spawn(by), _lane.get())


@contextmanager
def working_on(job: Job) -> Iterator[None]:
    """Run code as a job, also where a framework brings its starter's context along."""
    around = getattr(_thread, "job", None)
    _thread.job = job
    try:
        yield
    finally:
        _thread.job = around


def current_lane() -> Lane:
    lane = _lane.get()
    job = getattr(_thread, "job", None)
    return job.lane if job is not None and job.seen is lane else lane


def lane_path() -> str:
    return MAIN if _lane.get(None) is None else current_lane().path


def current_step() -> str | None:
    return _step.get()


def current_agent() -> str | None:
    return _agent.get()


@contextmanager
def running(run: Run) -> Iterator[None]:
    """Let a run listen to what happens inside, in a main lane of its own."""
    around, lane = _run.set(run), _lane.set(Lane())
    step, covered, agent = _step.set(None), _is_covered.set(False), _agent.set(None)
    try:
        yield
    finally:
        _agent.reset(agent)
        _is_covered.reset(covered)
        _step.reset(step)
        _lane.reset(lane)
        _run.reset(around)


@contextmanager
def inside(step: str, *, covers: bool, agent: str | None = None) -> Iterator[None]:
    """Run code inside a step; one that ``covers`` answers for every call made within."""
    around, covered = _step.set(step), _is_covered.set(covers or _is_covered.get())
    doing = _agent.set(agent or _agent.get())
    try:
        yield
    finally:
        _agent.reset(doing)
        _is_covered.reset(covered)
        _step.reset(around)


@contextmanager
def sealed_by(run: Run) -> Iterator[None]:
    """Run code that answers a call of a replay: it reaches the network no more than the replay."""
    around = _sealed_by.set(run)
    try:
        yield
    finally:
        _sealed_by.reset(around)


def enter_lane(lane: Lane) -> Token[Lane]:
    return _lane.set(lane)


def leave_lane(token: Token[Lane]) -> None:
    _lane.reset(token)
