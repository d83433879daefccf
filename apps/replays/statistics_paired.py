"""Tests and intervals for paired sessions: what changed, and how sure one can be.

Differences are per session, candidate minus baseline, turned so that more is better. Every test
is one-sided: how likely is so much harm where there is none. All of it is deterministic: where
something is drawn, it is drawn from the seed.

McNemar 1947 (exact form); sign-flip permutation of paired differences, Fisher 1935; signed
ranks, Wilcoxon 1945 with Pratt's zeros; BCa bootstrap, Efron 1987, as scipy.stats.bootstrap has
it; Holm 1979.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Numbers = npt.NDArray[np.float64]

RESAMPLES = 10_000
# Of one batch of resamples in memory: 8 bytes each.
BATCH_VALUES = 2_000_000
# Pass rates are multiples of one over a small number; their sums are counted exactly up to here.
LARGEST_STEPS = 60
MOST_STATES = 200_000


def mcnemar(better: int, worse: int) -> float:
    """Return the one-sided exact p of so many sessions that got worse, of those that changed."""
    changed = better + worse
    ways = sum(math.comb(changed, at) for at in range(worse, changed + 1))
    return float(ways / 2**changed)


def sign_flip(differences: Numbers, rng: np.random.Generator) -> float:
    """Return the one-sided p of so low a sum, were each difference as likely to be the other way.

    Exact where differences are multiples of one small fraction, as those of pass rates are.
    """
    moved = differences[differences != 0]
    if not moved.size:
        return 1.0
    steps = _steps(moved)
    return _drawn(moved, rng) if steps is None else _counted(steps)


def _steps(differences: Numbers) -> list[int] | None:
    """Return differences as whole numbers of one fraction, where there is one."""
    for parts in range(1, LARGEST_STEPS + 1):
        scaled = differences * parts
        if np.allclose(scaled, np.round(scaled), rtol=0, atol=1e-9):
            steps = [int(step) for step in np.round(scaled)]
            return steps if sum(map(abs, steps)) * len(steps) <= MOST_STATES * 100 else None
    return None


def _counted(steps: Sequence[int]) -> float:
    """Count all ways to choose the signs, by the sum that they come to."""
    reach = sum(map(abs, steps))
    chances = np.zeros(2 * reach + 1)
    chances[reach] = 1.0
    for step in map(abs, steps):
        # Nothing has reached an end of the array yet that would come back at the other.
        chances = (np.roll(chances, step) + np.roll(chances, -step)) / 2
    return float(min(1.0, chances[: reach + sum(steps) + 1].sum()))


def _drawn(differences: Numbers, rng: np.random.Generator) -> float:
    least = differences.sum() + 1e-12 * np.abs(differences).sum()
    count, batch = 0, max(1, BATCH_VALUES // differences.size)
    for start in range(0, RESAMPLES, batch):
        size = min(batch, RESAMPLES - start)
        signs = rng.integers(0, 2, size=(size, differences.size), dtype=np.int8) * 2 - 1
        count += int((signs @ differences <= least).sum())
    return (count + 1) / (RESAMPLES + 1)


def signed_ranks(differences: Numbers) -> float:
    """Return Wilcoxon's one-sided p that differences lie below 0."""
    if not np.any(differences):
        return 1.0
    return float(stats.wilcoxon(differences, alternative="less", zero_method="pratt").pvalue)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds that hold with the confidence asked for, each on its own side."""

    mean: float
    lower: float
    upper: float


def bootstrap_intervals(
    sums: Numbers, counts: Numbers, levels: Sequence[float], rng: np.random.Generator
) -> list[Interval]:
    """Return a BCa interval of the mean difference for each one-sided error ``levels`` names.

    What is drawn is the cluster: ``sums`` of the differences of its sessions and their ``counts``.
    """
    mean = float(sums.sum() / counts.sum())
    if np.ptp(sums / counts) == 0:
        return [Interval(mean, mean, mean) for _ in levels]
    found: list[Interval] = []
    drawn = None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Where the correction cannot be computed it says so by NaN, which is asked for below.
        warnings.simplefilter("ignore")
        for level in levels:
            drawn = stats.bootstrap(
                (sums, counts),
                _ratio,
                paired=True,
                vectorized=True,
                n_resamples=RESAMPLES if drawn is None else 0,
                batch=max(1, BATCH_VALUES // sums.size),
                confidence_level=1 - 2 * level,
                method="BCa",
                bootstrap_result=drawn,
                rng=rng,
            )
            found.append(_bounds(mean, drawn, level))
    return found


def _ratio(sums: Numbers, counts: Numbers, axis: int = -1) -> Numbers:
    ratio: Numbers = sums.sum(axis=axis) / counts.sum(axis=axis)
    return ratio


def _bounds(mean: float, drawn: Any, level: float) -> Interval:
    lower, upper = drawn.confidence_interval
    if not (math.isfinite(lower) and math.isfinite(upper)):
        lower, upper = np.quantile(drawn.bootstrap_distribution, [level, 1 - level])
    return Interval(mean, float(lower), float(upper))


def unseen(sessions: int, level: float) -> float:
    """Return the largest share of something that none of so many sessions showed.

    The exact bound of a binomial with no hit; with 5 % it is about three over their number.
    """
    return float(1 - level ** (1 / sessions)) if sessions else 1.0


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order in which they came."""
    order = sorted(range(len(chances)), key=lambda at: chances[at])
    adjusted = [0.0] * len(chances)
    most = 0.0
    for rank, at in enumerate(order):
        most = max(most, min(1.0, (len(chances) - rank) * chances[at]))
        adjusted[at] = most
    return adjusted
