"""Makers of replays: recorded sessions, and reports as an application sends them."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from apps.audit.actors import SYSTEM, Actor
from apps.replays import sealing
from apps.replays.models import Replay
from apps.replays.reports import read_report
from apps.replays.server.sealed import seal_settings
from apps.replays.server.settings import Settings
from apps.replays.services import Reported, report_replay
from apps.sessions.models import Session
from apps.tenants.models import Project
from tests.sessions.factories import at, make_call, make_event, make_session

numbers = count(1)
NOW = at(3600)
SECRET = "the customer's name is Ann"


def make_original(project: Project, name: str = "chat-1", **fields: Any) -> Session:
    """Record a session of a call of a model and one of a tool, both with answers."""
    call = {"id": "call", "session": name, "input": SECRET, "output": "hello", "started_at": at(0)}
    tool = make_event(
        id="tool", session=name, kind="tool", input={"q": 1}, output=[1], started_at=at(1)
    )
    return make_session(project, make_call(**(call | fields)), tool)


def make_divergence(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "drifted-request",
        "step": 1,
        "event": "call",
        "made": "made-call",
        "lane": "0",
        "name": "chat",
        "says": f"step 1 asks something else: {SECRET}",
        "differences": [{"path": "/input", "expected": SECRET, "got": "nobody"}],
    } | fields


def make_report(**fields: Any) -> dict[str, Any]:
    """Return the report of a replay that ended, as JSON."""
    number = f"{next(numbers):032x}"
    return {
        "id": number,
        "status": "ended",
        "session": "chat-1",
        "origin": "replay",
        "started_at": "2026-11-20T09:30:00Z",
        "ended_at": "2026-11-20T09:30:02Z",
        "plan": {"match": "strict", "on_divergence": "stop", "recorded_calls": 2},
        "report": {
            "session": "chat-1",
            "coverage": 0.5,
            "consumption": 1.0,
            "fidelity": 0.9,
            "decisions": 1.0,
            "band": "drifted",
            "calls": 2,
            "digest": "sha256:00",
            "divergences": [make_divergence()],
        },
    } | fields


def report(project: Project, actor: Actor = SYSTEM, now: datetime = NOW, **fields: Any) -> Reported:
    sent = make_report(**fields)
    return report_replay(project, read_report(sent, now), sent, actor=actor)


def make_replay(project: Project, **fields: Any) -> Replay:
    """Report a replay of ``chat-1``, which may be there or not, and return it."""
    return project.replays.get(pk=report(project, **fields).replay.pk)


def make_run(project: Project, **fields: Any) -> Replay:
    """Return such a replay as one that the server runs."""
    replay = make_replay(project, **fields)
    settings = Settings(session="chat-1", provider="recorded")
    project.server_replays.create(
        replay=replay,
        mode=settings.mode,
        provider=settings.provider,
        sealed_settings=seal_settings(sealing.cipher_of(replay.session), settings),
    )
    return replay
