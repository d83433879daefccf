"""CPU and queries of replays that the server runs: planning them, and each of their steps.

``python -m tests.bench.server_replays`` records a session of 10,000 calls of a model into the
database of the environment (a project of its own), and prints what a plan of it costs; then what
replays of a session of twelve calls cost, from the start to the report, answered by the record.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from apps.audit.actors import SYSTEM  # noqa: E402
from apps.replays.server.ending import end_replay  # noqa: E402
from apps.replays.server.plans import plan_replay  # noqa: E402
from apps.replays.server.plans_output import plan_json  # noqa: E402
from apps.replays.server.settings import read_settings  # noqa: E402
from apps.replays.server.starting import start_sample  # noqa: E402
from apps.replays.server.sweeping import find_run  # noqa: E402
from apps.replays.server.working import Worker  # noqa: E402
from apps.sessions import store  # noqa: E402
from apps.sessions.events import IncomingEvent, Usage  # noqa: E402
from apps.sessions.models import Session  # noqa: E402
from apps.tenants.models import Project  # noqa: E402
from tests.factories import make_project  # noqa: E402

Json = Any

CALLS, STEPS, REPLAYS = 10_000, 12, 20
BATCH = 500
SYSTEM_MESSAGE = {"role": "system", "content": "You are a support agent of a shop. " * 40}
MODES = ("teacher_forced", "free_running")


@dataclass
class Cost:
    """What something took."""

    milliseconds: float = 0.0
    queries: int = 0

    def each(self, count: int) -> str:
        return f"{self.milliseconds / count:.2f} CPU ms, {self.queries / count:.1f} queries"


@contextmanager
def measured(cost: Cost) -> Iterator[None]:
    def count(execute: Callable[..., Any], *statement: Any) -> Any:
        cost.queries += 1
        return execute(*statement)

    began = time.thread_time()
    with connection.execute_wrapper(count):
        yield
    cost.milliseconds += (time.thread_time() - began) * 1000


def record(project: Project, name: str, count: int, *, grows: bool) -> Session:
    """Record a session of so many calls, as a conversation or each by itself."""
    said: list[Json] = [SYSTEM_MESSAGE]
    events = []
    for number in range(count):
        asked = [*(said if grows else [SYSTEM_MESSAGE]), user(number)]
        answer = {"role": "assistant", "content": f"Order {number} was sent on Monday."}
        events.append(call(name, number, asked, answer))
        said = [*asked, answer]
    for start in range(0, count, BATCH):
        store.append(project, events[start : start + BATCH])
    session = project.sessions.get(external_id=name)
    session.project = project
    return session


def user(number: int) -> Json:
    return {"role": "user", "content": f"Where is my order {number}?"}


def call(session: str, number: int, asked: list[Json], answer: Json) -> IncomingEvent:
    start = datetime(2026, 11, 20, 9, tzinfo=UTC) + timedelta(seconds=number)
    return IncomingEvent(
        id=f"call-{number}",
        session=session,
        kind="llm",
        model="gpt-4o",
        provider="openai",
        input={"messages": asked},
        output=answer,
        usage=Usage(input=900, output=20),
        started_at=start,
        ended_at=start + timedelta(milliseconds=700),
    )


def plan(project: Project) -> str:
    session = record(project, "long", CALLS, grows=False)
    settings = read_settings({"session": str(session.pk), "provider": "recorded"})
    cost = Cost()
    with measured(cost):
        told = plan_json(plan_replay(project, session, settings))
    return f"plan of {told['steps']['asked']:,} steps: {cost.each(1)}\n"


def replay(project: Project, session: Session, mode: str) -> Iterator[str]:
    settings = read_settings({"session": str(session.pk), "provider": "recorded", "mode": mode})
    start, ask, end = Cost(), Cost(), Cost()
    for _ in range(REPLAYS):
        with measured(start):
            run = start_sample(
                project, plan_replay(project, session, settings), 0, None, None, actor=SYSTEM
            )
        with measured(ask):
            found = find_run(project.pk, str(run.pk))
            worker = Worker(found) if found else None
            while worker is not None and (steps := worker.claim(4)):
                for step in steps:
                    worker.work_on(step)
        with measured(end):
            end_replay(run)
    yield f"{mode}, {STEPS} steps: plan and start of a replay {start.each(REPLAYS)}\n"
    yield f"{mode}: a step asked and kept {ask.each(REPLAYS * STEPS)}\n"
    yield f"{mode}: session and report {end.each(REPLAYS)}\n"


def main() -> None:
    project = make_project(slug=f"bench-{secrets.token_hex(4)}")
    sys.stdout.write(plan(project))
    session = record(project, "talk", STEPS, grows=True)
    for mode in MODES:
        for line in replay(project, session, mode):
            sys.stdout.write(line)


if __name__ == "__main__":
    main()
