"""Runs of a suite worth looking at: judged, paused and cancelled, with hostile names."""

from __future__ import annotations

import warnings

from celery.exceptions import AlwaysEagerIgnored

from apps.audit.actors import SYSTEM
from apps.replays.runs.models import RegressionRun
from apps.replays.runs.starting import cancel_run, pause_run
from apps.tenants.models import Project
from tests.browser.words import HOSTILE
from tests.replays.gathering import make_suite
from tests.replays.running import ANSWER, KIND, RUDE, make_asked, make_started, run_on

REASON = "The budget has $0.02 left, and this call can cost $0.05. Raise the budget."


def keep_runs(project: Project) -> dict[str, RegressionRun]:
    """Keep runs of every look, by what they are worth looking at."""
    said = [ANSWER, f"{ANSWER} {HOSTILE[0]}"]
    sessions = [make_asked(project, number, answer=text) for number, text in enumerate(said)]
    suite = make_suite(project, *sessions, name="Refunds")
    rude = RUDE | {"name": f"rude {HOSTILE[0]}"[:200]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlwaysEagerIgnored)
        judged = make_started(project, suite, candidates=[rude, KIND])
        held = [make_started(project, suite, name=name) for name in ("held", "ended")]
        pause_run(held[0], actor=SYSTEM, reason=REASON)
        cancel_run(held[1], actor=SYSTEM)
        return {"judged": run_on(judged), "paused": held[0], "cancelled": held[1]}
