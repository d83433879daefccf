"""Stopping a run as soon as it is decided, validly.

Cases are looked at in the order that was drawn at the start, and only as far as every one of them
has ended on all sides: what ends sooner says something of how it ended. Half of alpha is kept for
looks on the way (by betting, see ``statistics_sequential``), half for the verdict at the end, so
that both together err no oftener than was promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, takewhile
from statistics import fmean
from typing import Any

from apps.replays.runs.models import BASELINE, UNFINISHED, RegressionRun, RunState, TrialState
from apps.replays.runs.samples import DECIDED, SampledCase, sampled
from apps.replays.runs.sides import Kept
from apps.replays.statistics_sequential import Watch
from apps.replays.verdict_shapes import Gate, Result, Scale

Json = Any
# What was decided of each candidate, by the name of the metric.
Decided = dict[str, dict[str, Result]]

# So many cases end between two looks.
BATCH = 10
# Of alpha, for looks on the way; the rest is the verdict's.
SHARE = 0.5
# Metrics that lie between 0 and 1, whatever the gate calls them.
BOUNDED = frozenset({"success", "errors", "fidelity", "decisions", "similarity", "coverage"})


def at_the_start(kept: Kept) -> Json:
    """Return what a run is to remember of its looks; None where nobody looks."""
    if not kept.settings.sequential:
        return None
    trials = sum(1 if side.is_record else kept.settings.repeats for side in kept.sides)
    return {"trials_per_case": trials, "looked": 0, "decided": {}}


def look(run: RegressionRun, kept: Callable[[], Kept]) -> None:
    """Leave out the trials that are left, if the run is decided; looks now and then."""
    told = run.environment.get("sequential")
    if told is None:
        return
    ended = run.trials.exclude(state__in=UNFINISHED).count()
    looked = ended // (BATCH * told["trials_per_case"])
    if looked <= told["looked"]:
        return
    decided = decide(sampled(run, kept()), kept())
    run.environment["sequential"] = told | {"looked": looked, "decided": decided}
    rows = run.project.regression_runs.filter(pk=run.pk, state=RunState.RUNNING)
    rows.update(environment=run.environment)
    if is_decided(decided, kept()):
        waiting = run.trials.filter(state=TrialState.QUEUED)
        waiting.update(state=TrialState.SKIPPED, reason=DECIDED)


def decide(found: Sequence[SampledCase], kept: Kept) -> Decided:
    """Return what the looks decide of each candidate and gate."""
    gates = _deciding(kept)
    return {
        side.name: {
            gate.metric: Result(result)
            for gate in gates
            if (result := _watched(gate, found, at, len(gates)))
        }
        for at, side in enumerate(kept.sides)
        if at != BASELINE
    }


def is_decided(decided: Decided, kept: Kept) -> bool:
    """Tell whether no further trial could change what any candidate comes to."""
    count = len(_deciding(kept))
    return all(
        Result.FAIL in told.values() or len(told) == count for told in decided.values()
    ) and bool(count)


def at_the_end(gates: Sequence[Gate], kept: Kept) -> list[Gate]:
    """Return gates as the verdict holds them after looks: with the rest of alpha."""
    if not kept.settings.sequential:
        return list(gates)
    return [replace(gate, alpha=gate.alpha * (1 - SHARE)) for gate in gates]


def _deciding(kept: Kept) -> list[Gate]:
    return [gate for gate in kept.settings.judged_by() if not gate.is_informational]


def _watched(gate: Gate, found: Sequence[SampledCase], side: int, gates: int) -> str | None:
    is_bounded = gate.metric in BOUNDED and gate.scale != Scale.RATIO and gate.margin < 1
    if not is_bounded:
        return None
    watch = Watch(margin=gate.margin, alpha=gate.alpha * SHARE / gates)
    return watch.see(_differences(gate, found, side))


def _differences(gate: Gate, found: Sequence[SampledCase], side: int) -> Iterator[float]:
    """Yield gains as far as all has ended; cases of one task or user are one difference."""
    sign = 1 if gate.higher_is_better else -1
    groups = [list(group) for _, group in groupby(found, lambda one: one.cluster or one.case)]
    for group in takewhile(lambda group: _is_finished(group, side), groups):
        gains = [gain for one in group if (gain := _gain(one, side, gate.metric)) is not None]
        if gains:
            yield sign * fmean(gains)


def _is_finished(group: Sequence[SampledCase], side: int) -> bool:
    return all(one.is_finished(side) for one in group)


def _gain(one: SampledCase, side: int, metric: str) -> float | None:
    sides = [
        [value for value in one.values(at, metric) if value is not None and 0 <= value <= 1]
        for at in (BASELINE, side)
    ]
    return fmean(sides[1]) - fmean(sides[0]) if all(sides) else None
