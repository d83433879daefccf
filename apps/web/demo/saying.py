"""Sending what is said about the demo's first session, as any client does."""

from __future__ import annotations

import json
import urllib.request
from collections import defaultdict
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from apps.web.demo.opinions import Named, Opinion, opinions
from apps.web.demo.schedule import HERO

SECONDS = 60
MOST_EVENTS = 100


def say_all(key: str) -> None:
    """Say all that there is to say about the first session, once."""
    found = ask(key, f"sessions?{urlencode({'external_id': HERO})}")["results"]
    if not found:
        return
    root, answered = f"sessions/{found[0]['id']}", ""
    steps = steps_of(key, root)
    for number, opinion in enumerate(opinions()):
        body = opinion.body | place_of(opinion, steps, answered)
        method = "PUT" if opinion.path == "example" else "POST"
        answer = ask(key, f"{root}/{opinion.path}", method, body, once=f"demo-{number}")
        answered = answer.get("id", "") if opinion.path == "comments" else ""


def steps_of(key: str, root: str) -> dict[Named, str]:
    """Return the ids of steps by their names."""
    events = ask(key, f"{root}/events?fields=meta&limit={MOST_EVENTS}")["results"]
    counts: defaultdict[str, int] = defaultdict(int)
    found = {}
    for event in events:
        counts[event["name"]] += 1
        found[Named(event["name"], counts[event["name"]])] = event["id"]
    return found


def place_of(opinion: Opinion, steps: dict[Named, str], answered: str) -> dict[str, Any]:
    if opinion.is_answer:
        return {"thread": int(answered)}
    return {"event": steps[opinion.about]} if opinion.about else {}


def ask(
    key: str, path: str, method: str = "GET", body: Any = None, *, once: str = ""
) -> dict[str, Any]:
    """Ask the server's own API."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(  # noqa: S310
        f"{settings.PLAYHEAD_URL}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers=headers | ({"Idempotency-Key": once} if once else {}),
        method=method,
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
        answer: dict[str, Any] = json.loads(response.read())
        return answer
