"""How runs are spoken of on pages: states, results, changes and metrics in words with signs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.core.units import UNKNOWN, duration, money, number
from apps.replays.pages_words import Word, share
from apps.replays.runs import metrics
from apps.replays.runs.metrics import Metric
from apps.replays.runs.models import RegressionRun, Result, RunState, TrialState
from apps.replays.verdict_shapes import Scale

Json = Any
LARGEST_SHARE = 99.99
MINUS = "\u2212"

RESULTS = {
    Result.PASS: Word("pass", "ok", "circle-check", "every gate passed"),
    Result.FAIL: Word("fail", "error", "octagon-x", "worse, or a pinned case did not pass"),
    Result.INCONCLUSIVE: Word(
        "inconclusive",
        "warn",
        "circle-question-mark",
        "so many sessions do not tell whether it is worse",
    ),
}
STATES = {
    RunState.RUNNING: Word("running", "running", "circle-dashed", "it is under way"),
    RunState.PAUSED: Word("paused", "warn", "pause", "nothing further is asked until it goes on"),
    RunState.CANCELLED: Word("cancelled", "unknown", "x", "somebody ended it; there is no verdict"),
    RunState.FAILED: Word("failed", "error", "octagon-x", "it could not go on"),
    RunState.DONE: Word("done", "unknown", "check", "it ended without a result"),
}
CHANGES = {
    "worse": Word("worse", "error", "octagon-x", "it passed less often than the baseline"),
    "better": Word("better", "ok", "circle-check", "it passed more often than the baseline"),
    "same": Word("same", "unknown", "check", "it passed as often as the baseline"),
    "unknown": Word("not known", "unknown", "circle-question-mark", "one side has no result"),
}
TRIALS = {
    TrialState.QUEUED: Word("waiting", "unknown", "clock", "it has not begun"),
    TrialState.STARTED: Word("running", "running", "circle-dashed", "it is under way"),
    TrialState.DONE: Word("done", "unknown", "check", "it ended"),
    TrialState.FAILED: Word("error", "error", "triangle-alert", "no answer came"),
    TrialState.SKIPPED: Word("skipped", "unknown", "x", "it was not tried"),
}


def word_of(run: RegressionRun) -> Word:
    """Return how a run stands in one word: its result where it has one, else its state."""
    if run.state == RunState.DONE and run.result:
        return RESULTS[Result(run.result)]
    return STATES[RunState(run.state)]


def result_word(result: str) -> Word:
    return RESULTS[Result(result)]


@dataclass(frozen=True, slots=True)
class ShownMetric:
    """A number that trials have, as pages write it."""

    name: str
    title: str
    metric: Metric

    @property
    def is_amount(self) -> bool:
        """Whether it is counted, and no part of one."""
        return bool(self.metric.unit) or self.name in ("tokens", "steps")

    @property
    def factor(self) -> int:
        """By what a margin is written larger: 0.03 is 3 points, or percent."""
        is_counted = self.is_amount and self.metric.scale == Scale.NUMBER
        return 1 if is_counted else 100

    def value(self, value: float | None) -> str:
        """Write one side in the metric's own unit."""
        if value is None or not math.isfinite(value):
            return UNKNOWN
        if self.name == "latency_ms":
            return duration(value)
        if self.name == "cost":
            return money(Decimal(f"{value:.10f}"))
        if self.is_amount:
            return number(round(value)) if value >= LARGEST_SHARE else f"{value:.4g}"
        return share(value)


METRICS = {
    name: ShownMetric(name, "Latency" if name == "latency_ms" else name.capitalize(), metric)
    for name, metric in metrics.METRICS.items()
}


def metric_title(name: str) -> str:
    """Return what a metric is called; one that is none of ours as it is named."""
    return METRICS[name].title if name in METRICS else name


def percent_more(before: float | None, now: float | None) -> str:
    """Write by how much an amount became more or less."""
    if before is None or now is None or before <= 0:
        return UNKNOWN
    told = f"{(now / before - 1) * 100:+.0f}".replace("-", MINUS)
    return "\u00b10 %" if told in ("+0", f"{MINUS}0") else f"{told} %"
