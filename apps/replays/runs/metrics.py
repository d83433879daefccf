"""What is measured of each trial, and how gates hold it unless they say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apps.replays.verdict_shapes import Scale

SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a trial."""

    says: str
    scale: Scale = Scale.NUMBER
    higher_is_better: bool = True
    # By how much a candidate may be worse: points, units, or a share of the baseline.
    margin: float = 0.03
    unit: str = ""


METRICS: Mapping[str, Metric] = {
    SUCCESS: Metric("what is expected of the case holds", Scale.RATE),
    "fidelity": Metric("how true all steps are to the record"),
    "decisions": Metric("decisions that call the same tools with the same arguments"),
    "similarity": Metric("how alike the final answer and the recorded one are"),
    "coverage": Metric("calls that the record answered"),
    "latency_ms": Metric("how long models took", Scale.RATIO, False, 0.1, "ms"),
    "cost": Metric("what models cost", Scale.RATIO, False, 0.1, "US dollars"),
    "tokens": Metric("tokens of questions and answers", Scale.RATIO, False, 0.1),
    "errors": Metric("a call of a model failed", Scale.RATE, False),
    "steps": Metric("steps of the session", Scale.NUMBER, False, 1.0),
}
