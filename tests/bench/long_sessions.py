"""Agent sessions of any size for benchmarks of pages: turns of calls, tools and documents.

Each turn is a trace: a root agent over a retriever, and calls whose history grows to 30 KB,
with tools between them, 3 % of which fail. A state that each turn patches goes along.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.sessions import store
from apps.sessions.events import ErrorInfo, IncomingEvent, Usage
from apps.sessions.models import Session
from apps.tenants.models import Project
from tests.bench.workload import WORDS

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
LONGEST_HISTORY = 30_000
EVENTS_A_TURN = 10
EVENTS_A_REQUEST = 1000
MODEL = {"provider": "openai", "model": "gpt-4o", "model_returned": "gpt-4o-2024-11-20"}


@dataclass
class Teller:
    """Tells one session; the clock only goes forward."""

    session: str
    rng: random.Random
    seconds: float = 0.0
    count: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def text(self, words: int) -> str:
        return " ".join(self.rng.choices(WORDS, k=words))

    def event(self, kind: str, name: str, turn: int, **fields: Any) -> IncomingEvent:
        self.count += 1
        started = START + timedelta(seconds=self.seconds)
        self.seconds += self.rng.uniform(0.05, 1.5)
        timed = {"started_at": started, "ended_at": START + timedelta(seconds=self.seconds)}
        return IncomingEvent(
            id=f"e{self.count}",
            session=self.session,
            trace=f"{self.session}-{turn}",
            kind=kind,
            name=name,
            **{"status": "ok"} | timed | fields,
        )

    def remember(self, role: str, content: str) -> None:
        self.history.append({"role": role, "content": content})
        while sum(len(one["content"]) for one in self.history) > LONGEST_HISTORY:
            del self.history[1]


def turns(name: str, seed: int = 1) -> Iterator[IncomingEvent]:
    """Yield the events of a session without end."""
    told = Teller(name, random.Random(seed))
    told.remember("system", told.text(900))
    number = 0
    while True:
        number += 1
        yield from turn(told, number)


def turn(told: Teller, number: int) -> Iterator[IncomingEvent]:
    """Yield one trace: ten events."""
    asked = told.text(60)
    root = told.event("agent", "support", number, agent="support", input=asked)
    root.ended_at = START + timedelta(seconds=told.seconds + 6)
    state = {"turn": number, "open": []} if number == 1 else None
    patch = [{"op": "replace", "path": "/turn", "value": number}] if number > 1 else None
    yield root
    inside = {"turn": number, "parent": root.id}
    told.remember("user", asked)
    documents = [{"id": f"doc-{n}", "content": told.text(80)} for n in range(3)]
    query = told.text(8)
    yield told.event("retriever", "policies", input=query, output=documents, **inside)
    for _ in range(3):
        yield call(told, inside)
        yield tool(told, inside)
    yield told.event("state", "remember", state=state, state_patch=patch, **inside)
    yield call(told, inside)


def call(told: Teller, inside: dict[str, Any]) -> IncomingEvent:
    said = told.text(80)
    made = told.event(
        "llm",
        "chat gpt-4o",
        input={"messages": list(told.history)},
        output={"messages": [{"role": "assistant", "content": said}]},
        usage=Usage(input=sum(len(one["content"]) for one in told.history) // 4, output=110),
        **MODEL,
        **inside,
    )
    told.remember("assistant", said)
    return made


def tool(told: Teller, inside: dict[str, Any]) -> IncomingEvent:
    name, order = told.rng.choice(("lookup", "payments", "notes")), told.rng.getrandbits(24)
    result = told.text(100)
    failed = told.rng.random() < 0.03
    said = {"error": ErrorInfo(type="TimeoutError", message="no answer"), "status": "error"}
    outcome: dict[str, Any] = said if failed else {"output": result}
    told.remember("tool", result)
    return told.event("tool", name, input={"order": order}, **outcome, **inside)


def write_session(project: Project, size: int, name: str = "") -> Session:
    """Record a session of ``size`` events, some at once, and return it."""
    events, found = turns(name or f"bench-{size}"), None
    for first in range(0, size, EVENTS_A_REQUEST):
        portion = [next(events) for _ in range(min(EVENTS_A_REQUEST, size - first))]
        found = store.append(project, portion).sessions[0]
    return project.sessions.get(pk=found)
