"""Whether a run could decide anything at all, said before it costs money."""

from __future__ import annotations

import math
from collections.abc import Iterator

from apps.replays.runs.settings import RunSettings
from apps.replays.verdict_shapes import Gate, Scale, sessions_if_alike

MOST_POINTS = 0.5
LEAST_OF_NUMBERS = 10


def hints_of(settings: RunSettings, count: int) -> list[str]:
    """Return what somebody should know who runs so many cases."""
    gates = [gate for gate in settings.judged_by() if not gate.is_informational]
    return [hint for gate in gates for hint in _of_gate(gate, count)] + list(_of_sides(settings))


def _of_gate(gate: Gate, count: int) -> Iterator[str]:
    if gate.scale == Scale.RATE:
        needed = math.ceil(sessions_if_alike(gate))
        if count < needed:
            yield (
                f"{gate.metric}: with {count} sessions a margin of {gate.margin:.1%} cannot pass, "
                f"even where nothing differs: that takes {needed}. "
                f"{_margin(gate, count)}It can still fail."
            )
    elif count < LEAST_OF_NUMBERS:
        yield f"{gate.metric}: {LEAST_OF_NUMBERS} sessions are the least; these are {count}."


def _margin(gate: Gate, count: int) -> str:
    """Return the margin that so many sessions could hold, if any."""
    margin = 1 - gate.alpha ** (1 / count) if count else 1.0
    if margin >= MOST_POINTS:
        return ""
    return f"A margin of {math.ceil(margin * 1000) / 1000:.1%} could. "


def _of_sides(settings: RunSettings) -> Iterator[str]:
    if settings.baseline.recorded and settings.repeats > 1:
        yield (
            "The baseline is one recorded sample: asked again, too, harm is found more often. "
            "Leave out baseline.recorded if the budget allows."
        )
