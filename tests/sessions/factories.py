"""Makers of events and sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from apps.sessions import store
from apps.sessions.events import IncomingEvent
from apps.sessions.models import Session
from apps.tenants.models import Project

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
numbers = count(1)


def at(seconds: float) -> datetime:
    """Return a moment of the recorded day."""
    return START + timedelta(seconds=seconds)


def make_event(**fields: Any) -> IncomingEvent:
    """Return an event; without an id it gets one of its own."""
    defaults = {"id": f"event-{next(numbers)}", "kind": "event"}
    if "trace" not in fields:
        defaults["session"] = "chat-1"
    return IncomingEvent(**(defaults | fields))


def make_call(**fields: Any) -> IncomingEvent:
    """Return a call of a model."""
    defaults = {"kind": "llm", "name": "chat", "provider": "openai", "model": "gpt-4o"}
    return make_event(**(defaults | fields))


def make_session(project: Project, *events: IncomingEvent, **fields: Any) -> Session:
    """Record events, one at least, and return their session."""
    result = store.append(project, list(events) or [make_event(**fields)])
    return project.sessions.get(pk=result.sessions[0])
