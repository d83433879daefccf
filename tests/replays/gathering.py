"""Makers of suites."""

from __future__ import annotations

from typing import Any

from apps.audit.actors import SYSTEM
from apps.replays.suite_changes import Added, Change
from apps.replays.suite_models import Suite
from apps.replays.suites import create_suite
from apps.sessions.models import Session
from apps.tenants.models import Project
from tests.sessions.factories import at, make_call, make_event, make_session


def make_suite(project: Project, *sessions: Session, **fields: Any) -> Suite:
    """Make a suite with a case of each session; ``expectations`` are of all of them."""
    expected = fields.pop("expectations", ())
    added = [Added(session.pk, expectations=expected) for session in sessions]
    defaults = {"name": "Refunds", "change": Change(add=added), "actor": SYSTEM}
    return create_suite(project, **(defaults | fields))


def make_run(project: Project, name: str, *, tools: Any = (), **fields: Any) -> Session:
    """Record a session of one question, the calls of tools that follow, and how it ended."""
    said = {"input": f"Where is {name}?", "started_at": at(0)} | fields
    events = [make_call(session=name, **said)]
    for second, tool in enumerate(tools, start=1):
        events.append(make_event(session=name, kind="tool", name=tool, started_at=at(second)))
    return make_session(project, *events)
