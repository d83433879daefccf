"""One gate: from differences to pass, fail or inconclusive, and what would decide it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from apps.replays.statistics_paired import (
    Interval,
    bootstrap_intervals,
    mcnemar,
    sign_flip,
    signed_ranks,
    unseen,
)
from apps.replays.verdict_samples import Difference, clustered
from apps.replays.verdict_shapes import Gate, Result, Scale, margin_of, sessions_if_alike

# Fewer say nothing about a mean.
LEAST_SESSIONS = 2
# Of numbers without bounds a few sessions alike say nothing about the next.
LEAST_OF_NUMBERS = 10
# With fewer clusters there is nothing to draw from.
LEAST_CLUSTERS = 5
# How likely the further sessions that are asked for are to decide.
POWER = 0.8
MOST_SESSIONS = 1_000_000
MCNEMAR, FLIPS, RANKS = "exact McNemar", "sign-flip permutation", "Wilcoxon signed ranks"


@dataclass(frozen=True, slots=True)
class Tested:
    """The evidence on one gate: the gain with its bounds, and the p of harm."""

    gate: Gate
    found: Sequence[Difference]
    test: str
    p: float
    # With an error of alpha, and of alpha over the number of gates.
    interval: Interval
    wide: Interval

    @property
    def margin(self) -> float:
        return margin_of(self.gate)

    @property
    def is_safe(self) -> bool:
        return self.interval.lower > -self.margin

    @property
    def is_beyond(self) -> bool:
        """Whether it is worse by more than the margin, with all gates counted."""
        return self.wide.upper < -self.margin


def too_little(gate: Gate, found: Sequence[Difference]) -> str | None:
    """Say why nothing can be concluded, where there is too little to test."""
    clusters = {one.cluster for one in found}
    least = LEAST_SESSIONS if gate.scale == Scale.RATE else LEAST_OF_NUMBERS
    if len(found) < least:
        return f"{_sessions(len(found))} with both sides known; {least} are the least."
    if len(clusters) < min(LEAST_CLUSTERS, len(found)):
        return (
            f"All sessions are of {len(clusters)} tasks or users; {LEAST_CLUSTERS} are the least."
        )
    return None


def _sessions(count: int) -> str:
    return f"{count} session" if count == 1 else f"{count} sessions"


def tested(gate: Gate, found: Sequence[Difference], *, gates: int, seed: int) -> Tested:
    """Return the evidence on a gate that has enough sessions."""
    rng = np.random.default_rng([seed, *hashlib.sha256(gate.metric.encode()).digest()[:8]])
    sums, counts = clustered(found)
    test = _test_for(gate, found, is_clustered=len(sums) < len(found))
    p = _chance(test, found, sums, rng)
    levels = [gate.alpha, gate.alpha / max(1, gates)]
    interval, wide = bootstrap_intervals(sums, counts, levels, rng)
    if gate.scale == Scale.RATE:
        interval = _with_unseen(interval, found, levels[0])
        wide = _with_unseen(wide, found, levels[1])
    return Tested(gate, found, test, p, interval, wide)


def _test_for(gate: Gate, found: Sequence[Difference], *, is_clustered: bool) -> str:
    if gate.scale != Scale.RATE:
        return FLIPS if is_clustered else RANKS
    is_binary = all(one.is_single and one.gain in (-1, 0, 1) for one in found)
    return MCNEMAR if is_binary and not is_clustered else FLIPS


def _chance(
    test: str,
    found: Sequence[Difference],
    sums: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    rng: np.random.Generator,
) -> float:
    gains = np.array([one.gain for one in found])
    if test == MCNEMAR:
        return mcnemar(int((gains > 0).sum()), int((gains < 0).sum()))
    return signed_ranks(gains) if test == RANKS else sign_flip(sums, rng)


def _with_unseen(interval: Interval, found: Sequence[Difference], level: float) -> Interval:
    """Widen an interval by what so few sessions may not have shown.

    Drawing again from sessions of which none got worse never finds one that did.
    """
    clusters = len({one.cluster for one in found})
    most = unseen(clusters, level)
    lower, upper = interval.lower, interval.upper
    if all(one.gain >= 0 for one in found):
        lower = min(lower, interval.mean - most)
    if all(one.gain <= 0 for one in found):
        upper = max(upper, interval.mean + most)
    return Interval(interval.mean, max(-1.0, lower), min(1.0, upper))


def result_of(evidence: Tested, adjusted_p: float) -> Result:
    """Pass where harm beyond the margin is ruled out, fail where harm is shown, else neither."""
    if evidence.is_safe:
        return Result.PASS
    if evidence.is_beyond or adjusted_p < evidence.gate.alpha:
        return Result.FAIL
    return Result.INCONCLUSIVE


def more_sessions(evidence: Tested) -> int:
    """Return how many further sessions would decide, four times of five.

    The spread is taken to stay as it is. A candidate that did no worse so far is taken to be as
    good as the baseline, because its lead may be luck; one that did worse is taken at its word,
    towards passing or towards failing, whichever is nearer.
    """
    sums, counts = clustered(evidence.found)
    per_session = float(counts.mean())
    gate, mean, margin = evidence.gate, evidence.interval.mean, evidence.margin
    spread = float(np.std(sums / counts.mean(), ddof=1)) if sums.size > 1 else 0.0
    if spread == 0.0:
        needed = sessions_if_alike(gate)
    else:
        sure = NormalDist().inv_cdf(1 - gate.alpha) + NormalDist().inv_cdf(POWER)
        shown = max(-mean, 0.0), min(mean, 0.0) + margin
        needed = (sure * spread / max(*shown, margin / 10)) ** 2
    further = math.ceil(needed * per_session) - len(evidence.found)
    return min(max(further, _least_step(len(evidence.found))), MOST_SESSIONS)


def _least_step(sessions: int) -> int:
    """It was not decided with those that there are, so that a handful will not decide it."""
    return max(5, sessions // 10)
