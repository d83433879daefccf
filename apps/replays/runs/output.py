"""Runs as the API tells of them: numbers and names of the project's things, no recorded text."""

from __future__ import annotations

from typing import Any

import msgspec
from django.urls import reverse

from apps.replays.runs.models import RegressionRun, Trial
from apps.replays.runs.planning import side_json
from apps.replays.runs.progress import progress_of
from apps.replays.runs.queries import CaseRow
from apps.replays.runs.sides import kept_of

Json = Any


def run_json(run: RegressionRun) -> dict[str, Json]:
    place = (run.project.organization.slug, run.project.slug, run.pk)
    return {
        "id": str(run.pk),
        "name": run.name,
        "suite": {"id": str(run.suite_id), "name": run.suite.name, "version": run.suite_version},
        "state": run.state,
        "reason": run.reason,
        # Who can help: somebody with more money, with a provider, or who paused it.
        "paused_by": run.environment.get("paused_by"),
        "result": run.result or None,
        "cases": run.cases,
        "owner": run.owner.email if run.owner else None,
        "started_by": run.started_by,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "url": reverse("replays:run", args=place),
    }


def detail_json(run: RegressionRun) -> dict[str, Json]:
    """Return a run with what it was asked for, its progress and its verdicts."""
    kept = kept_of(run)
    return run_json(run) | {
        "sides": [side_json(side) for side in kept.sides],
        "gates": [msgspec.to_builtins(gate) for gate in kept.settings.judged_by()],
        "repeats": kept.settings.repeats,
        "mode": kept.settings.mode,
        "progress": progress_of(run).as_json(),
        "verdicts": [
            {
                "candidate": one.candidate,
                "result": one.result,
                "is_on_front": one.is_on_front,
                **one.judgement,
            }
            for one in run.verdicts.order_by("side")
        ],
        "environment": run.environment,
    }


def case_json(row: CaseRow) -> dict[str, Json]:
    event = row.case.event_id
    return {
        "case": str(row.case.pk),
        "session": str(row.session.pk),
        "event": None if event is None else event.hex,
        "pinned": row.is_pinned,
        "flaky": row.is_flaky,
        "tags": row.revision.tags,
        "change": row.change,
        "sides": [[_trial(one) for one in row.sides[side]] for side in sorted(row.sides)],
    }


def _trial(trial: Trial) -> dict[str, Json]:
    replay = trial.replay
    return {
        "sample": trial.sample,
        "state": trial.state,
        "reason": trial.reason,
        "measures": trial.measures,
        "replay": None if replay is None else str(replay.pk),
        "session": None if replay is None else str(replay.session_id),
    }
