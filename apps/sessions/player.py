"""Where one stands in a session, and what its steps look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.sessions.layout import Layout, known

Json = Any

VIEWS = ("timeline", "tree", "graph", "transcript")
# Steps that one page of the transcript tells.
TOLD_AT_ONCE = 30
# Earlier model calls that are read so that the first turn repeats nothing.
CALLS_BEFORE = 6

GROUPS = {
    "llm": "llm",
    "embedding": "llm",
    "tool": "tool",
    "http": "tool",
    "code_change": "tool",
    "retriever": "retriever",
    "reranker": "retriever",
    "memory": "retriever",
    "agent": "agent",
    "handoff": "agent",
    "decision": "decision",
    "guardrail": "decision",
    "evaluator": "decision",
    "human": "human",
}
ICONS = {
    "llm": "sparkles",
    "embedding": "sparkles",
    "tool": "wrench",
    "http": "globe",
    "code_change": "code",
    "retriever": "database",
    "reranker": "database",
    "memory": "brain",
    "agent": "bot",
    "handoff": "users",
    "decision": "git-branch",
    "guardrail": "shield-check",
    "evaluator": "check",
    "human": "user",
    "time": "clock",
    "error": "octagon-x",
    "env": "terminal",
}


def group_of(kind: str) -> str:
    """Return the colour group of a kind."""
    return GROUPS.get(kind, "other")


def icon_of(kind: str) -> str:
    return ICONS.get(kind, "workflow")


@dataclass(frozen=True)
class Playhead:
    """Where one stands in a session: a step and its neighbours, by id."""

    index: int
    count: int
    first: str
    last: str
    previous: str | None
    next: str | None
    next_error: str | None
    previous_error: str | None
    # Milliseconds since the session began.
    time_ms: float | None

    @property
    def seq(self) -> int:
        return self.index + 1


def playhead_at(layout: Layout, index: int) -> Playhead:
    last, started = len(layout) - 1, known(layout.starts[index])
    error, earlier = layout.next_error(index), layout.previous_error(index)
    return Playhead(
        index=index,
        count=len(layout),
        first=layout.id(0),
        last=layout.id(last),
        previous=layout.id(index - 1) if index else None,
        next=layout.id(index + 1) if index < last else None,
        next_error=None if error is None else layout.id(error),
        previous_error=None if earlier is None else layout.id(earlier),
        time_ms=None if started is None else (started - layout.begins) * 1000,
    )


def transcript_window(layout: Layout, at: int) -> tuple[range, list[int]]:
    """Return the steps of the transcript's page that holds ``at``, and the calls before it."""
    start = at - at % TOLD_AT_ONCE
    window = range(start, min(start + TOLD_AT_ONCE, len(layout)))
    return window, layout.last_of_kind("llm", start, CALLS_BEFORE)
