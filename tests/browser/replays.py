"""Replays worth looking at: identical, diverged in much, running, failed, a fork of a fork."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.replays.models import Replay
from apps.replays.reports import read_report
from apps.replays.services import report_replay
from apps.sessions import store
from apps.tenants.models import Project
from tests.browser.seed import refund_story
from tests.browser.words import HOSTILE

OF = "chat-4711"
EVERYTHING: dict[str, Any] = {
    "coverage": 1.0,
    "consumption": 1.0,
    "fidelity": 1.0,
    "decisions": 1.0,
    "band": "identical",
    "calls": 9,
    "digest": "sha256:5f4c",
}
PLAN = {"match": "strict", "on_divergence": "stop", "recorded_calls": 9, "python": "3.12.4"}


def tell(project: Project, name: str, of: str = OF, **said: Any) -> Replay:
    """Report a replay as an application does; by default one in which all was as recorded."""
    now = timezone.now()
    sent = {
        "id": hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(),
        "status": "ended",
        "session": of,
        "origin": "replay",
        "name": name,
        "started_at": (now - timedelta(seconds=9)).isoformat(),
        "ended_at": now.isoformat(),
        "plan": PLAN,
        "report": EVERYTHING | {"session": of},
    } | said
    return report_replay(project, read_report(sent, now), sent, actor=SYSTEM).replay


def tell_divergences(count: int, hostile: bool = False) -> dict[str, Any]:
    """Return a report in which so many places are not as recorded."""
    says = " ".join(HOSTILE) if hostile else "step 4, tool lookup_order in lane 0: it asks other"
    differences: list[dict[str, Any]] = [
        {"path": "/input/messages/1/content", "expected": "order 4411", "got": "order 4412"},
        {"path": "/input/tone", "expected": HOSTILE[0], "got": {"is": [HOSTILE[1], None, 3]}},
        {"path": "/model", "got": "gpt-4o-mini"},
    ]
    differences += [{"path": f"/input/{at}", "expected": at, "got": None} for at in range(197)]
    one = {
        "kind": "drifted-request",
        "step": 4,
        "event": "0004",
        "lane": HOSTILE[2] if hostile else "0",
        "name": HOSTILE[3] if hostile else "lookup_order",
        "says": says,
        "differences": differences,
        "nearest": [{"step": 5, "alike": 0.62, "says": says, "failed": ["name", "lane"]}],
        "cone": [6, 7, 8],
    }
    later = {"kind": "missing", "step": 8, "lane": "0", "name": "act", "says": "was not asked for"}
    return {
        "coverage": 0.875,
        "consumption": 0.7,
        "fidelity": 0.61,
        "decisions": 0.5,
        "band": "diverged",
        "calls": 8,
        "divergences": [one, *[later] * (count - 1)],
        "environment": {"python": ["3.11.7", "3.12.4"], HOSTILE[4]: [HOSTILE[5], None]},
        "latency": {
            "calls": 8,
            "served": 7,
            "before": {"p50_ms": 900.0},
            "now": {"p50_ms": 1100.0},
        },
        "cost": {"before": 0.012, "now": 0.004},
        "stopped": True,
        "notes": [says],
    }


def fill(project: Project) -> dict[str, Replay]:
    """Record a refund, and report replays and forks of it."""
    store.append(project, refund_story(OF))
    store.append(project, refund_story("replay-of-a-refund", timezone.now()))
    store.append(project, refund_story("fork-of-a-refund", timezone.now()))
    fork = {"step": 8, "event": "0008", "trace": f"trace-{OF}"}
    again = {"step": 3, "event": "0003", "trace": None}
    running = {"status": "running", "ended_at": None, "report": None}
    hostile = {
        "plan": PLAN | {"overrides": {HOSTILE[1]: HOSTILE[2]}, "stubs": list(HOSTILE[:3])},
        "report": tell_divergences(2, hostile=True),
        "error": {"type": "ValueError", "message": "\n".join(HOSTILE)},
    }
    return {
        "identical": tell(project, "replay-of-a-refund"),
        "diverged": tell(project, "replay-diverged", report=tell_divergences(60)),
        "hostile": tell(project, f"replay {HOSTILE[1]}", **hostile),
        "running": tell(project, "replay-running", **running),
        "fork": tell(project, "fork-of-a-refund", origin="fork", forked_at=fork),
        "again": tell(project, HOSTILE[0], "fork-of-a-refund", origin="fork", forked_at=again),
    }
