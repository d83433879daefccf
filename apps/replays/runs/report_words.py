"""How the numbers of a report are written for people: rates in percent, time and money in units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.core.units import UNKNOWN, duration, money, number
from apps.replays.runs.models import RunState
from apps.replays.verdict_shapes import Scale

if TYPE_CHECKING:
    # The shapes write themselves with these words.
    from apps.replays.runs.report_shapes import (
        CandidateReport,
        CaseSide,
        GateReport,
        SideReport,
    )

Json = Any
RESULTS: Mapping[str, str] = {
    "pass": "Pass",
    "fail": "Fail",
    "inconclusive": "Inconclusive",
    "": "No verdict",
}
STATES: Mapping[str, str] = {
    RunState.RUNNING: "It still runs",
    RunState.PAUSED: "It is paused",
    RunState.CANCELLED: "It was cancelled",
    RunState.FAILED: "It could not be run",
    RunState.DONE: "It ended without a verdict",
}


def result_word(result: str) -> str:
    return RESULTS.get(result, result)


def run_says(state: str, reason: str, candidates: list[tuple[str, str, str]]) -> str:
    """Return what a run came to in one paragraph, of (name, result, says) of its candidates."""
    judged = [(name, result, says) for name, result, says in candidates if result]
    if judged:
        return " ".join(
            f"{name}: {result_word(result).lower()}. {says}" for name, result, says in judged
        )
    says = STATES.get(RunState(state), "It ended without a verdict")
    return f"{says}: {reason}" if reason else f"{says}."


def percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.1%}"


def passed(side: CaseSide) -> str:
    """Write how many samples of a case passed, of those that are known."""
    if not side.known:
        return "failed" if side.failed else "skipped" if side.skipped else UNKNOWN
    return f"{side.passes:g} of {side.known}"


def amount(gate: GateReport, value: float | None) -> str:
    """Write one side of a gate."""
    if value is None:
        return UNKNOWN
    if gate.scale == Scale.RATE:
        return percent(value)
    return _in_unit(gate.metric, value)


def difference(gate: GateReport) -> str:
    """Write the difference of a gate with the interval that it lies in."""
    told = gate.verdict
    if told.get("difference") is None:
        return UNKNOWN
    bounds = [_bound(gate, told.get(name)) for name in ("lower", "upper")]
    return f"{_shift(gate, told['difference'])} [{bounds[0]}, {bounds[1]}]"


def margin(gate: GateReport) -> str:
    if gate.margin is None:
        return UNKNOWN
    if gate.scale == Scale.RATE:
        return f"{gate.margin * 100:g} points"
    if gate.scale == Scale.RATIO:
        return f"{gate.margin * 100:g} %"
    return _in_unit(gate.metric, gate.margin)


def shown(gate: GateReport) -> dict[str, str]:
    """Return the numbers of a gate as people read them."""
    told = gate.verdict
    return {
        "result": result_word(gate.result),
        "baseline": amount(gate, told.get("baseline")),
        "candidate": amount(gate, told.get("candidate")),
        "difference": difference(gate),
        "margin": margin(gate),
        "sessions": number(told.get("sessions")),
    }


def side_cells(side: SideReport) -> dict[str, str]:
    """Return what a side measured as people read it; a cost that is known in part says so."""
    done = side.trials.get("done", 0)
    part = f" ({side.costed} of {done})" if side.cost is not None and side.costed < done else ""
    return {
        "success": percent(side.success),
        "fidelity": percent(side.fidelity),
        "latency_p50": duration(side.latency_p50),
        "latency_p95": duration(side.latency_p95),
        "cost": money(side.cost) + part,
        "tokens": number(side.tokens),
    }


def what_is_tried(side: SideReport) -> str:
    """Say what a side is made of: what is another than recorded."""
    if side.is_record:
        return "the record"
    parts = [side.prompt, side.model, *side.params]
    parts += ["another system message"] if side.has_system else []
    return ", ".join(part for part in parts if part) or "as recorded"


def counts(candidate: CandidateReport) -> str:
    told = f"{candidate.better} better, {candidate.worse} worse, {candidate.same} the same"
    return f"{told}, {candidate.skipped} without a result" if candidate.skipped else told


def _shift(gate: GateReport, value: float) -> str:
    if gate.scale == Scale.RATE:
        return f"{value * 100:+.1f} points"
    return f"{value * 100:+.1f} %" if gate.scale == Scale.RATIO else f"{value:+.4g}"


def _bound(gate: GateReport, value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:+.4g}" if gate.scale == Scale.NUMBER else f"{value * 100:+.1f}"


def _in_unit(metric: str, value: float) -> str:
    if metric.startswith("latency"):
        return duration(value)
    return money(str(value)) if metric == "cost" else f"{value:.4g}"
