"""From samples to differences: what of a metric can be compared, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.replays.statistics_paired import Numbers
from apps.replays.verdict_shapes import Gate, Paired, Scale, is_flaky_rate

# Beyond it a number is no measurement, and sums of it are none either.
LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Difference:
    """One session with both sides known; ``gain`` is above 0 where the candidate is better."""

    case: str
    cluster: str
    baseline: float
    candidate: float
    gain: float
    # One sample a side, so that it either passed or failed.
    is_single: bool
    is_flaky: bool


def differences(gate: Gate, pairs: Sequence[Paired]) -> tuple[list[Difference], int]:
    """Return what can be compared, in the order given, and how many sessions cannot."""
    found = [one for pair in pairs for one in [_difference(gate, pair)] if one is not None]
    return found, len(pairs) - len(found)


def _difference(gate: Gate, pair: Paired) -> Difference | None:
    sides = [_known(gate, samples) for samples in (pair.baseline, pair.candidate)]
    if not all(sides):
        return None
    baseline, candidate = (math.fsum(side) / len(side) for side in sides)
    gain = candidate - baseline if gate.higher_is_better else baseline - candidate
    return Difference(
        case=pair.case,
        # Not to be confused with a cluster of that name.
        cluster=f"c {pair.cluster}" if pair.cluster is not None else f"s {pair.case}",
        baseline=baseline,
        candidate=candidate,
        gain=gain,
        is_single=len(sides[0]) == len(sides[1]) == 1,
        is_flaky=gate.scale == Scale.RATE and is_flaky(pair),
    )


def _known(gate: Gate, samples: Sequence[float | None]) -> list[float]:
    """Return the samples that say something; of ratios their logarithms."""
    numbers = [float(one) for one in samples if one is not None and abs(one) <= LARGEST]
    if gate.scale == Scale.RATIO:
        return [math.log(one) for one in numbers if one > 0]
    if gate.scale == Scale.RATE:
        return [one for one in numbers if 0 <= one <= 1]
    return numbers


def tries(pair: Paired) -> tuple[float, int]:
    """Return passes and samples of the baseline, earlier runs among them."""
    now = [one for one in pair.baseline if one is not None and math.isfinite(one)]
    return pair.known[0] + math.fsum(now), pair.known[1] + len(now)


def is_flaky(pair: Paired) -> bool:
    return is_flaky_rate(*tries(pair))


def clustered(found: Sequence[Difference]) -> tuple[Numbers, Numbers]:
    """Return the sum of gains and the number of sessions of each cluster."""
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for one in found:
        sums[one.cluster] = sums.get(one.cluster, 0.0) + one.gain
        counts[one.cluster] = counts.get(one.cluster, 0) + 1
    return np.array(list(sums.values())), np.array(list(counts.values()), dtype=np.float64)
