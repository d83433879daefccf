"""Reports of runs as tests need them, counted from trials as real ones are."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from apps.replays.runs.report_counting import TrialRow, changed_cases, count_trials, measured
from apps.replays.runs.report_shapes import (
    Addresses,
    CandidateReport,
    CaseReport,
    CaseSide,
    Changed,
    GateReport,
    Noted,
    RunReport,
    SideReport,
)

AT = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)
ADDRESSES = Addresses("https://p.test/run/", "https://p.test/compare/", "https://p.test/sessions/")


def case_id(number):
    return UUID(int=number + 1)


def trial(case, side, success, state="done", **more):
    measures = {"success": success, "latency_ms": 1000.0 + case, "cost": "0.01", "tokens": 100}
    return TrialRow(
        case_id(case),
        side,
        state,
        more.pop("reason", ""),
        {**measures, **more} if state == "done" else None,
        UUID(int=1000 + case * 10 + side) if state == "done" else None,
    )


def make_gate(metric="success", result="fail", **more):
    told = {
        "metric": metric,
        "result": result,
        "says": f"{metric} is told.",
        "sessions": 3,
        "baseline": 0.84,
        "candidate": 0.72,
        "difference": -0.12,
        "lower": -0.182,
        "upper": -0.061,
        "is_informational": False,
    }
    scale = more.pop("scale", "rate")
    return GateReport(metric, scale, 0.03, False, told | more)


def make_report(trials, *, name="v9", result="fail", gates=None, names=None, **more):
    """A report of one candidate; ``broken`` and ``flaky`` name cases by their numbers."""
    counted = count_trials(trials)
    broken, flaky = more.pop("broken", ()), more.pop("flaky", ())
    cases = [
        CaseReport(
            case_id(at),
            UUID(int=500 + at),
            names[at] if names else f"chat-{at}",
            [counted.cases.get((case_id(at), side), CaseSide()) for side in (0, 1)],
            is_pinned=at in broken,
            is_flaky=at in flaky,
        )
        for at in sorted({one.case.int - 1 for one in trials})
    ]
    sides = [
        measured(SideReport(at, ("baseline", name)[at]), counted.sides.get(at)) for at in (0, 1)
    ]
    notes = [Noted(str(case_id(at)), None, cases[at].name, "It is pinned.") for at in broken]
    changes = [case.change(1) for case in cases]
    candidate = CandidateReport(
        measured=sides[1],
        result=result,
        says="success is worse." if result else "",
        gates=[make_gate()] if gates is None else gates,
        broken=notes,
        unknown=[],
        flaky=[],
        is_on_front=True,
        **{word: changes.count(word) for word in ("better", "worse", "same")},
        skipped=changes.count("unknown"),
    )
    ids = {str(case_id(at)) for at in broken}
    changed = [
        Changed(case, candidate, change, str(case.case) in ids)
        for case, change in changed_cases(cases, 1, ids)
    ]
    plain = {"state": "done", "reason": "", "says": "v9: fail. success is worse."} | more
    return RunReport(
        run=UUID(int=7),
        name="nightly",
        suite_id=UUID(int=8),
        suite="refunds",
        version=3,
        provider="scripted",
        mode="teacher_forced",
        repeats=1,
        result=result,
        baseline=sides[0],
        candidates=[candidate],
        cases=cases,
        changed=changed,
        paid=Decimal("1.25"),
        limit=Decimal("2.50"),
        environment={"playhead": "0.1.0", "models": ["gpt-4o"]},
        started_at=AT,
        ended_at=AT,
        addresses=ADDRESSES,
        **plain,
    )
