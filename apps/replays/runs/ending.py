"""What a run came to: verdicts on its candidates, what they rest on, and who is told.

Judging takes a moment, and so happens before the run is locked; whoever comes second finds the
run ended and changes nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.replays import verdict_door
from apps.replays.runs import watching
from apps.replays.runs.metrics import METRICS
from apps.replays.runs.models import (
    BASELINE,
    LONGEST_REASON,
    UNFINISHED,
    RegressionRun,
    RunState,
    Verdict,
)
from apps.replays.runs.models import Result as RunResult
from apps.replays.runs.planning import side_json
from apps.replays.runs.samples import SampledCase, paired, sampled
from apps.replays.runs.sides import Kept
from apps.replays.suite_flakes import known_baselines, record_baselines
from apps.replays.verdict_shapes import Paired
from apps.tenants.inbox import Matter, tell_of
from apps.tenants.inbox_models import InboxKind

Json = Any

# The worst of them is what a run came to.
WORST_FIRST = (RunResult.FAIL, RunResult.INCONCLUSIVE, RunResult.PASS)
LIBRARIES = ("playhead-server", "numpy", "scipy", "rapidfuzz")
PAGE = "replays:run"
# What a replay says that has no money left for its next call.
SPENT = "Resume with a larger budget"


def end_run(run: RegressionRun, kept: Kept) -> None:
    """Judge a run of which every trial has ended, once."""
    found = sampled(run, kept)
    if not any(one.is_compared(side) for one in found for side in range(1, len(kept.sides))):
        _fail_run(run)
        return
    rows = _judged(run, kept, found)
    environment = _environment(run, kept)
    with transaction.atomic():
        held = _held(run)
        if held is None or held.trials.filter(state__in=UNFINISHED).exists():
            return
        run.project.verdicts.bulk_create(_verdicts(run, rows))
        if not kept.sides[BASELINE].is_record:
            record_baselines(run.suite, _baselines(found))
        held.result = next(
            one for one in WORST_FIRST if one in {row.judgement.result for row in rows}
        )
        held.state, held.ended_at = RunState.DONE, timezone.now()
        held.environment = held.environment | environment
        held.save(update_fields=["result", "state", "ended_at", "environment"])
        if held.schedule_id is None or held.result != RunResult.PASS:
            _tell_owner(held, f"{RunResult(held.result).label}: {held.name}")


def _fail_run(run: RegressionRun) -> None:
    """End a run of which no case could be tried: that is no verdict on anybody."""
    first = run.trials.exclude(reason="").order_by("pk").values_list("reason", flat=True).first()
    with transaction.atomic():
        held = _held(run)
        if held is None:
            return
        held.state, held.ended_at = RunState.FAILED, timezone.now()
        held.reason = f"No case could be tried. The first: {first}"[:LONGEST_REASON]
        held.save(update_fields=["state", "reason", "ended_at"])
        _tell_owner(held, f"Failed: {held.name}. {held.reason}")


def hold_run(run: RegressionRun, reason: str) -> None:
    """Have nothing further started until somebody resumes the run; tell its owner why."""
    with transaction.atomic():
        held = _held(run)
        if held is None:
            return
        by = "budget" if SPENT in reason else "provider"
        held.environment = held.environment | {"paused_by": by}
        held.state, held.reason = RunState.PAUSED, reason[:LONGEST_REASON]
        held.save(update_fields=["state", "reason", "environment"])
        _tell_owner(held, f"Paused: {held.name}. {reason}")


def _tell_owner(run: RegressionRun, text: str) -> None:
    """Tell whose run it is, if they may see it; nobody is told of a key's run."""
    if run.owner is None:
        return
    matter = Matter(text=text, link=PAGE, ids=(str(run.pk),))
    tell_of(run.owner, run.project, kind=InboxKind.RUN, actor=SYSTEM, matter=matter)


def _held(run: RegressionRun) -> RegressionRun | None:
    """Return the run, locked, while it is under way."""
    rows = run.project.regression_runs.select_for_update(of=("self",)).select_related("owner")
    held: RegressionRun | None = rows.filter(pk=run.pk, state=RunState.RUNNING).first()
    if held is not None:
        held.project, held.suite = run.project, run.suite
    return held


def _judged(run: RegressionRun, kept: Kept, found: Sequence[SampledCase]) -> list[Any]:
    known = known_baselines(run.suite)
    measured: dict[str, Mapping[str, list[Paired]]] = {
        side.name: {metric: paired(found, at, metric, known) for metric in METRICS}
        for at, side in enumerate(kept.sides)
        if at != BASELINE
    }
    compare = verdict_door.comparing_candidates()
    rows: list[Any] = compare(
        watching.at_the_end(kept.settings.judged_by(), kept),
        measured,
        pinned_by=kept.settings.pinned_by,
        decided=watching.decide(found, kept) if kept.settings.sequential else {},
        seed=kept.settings.seed,
    )
    return rows


def _verdicts(run: RegressionRun, rows: Sequence[Any]) -> list[Verdict]:
    return [
        Verdict(
            project_id=run.project_id,
            run=run,
            side=at,
            candidate=row.candidate,
            result=row.judgement.result,
            judgement=row.judgement.as_json(),
            is_on_front=row.is_on_front,
        )
        for at, row in enumerate(rows, start=1)
    ]


def _baselines(found: Sequence[SampledCase]) -> dict[UUID, tuple[int, int]]:
    """Return passes and samples of the baseline, of cases where they are known."""
    told = {}
    for one in found:
        known = [value for value in one.values(BASELINE, "success") if value is not None]
        if known:
            told[one.case] = (sum(value >= 1 for value in known), len(known))
    return told


def _environment(run: RegressionRun, kept: Kept) -> dict[str, Json]:
    """Return what the result rests on."""
    models = [_models(run, at) for at in range(len(kept.sides))]
    return {
        "versions": {"python": platform.python_version()}
        | {name: found for name in LIBRARIES if (found := _version(name))},
        "mode": kept.settings.mode,
        "seed": kept.settings.seed,
        "clusters": kept.clusters or None,
        "suite": {"id": str(run.suite_id), "name": run.suite.name, "version": run.suite_version},
        "sides": [
            side_json(side) | {"models": told, "is_mixed": _is_mixed(told)}
            for side, told in zip(kept.sides, models, strict=True)
        ],
        "plan_hash": kept.plan_hash,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _models(run: RegressionRun, side: int) -> list[Json]:
    """Return which models were asked on a side, which answered, and how many calls that were."""
    made = run.trials.filter(side=side, replay__isnull=False).values("replay__session_id")
    rows = run.project.events.filter(session_id__in=made, kind="llm", is_counted=True).order_by()
    found = rows.values_list("model", "model_returned").annotate(Count("id"))
    return [
        {"asked": asked, "returned": returned, "calls": calls}
        for asked, returned, calls in sorted(found, key=lambda one: -one[2])
    ]


def _is_mixed(models: Sequence[Json]) -> bool:
    """Tell whether one model was asked and several answered: then the side is not one thing."""
    answered: dict[str, set[str]] = {}
    for one in models:
        if one["returned"]:
            answered.setdefault(one["asked"] or "", set()).add(one["returned"])
    return any(len(names) > 1 for names in answered.values())
