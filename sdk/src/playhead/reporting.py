"""Telling a server of a replay: that it runs, and what it came to.

Reports go out in the background with the replay's own events, in whatever order they arrive. The
application neither waits for them nor breaks because of them.
"""

from __future__ import annotations

import logging
import platform
from typing import Any

from playhead.calls import _now_ns, stamp
from playhead.environment import git_sha, lock_hash
from playhead.forking import Forking
from playhead.replaying import Replaying
from playhead.sending import Sender
from playhead.values import as_json
from playhead.version import VERSION

Json = Any
log = logging.getLogger("playhead")

RUNNING, ENDED = "running", "ended"
# More of them nobody reads, and a server takes.
MOST_DIVERGENCES, MOST_DIFFERENCES = 1_000, 200
# What a report may take with all its differences; beyond it only the first keep theirs.
LARGEST, KEPT_WHOLE = 10_000_000, 20
LONGEST_ERROR = 4_000


class Reporting:
    """What one replay tells a server of itself."""

    def __init__(self, sender: Sender, run: Replaying, name: str) -> None:
        self._sender, self._run, self._name = sender, run, name
        self._started = stamp(_now_ns())

    def begin(self) -> None:
        self._put(self._body(RUNNING))

    def end(self, error: BaseException | None) -> None:
        """Say what the replay came to; with the error that broke it off."""
        body = self._body(ENDED) | {"ended_at": stamp(_now_ns()), "error": _told(error)}
        try:
            body["report"] = bounded(self._run.report.as_json())
        except (TypeError, ValueError, RecursionError) as failed:
            # Whatever a report cannot say must not be the application's trouble.
            log.warning("The report of a replay could not be made: %r", failed)
        self._put(body)

    def _put(self, body: dict[str, Json]) -> None:
        self._sender.put_report(body)

    def _body(self, status: str) -> dict[str, Json]:
        run = self._run
        return {
            "id": run.id,
            "status": status,
            "session": run.tape.session,
            "origin": run.origin,
            "name": self._name,
            "started_at": self._started,
            "ended_at": None,
            "plan": plan_of(run),
            "forked_at": _forked_at(run),
            "report": None,
            "error": None,
        }


def plan_of(run: Replaying) -> dict[str, Json]:
    """Return what a replay was set to do, and with what."""
    is_fork = isinstance(run, Forking)
    return {
        "match": run.policy.match,
        "on_divergence": run.policy.on_divergence,
        "allow_live": list(run.policy.allow_live),
        "stubs": list(run.policy.stubs),
        "overrides": as_json(run.describes()["overrides"]) if is_fork else {},
        "fork_at": run.at if isinstance(run, Forking) else None,
        "stream_speed": run.stream_speed,
        "clock": run.policy.clock,
        "recorded_calls": len(run.tape.calls),
        "sdk": VERSION,
        "python": platform.python_version(),
        "lock_hash": lock_hash(),
        "git_sha": git_sha(),
    }


def _forked_at(run: Replaying) -> Json:
    if not isinstance(run, Forking):
        return None
    event = run.tape.events[run.at - 1]
    return {
        "step": run.at,
        "event": event.get("client_id") or event.get("id"),
        "trace": event.get("trace"),
    }


def _told(error: BaseException | None) -> Json:
    if error is None:
        return None
    kind = type(error)
    return {"type": f"{kind.__module__}.{kind.__qualname__}", "message": str(error)[:LONGEST_ERROR]}


def bounded(report: dict[str, Json]) -> dict[str, Json]:
    """Return a report of at most so many divergences; of a huge one the later ones only named."""
    kept = [
        one | {"differences": one["differences"][:MOST_DIFFERENCES]}
        for one in report["divergences"][:MOST_DIVERGENCES]
    ]
    if len(repr(kept)) > LARGEST:
        kept = [
            one if at < KEPT_WHOLE else one | {"differences": []} for at, one in enumerate(kept)
        ]
    return report | {"divergences": kept}
