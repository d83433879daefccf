"""A project to send to, and to look at through the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.test import Client

from apps.sessions.models import Session
from apps.tenants.models import Project
from tests.ingest.factories import NANOSECONDS, make_logs, make_spans, numbered

JSON_TYPE = "application/json"
SECOND = 1_000_000_000
KINDS = {"llm": "chat", "tool": "execute_tool", "agent": "invoke_agent"}
Event = dict[str, Any]


class Site:
    """What one project was sent, and what it shows of it."""

    def __init__(self, project: Project, key_client: Callable[..., Client]) -> None:
        self.project = project
        self.sender = key_client(project, "ingest")
        self.reader = key_client(project, "read:content")

    def send(self, *spans: Any, status: int = 200, **more: Any) -> dict[str, Any]:
        """Send a request of spans; returns the answer."""
        return self.post("/v1/traces", make_spans(*spans, **more), status=status)

    def send_each(self, *spans: Any) -> None:
        """Send each span in a request of its own."""
        for span in spans:
            self.send(span)

    def log(self, *records: Any) -> dict[str, Any]:
        """Send a request of log records; returns the answer."""
        return self.post("/v1/logs", make_logs(*records))

    def post(self, path: str, body: bytes, *, status: int = 200, **headers: str) -> dict[str, Any]:
        answer = self.sender.generic("POST", path, body, content_type=JSON_TYPE, headers=headers)
        assert answer.status_code == status, answer.content
        told: dict[str, Any] = json.loads(answer.content)
        return told

    def session(self, name: str | None = "s") -> Session:
        """Return the session of a name; None is the one that nobody named."""
        return self.project.sessions.get(external_id=name, is_listed=True)

    def names(self) -> set[str | None]:
        """Return the names of the sessions that are listed."""
        return set(
            self.project.sessions.filter(is_listed=True).values_list("external_id", flat=True)
        )

    def events(self, name: str | None = "s") -> list[Event]:
        """Return a session's events in their order."""
        address = f"/api/v1/sessions/{self.session(name).pk}/events"
        found: list[Event] = self.reader.get(address).json()["results"]
        return found

    def event(self, name: str | None = "s") -> Event:
        """Return the only event of a session."""
        (event,) = self.events(name)
        return event

    def raw(self, event: Event, name: str | None = "s") -> Event:
        """Return an event with all that is kept beside it."""
        address = f"/api/v1/sessions/{self.session(name).pk}/events/{event['id']}"
        found: Event = self.reader.get(address).json()
        return found

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sender.get("/api/v1/ingest/health").json()
        return found


def step(number: int, parent: int | None = None, kind: str = "llm", /, **told: Any) -> Any:
    """Return a span of GenAI, a second after the one before it; ``fields`` are the span's own.

    Attributes are given by their names with ``__`` for dots.
    """
    fields = told.pop("fields", {})
    start, end = told.pop("seconds", (number, number + 0.5))
    named = {name.replace("__", "."): value for name, value in told.items()}
    attributes = {"gen_ai.operation.name": KINDS[kind]} | named
    times = {
        "startTimeUnixNano": str(NANOSECONDS + int(start * SECOND)),
        "endTimeUnixNano": str(NANOSECONDS + int(end * SECOND)),
    }
    return numbered(number, parent, attributes, **times | fields)


def spent(tokens: int, **more: Any) -> dict[str, Any]:
    """Return the attributes of a call that used tokens."""
    return {
        "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": tokens,
        "gen_ai__usage__output_tokens": 1,
    } | more


OTHER_TRACE = {"traceId": "f" * 32}
