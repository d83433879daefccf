"""Several candidates against one baseline: a table of quality, latency and cost, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.replays.verdict import judge
from apps.replays.verdict_shapes import Gate, GateVerdict, Judgement, Paired, Result

# Sessions of each metric, by the name of the metric.
Measured = Mapping[str, Sequence[Paired]]


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate: its verdict, with each metric's value, difference and interval."""

    candidate: str
    judgement: Judgement
    # What no other candidate beats in every metric at once, by what was measured.
    is_on_front: bool

    def cell(self, metric: str) -> GateVerdict | None:
        return next((gate for gate in self.judgement.gates if gate.metric == metric), None)


def compare_candidates(
    gates: Sequence[Gate],
    measured: Mapping[str, Measured],
    *,
    pinned_by: str | None = None,
    decided: Mapping[str, Mapping[str, Result]] | None = None,
    seed: int = 0,
) -> list[Row]:
    """Judge each candidate by itself, in the order given; pinned cases as in ``judge``.

    ``decided`` holds by candidate and metric what looks on the way have shown.

    Gates are adjusted for their number within a candidate, not for that of candidates: each may
    be taken or left without the others. Who picks the best of many should run it once more.
    """
    told = {
        name: judge(
            gates,
            sides,
            pinned_by=pinned_by,
            decided=(decided or {}).get(name, {}),
            seed=seed,
        )
        for name, sides in measured.items()
    }
    return [
        Row(name, judgement, not any(_beats(gates, other, judgement) for other in told.values()))
        for name, judgement in told.items()
    ]


def _beats(gates: Sequence[Gate], one: Judgement, other: Judgement) -> bool:
    """Tell whether one is at least as good everywhere that both are known, and better somewhere."""
    pairs = [_gains(gate, a, b) for gate, a, b in zip(gates, one.gates, other.gates, strict=True)]
    known = [gain for gain in pairs if gain is not None]
    return bool(known) and all(gain >= 0 for gain in known) and any(gain > 0 for gain in known)


def _gains(gate: Gate, one: GateVerdict, other: GateVerdict) -> float | None:
    if one.candidate is None or other.candidate is None:
        return None
    gain = one.candidate - other.candidate
    return gain if gate.higher_is_better else -gain
