"""The verdict on a candidate: paired statistics over sessions, gate by gate.

Non-inferiority: a gate passes where the lower bound of the difference lies above minus the
margin, fails where harm is shown (by the interval beyond the margin, or by the test, adjusted
after Holm for the number of gates), and is else inconclusive, with how many more sessions would
decide it. Never "any case got worse": two runs of one version differ in a third of their cases.

Same input, same seed, same verdict. No input raises: what cannot be tested is inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.replays.statistics_paired import holm
from apps.replays.verdict_gates import (
    LEAST_OF_NUMBERS,
    Tested,
    more_sessions,
    result_of,
    tested,
    too_little,
)
from apps.replays.verdict_samples import Difference, differences, is_flaky, tries
from apps.replays.verdict_shapes import (
    CaseNote,
    Gate,
    GateVerdict,
    Judgement,
    Paired,
    Result,
    Scale,
    sessions_if_alike,
)

# Beyond this share without a result, those that are left may not stand for all.
MOST_MISSING = 0.2


def judge(
    gates: Sequence[Gate],
    measured: Mapping[str, Sequence[Paired]],
    *,
    pinned_by: str | None = None,
    decided: Mapping[str, Result] | None = None,
    seed: int = 0,
) -> Judgement:
    """Return the verdict on one candidate.

    ``measured`` holds the sessions of each metric. Pinned cases are held to the metric
    ``pinned_by``, by default that of the first gate on a rate. ``decided`` is what looks on the
    way have shown (``statistics_sequential``), by metric, and stays so.
    """
    told = [_as_decided(one, decided or {}) for one in _gates(gates, measured, seed)]
    rates = [gate.metric for gate in gates if gate.scale == Scale.RATE]
    hard = pinned_by or (rates[0] if rates else "")
    cases = measured.get(hard, ())
    broken, unknown = _pinned(cases)
    flaky = [_flaky_note(pair) for pair in cases if is_flaky(pair)]
    result, says = _overall(told, broken, unknown)
    return Judgement(result, says, told, broken, unknown, flaky)


def _as_decided(told: GateVerdict, decided: Mapping[str, Result]) -> GateVerdict:
    result = decided.get(told.metric)
    if result is None or result == told.found:
        return told
    shown = "Worse" if result == Result.FAIL else "No worse than the margin allows"
    says = f"{shown}: it was decided on the way, by a test that may look after every session."
    return replace(told, result=result, found=result, says=says, more_sessions=None)


def _gates(
    gates: Sequence[Gate], measured: Mapping[str, Sequence[Paired]], seed: int
) -> list[GateVerdict]:
    deciding = sum(not gate.is_informational for gate in gates)
    sampled = [differences(gate, measured.get(gate.metric, ())) for gate in gates]
    evidence: dict[int, Tested] = {}
    for at, (gate, (found, missing)) in enumerate(zip(gates, sampled, strict=True)):
        if _untestable(gate, found, missing) is None:
            number = 1 if gate.is_informational else deciding
            evidence[at] = tested(gate, found, gates=number, seed=seed)
    adjusted = _adjusted(evidence, deciding)
    return [
        _told(gate, evidence[at], sampled[at], adjusted[at], seed)
        if at in evidence
        else _reasoned(gate, *sampled[at])
        for at, gate in enumerate(gates)
    ]


def _adjusted(evidence: Mapping[int, Tested], deciding: int) -> dict[int, float]:
    """Return p-values after Holm; a gate that could not be tested counts as one, too."""
    decide = [at for at, one in evidence.items() if not one.gate.is_informational]
    spare = [1.0] * (deciding - len(decide))
    adjusted = holm([evidence[at].p for at in decide] + spare)
    told = dict(zip(decide, adjusted, strict=False))
    return {at: told.get(at, one.p) for at, one in evidence.items()}


def _untestable(gate: Gate, found: Sequence[Difference], missing: int) -> str | None:
    everything = len(found) + missing
    if not everything:
        return "No session has this metric."
    if missing > MOST_MISSING * everything:
        return (
            f"{missing} of {everything} sessions have no result on one side or the other; "
            "those that are left may not stand for all."
        )
    return too_little(gate, found)


def _reasoned(gate: Gate, found: Sequence[Difference], missing: int) -> GateVerdict:
    """Return why a gate says nothing."""
    least = math.ceil(sessions_if_alike(gate)) if gate.scale == Scale.RATE else LEAST_OF_NUMBERS
    return GateVerdict(
        metric=gate.metric,
        result=gate.on_inconclusive,
        found=Result.INCONCLUSIVE,
        says=_untestable(gate, found, missing) or "",
        sessions=len(found),
        missing=missing,
        more_sessions=max(least - len(found), 1),
        is_informational=gate.is_informational,
    )


def _told(
    gate: Gate,
    evidence: Tested,
    sampled: tuple[Sequence[Difference], int],
    adjusted_p: float,
    seed: int,
) -> GateVerdict:
    found, missing = sampled
    result = result_of(evidence, adjusted_p)
    rests_on = _rests_on(evidence, seed) if result == Result.FAIL else None
    if rests_on is not None:
        result = Result.INCONCLUSIVE
    further = more_sessions(evidence) if result == Result.INCONCLUSIVE else None
    verdict = GateVerdict(
        metric=gate.metric,
        result=gate.on_inconclusive if result == Result.INCONCLUSIVE else result,
        found=result,
        says=_sentence(evidence, result, further, rests_on),
        sessions=len(found),
        missing=missing,
        p=evidence.p,
        adjusted_p=adjusted_p,
        test=evidence.test,
        better=sum(one.gain > 0 for one in found),
        worse=sum(one.gain < 0 for one in found),
        more_sessions=further,
        is_informational=gate.is_informational,
    )
    return replace(verdict, **_values(evidence))


def _rests_on(evidence: Tested, seed: int) -> str | None:
    """Return the flaky case without which a failing gate would not fail: it cannot do so alone."""
    flaky = [one for one in evidence.found if one.is_flaky and one.gain < 0]
    if not flaky:
        return None
    worst = min(flaky, key=lambda one: one.gain)
    rest = [one for one in evidence.found if one is not worst]
    if too_little(evidence.gate, rest) is not None:
        return worst.case
    again = tested(evidence.gate, rest, gates=1, seed=seed)
    fails = again.interval.mean < 0 and result_of(again, again.p) == Result.FAIL
    return None if fails else worst.case


def _values(evidence: Tested) -> dict[str, Any]:
    """Return the sides and their difference in the metric's own unit."""
    found, interval = evidence.found, evidence.interval
    sides = [
        math.fsum(getattr(one, side) for one in found) / len(found)
        for side in ("baseline", "candidate")
    ]
    bounds = sorted(_turned(evidence.gate, bound) for bound in (interval.lower, interval.upper))
    if evidence.gate.scale == Scale.RATIO:
        # Geometric means: what the sessions multiply by.
        sides = [math.exp(side) for side in sides]
    return {
        "baseline": sides[0],
        "candidate": sides[1],
        "difference": _turned(evidence.gate, interval.mean),
        "lower": bounds[0],
        "upper": bounds[1],
    }


