"""What the verdict is worth: false alarms where nothing changed, and harm that it finds.

    python -m tests.bench.verdicts [--runs 400] [--seed 1] [--json]

Sessions are drawn from the success shares of the 50 airline tasks of tau-bench, four trials each
of gpt-4o with tool calling (sierra-research/tau-bench, historical_trajectories, MIT): 14 tasks
never succeed, 10 always do, the others at times. A drop of d points multiplies every share so
that their mean falls by d points.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from apps.replays.statistics_paired import mcnemar, sign_flip
from apps.replays.statistics_sequential import Watch
from apps.replays.verdict import judge
from apps.replays.verdict_shapes import Gate, Paired, Scale

# Share of successes: number of tasks.
SHARES = {0.0: 14, 0.25: 12, 0.5: 10, 0.75: 4, 1.0: 10}
TASKS = np.repeat(list(SHARES), list(SHARES.values()))
ALPHA, MARGIN = 0.05, 0.03
SIZES = (50, 100, 200, 400)
DROPS = (0.0, 0.05, 0.10)


@dataclass(frozen=True)
class Drawn:
    """One simulated run: passes of each session, k columns a side."""

    baseline: np.ndarray
    candidate: np.ndarray

    def first(self, baseline: int, candidate: int) -> Drawn:
        return Drawn(self.baseline[:, :baseline], self.candidate[:, :candidate])

    @property
    def differences(self) -> np.ndarray:
        return self.candidate.mean(axis=1) - self.baseline.mean(axis=1)


def draw(rng: np.random.Generator, sessions: int, drop: float, repeats: int = 4) -> Drawn:
    shares = rng.choice(TASKS, size=sessions)
    worse = shares * (1 - drop / TASKS.mean())
    size = (sessions, repeats)
    return Drawn(rng.random(size) < shares[:, None], rng.random(size) < worse[:, None])


def is_red(drawn: Drawn, rng: np.random.Generator) -> bool:
    """Tell whether the test of harm is significant."""
    gains = drawn.differences
    if drawn.baseline.shape[1] == drawn.candidate.shape[1] == 1:
        return mcnemar(int((gains > 0).sum()), int((gains < 0).sum())) < ALPHA
    return sign_flip(gains, rng) < ALPHA


def verdict(drawn: Drawn, seed: int) -> str:
    pairs = [
        Paired(str(at), row.tolist(), other.tolist())
        for at, (row, other) in enumerate(
            zip(drawn.baseline.astype(float), drawn.candidate.astype(float), strict=True)
        )
    ]
    gate = Gate("success", margin=MARGIN, alpha=ALPHA)
    return str(judge([gate], {"success": pairs}, seed=seed).result)


def power(runs: int, sessions: int, drop: float, seed: int) -> dict[str, float]:
    """Return the share of red runs by test, and of verdicts by result."""
    rng = np.random.default_rng([seed, sessions, round(drop * 1000)])
    red: Counter[str] = Counter()
    for run in range(runs):
        drawn = draw(rng, sessions, drop)
        red["naive"] += bool((drawn.first(1, 1).differences < 0).any())
        red["1x1"] += is_red(drawn.first(1, 1), rng)
        red["1v4"] += is_red(drawn.first(1, 4), rng)
        red["4x4"] += is_red(drawn, rng)
        red[verdict(drawn, run)] += 1
    return {name: count / runs for name, count in red.items()}


def sequential(runs: int, drop: float, seed: int, most: int = 2000) -> dict[str, float]:
    """Return how a watch that looks after every session ends, and after how many sessions."""
    rng = np.random.default_rng([seed, round(drop * 1000), 77])
    ends: Counter[str] = Counter()
    seen = []
    for _ in range(runs):
        watch = Watch(margin=MARGIN, alpha=ALPHA)
        ends[watch.see(draw(rng, most, drop).differences.tolist()) or "open"] += 1
        seen.append(watch.seen)
    told = {name: count / runs for name, count in ends.items()}
    return told | {"median sessions": float(np.median(seen))}


def numbers_red(runs: int, sessions: int, seed: int) -> float:
    """Return the share of red verdicts on latencies of one distribution, as ratios."""
    rng = np.random.default_rng([seed, sessions, 5])
    gate = Gate("latency", scale=Scale.RATIO, margin=0.1, higher_is_better=False)
    red = 0
    for run in range(runs):
        usual = rng.normal(0, 1, size=(sessions, 1))
        sides = np.exp(usual + rng.normal(0, 0.5, size=(2, sessions, 4)))
        both = enumerate(zip(*sides, strict=True))
        pairs = [Paired(str(at), a.tolist(), b.tolist()) for at, (a, b) in both]
        red += judge([gate], {"latency": pairs}, seed=run).result == "fail"
    return red / runs


def several_gates_red(runs: int, sessions: int, seed: int) -> float:
    """Return the share of red verdicts of six gates where nothing changed."""
    rng = np.random.default_rng([seed, sessions, 6])
    gates = [Gate(f"check {at}", margin=MARGIN, alpha=ALPHA) for at in range(6)]
    red = 0
    for run in range(runs):
        measured = {}
        for gate in gates:
            drawn = draw(rng, sessions, 0.0)
            sides = zip(drawn.baseline.astype(float), drawn.candidate.astype(float), strict=True)
            measured[gate.metric] = [
                Paired(str(at), a.tolist(), b.tolist()) for at, (a, b) in enumerate(sides)
            ]
        red += judge(gates, measured, seed=run).result == "fail"
    return red / runs


def cost(sessions: int = 200) -> float:
    """Return the CPU seconds of a verdict on six gates, four samples a side."""
    rng = np.random.default_rng(3)
    gates = [Gate(f"check {at}") for at in range(3)]
    gates += [Gate(f"n {at}", scale=Scale.RATIO, margin=0.1) for at in range(3)]
    measured = {
        gate.metric: [
            Paired(
                str(at),
                *(
                    rng.random((2, 4))
                    if gate.scale == "ratio"
                    else rng.integers(0, 2, (2, 4)) * 1.0
                ).tolist(),
            )
            for at in range(sessions)
        ]
        for gate in gates
    }
    start = time.process_time()
    judge(gates, measured)
    return time.process_time() - start


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=400)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    told = measured(chosen.runs, chosen.seed)
    write = sys.stdout.write
    write(json.dumps(told, indent=1) + "\n" if chosen.json else as_text(told))


def measured(runs: int, seed: int) -> dict[str, object]:
    return {
        "power": {
            f"{sessions} sessions, drop {drop:.2f}": power(runs, sessions, drop, seed)
            for sessions in SIZES
            for drop in (*DROPS, MARGIN)
        },
        "sequential": {
            f"drop {drop:.2f}": sequential(runs, drop, seed) for drop in (*DROPS, MARGIN)
        },
        "red of ratios, null": {str(n): numbers_red(runs, n, seed) for n in (50, 200)},
        "red of six gates, null": {str(n): several_gates_red(runs, n, seed) for n in (50, 200)},
        "CPU s, 200 sessions x 4 x 6 gates": round(cost(), 3),
    }


COLUMNS = ("naive", "1x1", "1v4", "4x4", "pass", "fail", "inconclusive")


def as_text(told: dict[str, object]) -> str:
    lines = ["| | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, shares in told.pop("power").items():  # type: ignore[attr-defined]
        lines.append(f"| {name} | " + " | ".join(f"{shares.get(c, 0):.3f}" for c in COLUMNS) + " |")
    return "\n".join([*lines, json.dumps(told, indent=1), ""])


if __name__ == "__main__":
    main()
