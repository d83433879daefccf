"""The report of a run, read in five statements whatever its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings as site
from django.urls import reverse

from apps.replays.runs import report_words
from apps.replays.runs.metrics import METRICS
from apps.replays.runs.models import RegressionRun, Verdict
from apps.replays.runs.progress import paid_of
from apps.replays.runs.report_counting import (
    Counted,
    TrialRow,
    changed_cases,
    count_trials,
    measured,
)
from apps.replays.runs.report_shapes import (
    BETTER,
    SAME,
    UNKNOWN,
    WORSE,
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
from apps.replays.runs.settings import GateIn, RunSettings
from apps.replays.runs.sides import Kept, Side, kept_of
from apps.replays.suite_queries import in_version
from apps.replays.verdict_shapes import is_flaky_rate

Json = Any
OF_CASE = (
    *("case_id", "case__session_id", "case__session__external_id", "case__event_id"),
    *("is_pinned", "case__passes", "case__samples"),
)
OF_TRIAL = (
    *("case_id", "side", "state", "reason", "measures"),
    *("replay__session_id", "replay__consumption"),
)
SHORT = 6


def report_of(run: RegressionRun) -> RunReport:
    """Return what a run came to, or has come to so far.

    The run is one of ``queries.find_run``: its suite, budget and project are at hand.
    """
    kept = kept_of(run)
    rows = run.trials.filter(project_id=run.project_id).order_by("id").values_list(*OF_TRIAL)
    counted = count_trials(TrialRow(*row) for row in rows.iterator(chunk_size=5_000))
    verdicts = {one.side: one for one in run.verdicts.filter(project_id=run.project_id)}
    cases = _cases(run, counted, len(kept.sides), verdicts)
    sides = [_side(at, side, kept, counted) for at, side in enumerate(kept.sides)]
    candidates = [
        _candidate(side, verdicts.get(side.side), kept.settings, cases) for side in sides[1:]
    ]
    told = [(one.name, one.result, one.says) for one in candidates]
    budget = run.budget
    return RunReport(
        run=run.pk,
        name=run.name,
        suite_id=run.suite.pk,
        suite=run.suite.name,
        version=run.suite_version,
        provider=kept.settings.provider,
        mode=kept.settings.mode,
        repeats=kept.settings.repeats,
        state=run.state,
        reason=run.reason,
        result=run.result,
        says=report_words.run_says(run.state, run.reason, told),
        baseline=sides[0],
        candidates=candidates,
        cases=cases,
        changed=_changed(cases, candidates),
        paid=paid_of(run),
        limit=None if budget is None else budget.limit,
        environment=run.environment,
        started_at=run.created_at,
        ended_at=run.ended_at,
        addresses=_addresses(run),
    )


def _side(at: int, side: Side, kept: Kept, counted: Counted) -> SideReport:
    made = side.overrides
    told = SideReport(
        side=at,
        name=side.name,
        provider=side.provider,
        prompt=f"{made.prompt.name}@{made.prompt.version}" if made.prompt else None,
        model=made.model,
        params=sorted(made.params),
        has_system=made.system is not None,
        is_record=side.is_record,
        file=None if at == 0 else kept.settings.candidates[at - 1].file,
    )
    return measured(told, counted.sides.get(at))


def _cases(
    run: RegressionRun, counted: Counted, sides: int, verdicts: Mapping[int, Verdict]
) -> list[CaseReport]:
    """Return the cases that the run tries, in the order in which they came into the suite."""
    tried = {case for case, _ in counted.cases}
    flaky = {one["case"] for verdict in verdicts.values() for one in verdict.judgement["flaky"]}
    rows = in_version(run.suite, run.suite_version).order_by("case_id").values_list(*OF_CASE)
    found = []
    for case, session, name, event, is_pinned, passes, samples in rows:
        if case not in tried:
            continue
        is_flaky = str(case) in flaky if verdicts else is_flaky_rate(passes, samples)
        told = [counted.cases.get((case, at)) or CaseSide() for at in range(sides)]
        found.append(
            CaseReport(case, session, name or _short(session), told, event, is_pinned, is_flaky)
        )
    return found


def _short(session: UUID) -> str:
    return f"S-{session.hex[-SHORT:].upper()}"


def _candidate(
    side: SideReport, verdict: Verdict | None, settings: RunSettings, cases: Sequence[CaseReport]
) -> CandidateReport:
    judgement: Mapping[str, Json] = verdict.judgement if verdict else {}
    named = {str(case.case): case for case in cases}
    changes = [case.change(side.side) for case in cases]
    return CandidateReport(
        measured=side,
        result=verdict.result if verdict else "",
        says=judgement.get("says", ""),
        gates=_gates(judgement.get("gates", ()), settings),
        broken=_noted(judgement.get("broken", ()), named),
        unknown=_noted(judgement.get("unknown", ()), named),
        flaky=_noted(judgement.get("flaky", ()), named),
        is_on_front=verdict.is_on_front if verdict else False,
        better=changes.count(BETTER),
        worse=changes.count(WORSE),
        same=changes.count(SAME),
        skipped=changes.count(UNKNOWN),
    )


def _gates(told: Sequence[Mapping[str, Json]], settings: RunSettings) -> list[GateReport]:
    asked = {one.metric: one for one in settings.gates}
    return [_gate(one, asked.get(one["metric"]) or GateIn(metric=one["metric"])) for one in told]


def _gate(told: Mapping[str, Json], asked: GateIn) -> GateReport:
    if asked.metric not in METRICS:
        # Of a metric that there was when the run was judged.
        return GateReport(asked.metric, asked.scale or "number", asked.margin, False, told)
    gate = asked.gate()
    return GateReport(gate.metric, gate.scale, gate.margin, not gate.higher_is_better, told)


def _noted(told: Sequence[Mapping[str, str]], named: Mapping[str, CaseReport]) -> list[Noted]:
    """Return notes with the names of their cases; of one that is gone with its id alone."""
    found = []
    for one in told:
        case = named.get(one["case"])
        session, name = (str(case.session), case.name) if case else (None, one["case"])
        found.append(Noted(one["case"], session, name, one["says"]))
    return found


def _changed(cases: Sequence[CaseReport], candidates: Sequence[CandidateReport]) -> list[Changed]:
    """Return what changed: of all candidates pinned cases that broke first, then the worst."""
    found = []
    for one in candidates:
        broken = {note.case for note in one.broken}
        for case, change in changed_cases(cases, one.measured.side, broken):
            found.append(Changed(case, one, change, str(case.case) in broken))
    return sorted(
        found, key=lambda one: (not one.is_broken, one.case.gain(one.candidate.measured.side))
    )


def _addresses(run: RegressionRun) -> Addresses:
    place = run.project.organization.slug, run.project.slug
    base = site.PLAYHEAD_URL
    return Addresses(
        run=base + reverse("replays:run", args=(*place, run.pk)),
        compare=base + reverse("sessions:compare", args=place),
        sessions=base + reverse("sessions:list", args=place),
    )