def _turned(gate: Gate, gain: float) -> float:
    """Return a gain as the difference of the metric."""
    difference = gain if gate.higher_is_better else -gain
    return math.expm1(difference) if gate.scale == Scale.RATIO else difference


def _sentence(evidence: Tested, result: Result, further: int | None, rests_on: str | None) -> str:
    gate = evidence.gate
    margin = f"{gate.margin:.1%}" if gate.scale != Scale.NUMBER else f"{gate.margin:g}"
    if rests_on is not None:
        return f"It would fail by one flaky case alone ({rests_on}), which is not enough."
    if result == Result.PASS:
        harm = evidence.p < gate.alpha and evidence.interval.mean < 0
        return (
            f"Worse, but by less than the margin of {margin}."
            if harm
            else (f"No worse than the margin of {margin} allows.")
        )
    if result == Result.FAIL:
        beyond = " by more than the margin" if evidence.is_beyond else ""
        return f"Worse{beyond}: so much by chance has p = {evidence.p:.2g}."
    return (
        f"It cannot be told whether it is worse by more than {margin}: "
        f"about {further} more sessions would probably decide."
    )


def _pinned(cases: Sequence[Paired]) -> tuple[list[CaseNote], list[CaseNote]]:
    """Return pinned cases that failed at least once, and those without any result."""
    broken, unknown = [], []
    for pair in cases:
        if not pair.is_pinned:
            continue
        known = [one for one in pair.candidate if one is not None and math.isfinite(one)]
        passes = sum(one >= 1 for one in known)
        if passes < len(known):
            broken.append(CaseNote(pair.case, _broken_says(pair, passes, len(known))))
        elif len(known) < len(pair.candidate) or not known:
            says = f"It is pinned, and {len(known)} of its {len(pair.candidate)} samples are known."
            unknown.append(CaseNote(pair.case, says))
    return broken, unknown


def _broken_says(pair: Paired, passes: int, count: int) -> str:
    before, tried = tries(pair)
    says = f"It is pinned, and passed {passes} of {count} times."
    return f"{says} The baseline passed {before:g} of {tried}." if tried else says


def _flaky_note(pair: Paired) -> CaseNote:
    passes, count = tries(pair)
    return CaseNote(pair.case, f"The baseline passes {passes / count:.0%} of {count} times.")


def _overall(
    told: Sequence[GateVerdict], broken: Sequence[CaseNote], unknown: Sequence[CaseNote]
) -> tuple[Result, str]:
    deciding = [gate for gate in told if not gate.is_informational]
    failed = [gate.metric for gate in deciding if gate.result == Result.FAIL]
    unclear = [gate for gate in deciding if gate.result == Result.INCONCLUSIVE]
    if broken or failed:
        parts = [f"{len(broken)} pinned cases did not pass"] if broken else []
        return Result.FAIL, "; ".join(parts + [f"{name} is worse" for name in failed]) + "."
    if not deciding:
        return Result.INCONCLUSIVE, "No gate decides anything."
    if unknown:
        return Result.INCONCLUSIVE, f"{len(unknown)} pinned cases have no result."
    if unclear:
        most = max((gate.more_sessions or 0 for gate in unclear), default=0)
        names = ", ".join(gate.metric for gate in unclear)
        more = f" About {most} more sessions would probably decide." if most else ""
        return Result.INCONCLUSIVE, f"Not decided: {names}.{more}"
    return Result.PASS, "Every gate passed."
