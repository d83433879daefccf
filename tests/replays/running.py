"""Makers of runs of suites: small ones, really run to their end, by the scripted provider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.audit.actors import SYSTEM
from apps.replays import tasks
from apps.replays.runs.models import RegressionRun, RunState
from apps.replays.runs.settings import read_run_settings
from apps.replays.runs.starting import start_run
from apps.replays.server.models import State
from apps.replays.suite_models import Suite
from apps.sessions.events import Usage
from apps.sessions.models import Session
from apps.tenants.models import Project
from tests.replays.gathering import make_suite
from tests.sessions.factories import at, make_call, make_session

ANSWER = "Your refund is on its way."
# The baseline says what the record says; a candidate with another system message is rude.
SCRIPT = [{"system": "rude", "say": "No."}, {"say": ANSWER}]
RUDE = {"name": "rude", "system": "Be rude."}
KIND = {"name": "kind", "system": "Be kind."}


def make_asked(project: Project, number: int, answer: str = ANSWER, **fields: Any) -> Session:
    """Record a session of one question and one answer, as an application asks them."""
    name = f"asked-{number}"
    asked = {"messages": [{"role": "user", "content": f"Refund order {number}, please."}]}
    said = {"input": asked, "output": {"role": "assistant", "content": answer}}
    usage = Usage(input=20, output=6)
    times = {"started_at": at(1), "ended_at": at(1.5)}
    call = make_call(id=f"call-{number}", session=name, **said, **times, usage=usage, **fields)
    return make_session(project, call)


def make_asked_suite(project: Project, count: int = 3, **fields: Any) -> Suite:
    """Make a suite of so many of them."""
    sessions = [make_asked(project, number) for number in range(count)]
    return make_suite(project, *sessions, **fields)


def make_started(
    project: Project, suite: Suite | None = None, *, owner: Any = None, **settings: Any
) -> RegressionRun:
    """Start a run; by default of a candidate that answers worse, on three cases."""
    suite = suite or make_asked_suite(project)
    sent = {"suite": str(suite.pk), "provider": "scripted", "candidates": [RUDE]} | settings
    if sent["provider"] == "scripted":
        sent.setdefault("script", SCRIPT)
    return start_run(project, read_run_settings(sent), actor=SYSTEM, owner=owner)


def make_run(project: Project, suite: Suite | None = None, **settings: Any) -> RegressionRun:
    """Start a run and let it come to its end, or to where it is held."""
    return run_on(make_started(project, suite, **settings))


def run_on(run: RegressionRun, turns: int = 100) -> RegressionRun:
    """Do the work of a run, as workers would."""
    for _ in range(turns):
        tasks.advance_run(run.project_id, str(run.pk))
        tasks.judge_run(run.project_id, str(run.pk))
        run.refresh_from_db()
        if run.state != RunState.RUNNING:
            break
        for replay in waiting_replays(run):
            tasks.work(run.project_id, str(replay))
    return run


def waiting_replays(run: RegressionRun) -> Sequence[Any]:
    rows = run.project.server_replays.filter(state=State.RUNNING, replay__trial__run=run)
    return list(rows.values_list("pk", flat=True))
