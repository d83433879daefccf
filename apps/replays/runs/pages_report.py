"""The report of a run: what came of it, in one sentence and in numbers, made to be printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.replays.pages import may_read, write_down
from apps.replays.pages_detail import read_first
from apps.replays.pages_words import Word
from apps.replays.runs import queries, report_words
from apps.replays.runs.pages import run_context
from apps.replays.runs.pages_chart import Interval, interval_of
from apps.replays.runs.pages_differences import Differing, differing_of
from apps.replays.runs.pages_environment import environment_of
from apps.replays.runs.pages_sides import ShownSide, shown_sides
from apps.replays.runs.pages_verdict import Advice, advice_of
from apps.replays.runs.pages_words import CHANGES, metric_title, result_word
from apps.replays.runs.report import report_of
from apps.replays.runs.report_shapes import (
    CandidateReport,
    Changed,
    GateReport,
    Noted,
    RunReport,
)
from apps.replays.runs.sides import kept_of
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any
API = "/api/v1/regression-runs/{}/report"
# Changed cases of a page, each with what was said; noted ones of each kind.
CHANGED, NOTED = 10, 50


@dataclass(frozen=True, slots=True)
class ShownGate:
    """One gate, in words, in numbers and as a picture."""

    gate: GateReport
    title: str
    word: Word
    shown: Mapping[str, str]
    interval: Interval | None

    @property
    def verdict(self) -> Mapping[str, Json]:
        return self.gate.verdict


@dataclass(frozen=True, slots=True)
class ShownCandidate:
    """One candidate with its verdict."""

    report: CandidateReport
    side: ShownSide
    # None: not judged.
    word: Word | None
    advice: Advice
    gates: Sequence[ShownGate]
    counts: str
    cells: Mapping[str, str]

    @property
    def noted(self) -> list[tuple[str, Sequence[Noted], int]]:
        """Cases that are told of by themselves: what they are, the first, how many more."""
        kinds = (
            ("Pinned cases that did not pass", self.report.broken),
            ("Pinned cases without a result", self.report.unknown),
            ("Flaky cases", self.report.flaky),
        )
        return [(title, rows[:NOTED], max(0, len(rows) - NOTED)) for title, rows in kinds if rows]


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One case that changed, with what differs where one may read it."""

    number: int
    changed: Changed
    word: Word
    before: str
    now: str
    differing: Differing | None

    @property
    def title(self) -> str:
        return (self.differing and self.differing.title) or self.changed.case.name


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def run_report(request: SignedInRequest, project: Project, run_id: UUID) -> HttpResponse:
    """Show what a run came to; while it goes on, what it has come to so far."""
    refuse_unknown(request.GET.dict(), frozenset({"from"}))
    run = queries.find_run(project, run_id)
    report = report_of(run)
    sides = shown_sides(project, kept_of(run).sides)
    first = read_first(request.GET.get("from", ""), len(report.changed))
    changes = shown_changes(request, project, report.changed[first : first + CHANGED], first)
    candidates = [
        shown_candidate(report, one, side)
        for one, side in zip(report.candidates, sides[1:], strict=True)
    ]
    following = first + CHANGED + 1
    context = run_context(request, run) | {
        "report": report,
        "sides": sides,
        "candidates": candidates,
        "columns": columns_of(candidates),
        "measured": [(side, report_words.side_cells(side)) for side in report.sides],
        "changes": changes,
        "first": first + 1,
        "last": first + len(changes),
        "previous_first": max(first - CHANGED, 0) + 1 if first else None,
        "next_first": following if following <= len(report.changed) else None,
        "environment": environment_of(report.environment),
        "has_many": len(candidates) > 1,
        "api": api_of(project, run_id),
    }
    return render(request, "replays/runs/report.html", context)


def shown_candidate(
    report: RunReport, candidate: CandidateReport, side: ShownSide
) -> ShownCandidate:
    return ShownCandidate(
        report=candidate,
        side=side,
        word=result_word(candidate.result) if candidate.result else None,
        advice=advice_of(report, candidate),
        gates=[shown_gate(gate) for gate in candidate.gates],
        counts=report_words.counts(candidate),
        cells=report_words.side_cells(candidate.measured),
    )


def shown_gate(gate: GateReport) -> ShownGate:
    return ShownGate(
        gate,
        metric_title(gate.metric),
        result_word(gate.result),
        report_words.shown(gate),
        interval_of(gate),
    )


def columns_of(candidates: Sequence[ShownCandidate]) -> list[str]:
    """Return the metrics of the table in which candidates stand under each other."""
    return [gate.title for gate in candidates[0].gates] if candidates else []


def shown_changes(
    request: SignedInRequest, project: Project, changed: Sequence[Changed], first: int
) -> list[ShownChange]:
    """Return changed cases; those who may read content see titles, and what differs."""
    differing: Mapping[UUID, Differing] = {}
    if may_read(request) and changed:
        differing = differing_of(project, [one.side.replay for one in changed])
        read = [one.case.session for one in changed] + list(differing)
        write_down(request, project, read)
    return [
        ShownChange(
            first + at,
            one,
            CHANGES[one.change],
            report_words.passed(one.baseline),
            report_words.passed(one.side),
            differing.get(one.side.replay) if one.side.replay else None,
        )
        for at, one in enumerate(changed, 1)
    ]


def api_of(project: Project, run_id: UUID) -> str:
    """Return where the same report is served to programs, for whoever is signed in."""
    named = urlencode({"project": f"{project.organization.slug}/{project.slug}"})
    return f"{API.format(run_id)}?{named}"
