"""What a verdict is made of, and what it says. No statistics here, so that pages can read it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

Json = Any
# Points of a pass rate by which a candidate may be worse and still pass, unless a gate says else.
MARGIN = 0.03
ALPHA = 0.05
# Between these rates a baseline is flaky, once it was tried so often.
FLAKY_ABOVE, FLAKY_BELOW, LEAST_TRIES = 0.1, 0.9, 4


def is_flaky_rate(passes: float, samples: int) -> bool:
    """Tell whether a case passes at times and fails at times, by what is known of its baseline."""
    return samples >= LEAST_TRIES and FLAKY_ABOVE < passes / samples < FLAKY_BELOW


class Result(StrEnum):
    """What a gate, or a run, came to."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Scale(StrEnum):
    """What a metric's values are, which decides how they are tested."""

    # Pass or fail, 1 or 0.
    RATE = "rate"
    # Any number; the margin is in its own unit.
    NUMBER = "number"
    # Positive numbers such as milliseconds or dollars; the margin is a share of the baseline.
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Gate:
    """What a candidate must not make worse, and by how much.

    Raises ValueError where it could never decide.
    """

    metric: str
    scale: Scale = Scale.RATE
    higher_is_better: bool = True
    margin: float = MARGIN
    alpha: float = ALPHA
    # What an inconclusive result counts as: itself, or pass or fail.
    on_inconclusive: Result = Result.INCONCLUSIVE
    # Shown, with its own p, and decides nothing.
    is_informational: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.margin < float("inf"):
            raise ValueError(f"{self.metric}: the margin must be above 0")
        if self.scale != Scale.NUMBER and self.margin >= 1:
            raise ValueError(f"{self.metric}: the margin must be below 1 (0.03 is 3 points)")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"{self.metric}: alpha must lie between 0 and 0.5")


def margin_of(gate: Gate) -> float:
    """Return the margin on the scale of gains: of ratios the distance of logarithms."""
    if gate.scale != Scale.RATIO:
        return gate.margin
    return -math.log(1 - gate.margin) if gate.higher_is_better else math.log(1 + gate.margin)


def sessions_if_alike(gate: Gate) -> float:
    """Return how many sessions pass a gate if no difference shows in any of them."""
    return math.log(gate.alpha) / math.log(1 - min(margin_of(gate), 0.5))


@dataclass(frozen=True, slots=True)
class Paired:
    """One case: what each side measured, k samples a side. None is a sample that is missing."""

    case: str
    baseline: Sequence[float | None]
    candidate: Sequence[float | None]
    # Cases of one task or user, which are not independent of each other.
    cluster: str | None = None
    is_pinned: bool = False
    # Passes and samples of earlier runs of the baseline.
    known: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What became of one gate. Differences are candidate minus baseline, in the metric's unit;
    for a ratio they are shares (0.1: a tenth more). ``lower`` and ``upper`` bound the difference
    each with an error of alpha. None is unknown.
    """

    metric: str
    result: Result
    # Before ``on_inconclusive`` was asked.
    found: Result
    says: str
    sessions: int
    missing: int
    baseline: float | None = None
    candidate: float | None = None
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    # Of harm: alone, and adjusted for the number of gates.
    p: float | None = None
    adjusted_p: float | None = None
    test: str | None = None
    better: int = 0
    worse: int = 0
    # Further sessions that would probably decide it.
    more_sessions: int | None = None
    is_informational: bool = False


@dataclass(frozen=True, slots=True)
class CaseNote:
    """What is to be told of one case by itself."""

    case: str
    says: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one candidate."""

    result: Result
    says: str
    gates: list[GateVerdict]
    # Pinned cases that did not pass every time: each fails the run.
    broken: list[CaseNote]
    # Pinned cases of which nothing is known.
    unknown: list[CaseNote]
    # Cases whose baseline passes at times: in the statistics, but not able to fail alone.
    flaky: list[CaseNote]

    def as_json(self) -> dict[str, Json]:
        return asdict(self)
