"""Sending again what real clients sent, and what became of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.test import Client

from tests.ingest.captures import captured

Events = list[dict[str, Any]]


def send_captured(sender: Client, client: str) -> None:
    """Send what a client recorded to where it sent it; each request must be taken."""
    for one in captured(client):
        if one.method == "POST":
            answer = sender.generic("POST", one.path, one.body, headers=one.headers)
            assert answer.status_code in (200, 207), answer.content


def events_of(reader: Client, session: Any) -> Events:
    """Return the events of a session."""
    return reader.get(f"/api/v1/sessions/{session.pk}/events").json()["results"]


def tree(events: Events) -> Counter[tuple[str, str, str]]:
    """Return how often which kind and name stands below which name; "" is the top."""
    names = {event["id"]: event["name"] for event in events}
    return Counter(
        (names.get(event["parent"], ""), event["kind"], event["name"]) for event in events
    )


def named(events: Events, name: str) -> Events:
    """Return the events of a name, in their order."""
    return [event for event in events if event["name"] == name]
