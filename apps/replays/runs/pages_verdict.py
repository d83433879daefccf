"""What a verdict means for whoever decides: one sentence, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.units import number
from apps.replays.runs import report_words
from apps.replays.runs.pages_words import metric_title
from apps.replays.runs.report_shapes import CandidateReport, GateReport, RunReport
from apps.replays.runs.sides import AS_RECORDED, THE_RECORD
from apps.replays.verdict_shapes import Result


@dataclass(frozen=True, slots=True)
class Advice:
    """A verdict for people who read nothing else."""

    says: str
    # Further sessions that would probably decide it; None where it is decided, or nobody knows.
    more_sessions: int | None = None


def advice_of(report: RunReport, candidate: CandidateReport) -> Advice:
    """Return what the verdict on a candidate means."""
    name, baseline = candidate.name, _called(report.baseline.name)
    if candidate.result == Result.PASS:
        says = f"{name} can take the place of {baseline}: it is no worse than the gates allow."
        return Advice(f"{says} {_numbers(_deciding(candidate))}".strip())
    if candidate.result == Result.FAIL:
        return Advice(_failed(candidate, baseline))
    if candidate.result == Result.INCONCLUSIVE:
        return _undecided(candidate, baseline)
    return Advice(f"There is no verdict on {name}.")


def _called(baseline: str) -> str:
    """Name the baseline as one speaks of it, where nobody gave it a name."""
    if baseline in (AS_RECORDED, THE_RECORD):
        return THE_RECORD if baseline == THE_RECORD else "what was recorded"
    return baseline


def _failed(candidate: CandidateReport, baseline: str) -> str:
    failed = [one for one in _deciding(candidate) if one.result == Result.FAIL]
    parts = []
    if failed:
        parts.append(f"{candidate.name} is worse than {baseline}. {_numbers(failed)}")
    if count := len(candidate.broken):
        cases = (
            "pinned case that must pass did" if count == 1 else "pinned cases that must pass did"
        )
        parts.append(f"{number(count)} {cases} not.")
    return " ".join([*parts, "Do not release it."])


def _undecided(candidate: CandidateReport, baseline: str) -> Advice:
    gates = _deciding(candidate)
    sessions = max((int(one.verdict.get("sessions") or 0) for one in gates), default=0)
    more = max((int(one.verdict.get("more_sessions") or 0) for one in gates), default=0)
    says = (
        f"{number(sessions)} sessions do not tell whether {candidate.name} is worse than "
        f"{baseline}."
    )
    if more:
        says += f" About {number(more)} more would probably decide it."
    return Advice(f"{says} {_numbers(gates)}".strip(), more or None)


def _deciding(candidate: CandidateReport) -> list[GateReport]:
    return [one for one in candidate.gates if not one.is_informational]


def _numbers(gates: Sequence[GateReport]) -> str:
    told = [_number(one) for one in gates if one.verdict.get("candidate") is not None]
    return f"{'; '.join(told)}." if told else ""


def _number(gate: GateReport) -> str:
    shown = report_words.shown(gate)
    return f"{metric_title(gate.metric)}: {shown['baseline']} before, {shown['candidate']} now"
