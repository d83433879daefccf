"""The interval of a gate drawn against its margin: the server makes the picture.

It is drawn as a gain, so that worse lies at the left whatever the metric is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from apps.replays.runs.report_shapes import GateReport

WIDTH, HEIGHT = 320, 36
# Of the widest reach, what stays empty at both ends.
ROOM = 1.15
# Margins that are shown on either side at least.
LEAST = 1.6


@dataclass(frozen=True, slots=True)
class Interval:
    """Places along the picture, from 0 to ``width``."""

    lower: float
    upper: float
    mean: float
    zero: float
    margin: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def length(self) -> float:
        return round(max(self.upper - self.lower, 1.0), 2)


def interval_of(gate: GateReport) -> Interval | None:
    """Return where the bounds lie; None where there are none."""
    told, margin = gate.verdict, gate.margin
    ends = [told.get(name) for name in ("lower", "upper", "difference")]
    if margin is None or any(one is None or not math.isfinite(one) for one in ends):
        return None
    lower, upper, mean = (float(one) for one in ends if one is not None)
    if gate.lower_is_better:
        lower, upper, mean = -upper, -lower, -mean
    reach = max(abs(lower), abs(upper), margin * LEAST) * ROOM
    places = [_place(one, reach) for one in (lower, upper, mean, 0.0, -margin)]
    return Interval(places[0], places[1], places[2], places[3], places[4])


def _place(value: float, reach: float) -> float:
    return round((value + reach) / (2 * reach) * WIDTH, 2)
