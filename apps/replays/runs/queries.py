"""Reading runs: lists, how far one has come, and what became of its cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, encode_cursor
from apps.replays import suite_queries
from apps.replays.runs.models import RegressionRun, Result, RunState, Trial
from apps.replays.runs.progress import BETTER, WORSE, Outcome, outcomes_of
from apps.replays.runs.progress import progress_of as progress_of
from apps.replays.suite_models import Case, CaseRevision
from apps.replays.verdict_shapes import is_flaky_rate
from apps.sessions.models import Session
from apps.tenants.models import Project

Json = Any

NOT_OURS = "This cursor is not one that Playhead gave out."
CHANGED, FAILED, SKIPPED, FLAKY, PINNED = "changed", "failed", "skipped", "flaky", "pinned"
ONLY = ("", CHANGED, WORSE, BETTER, FAILED, SKIPPED, FLAKY, PINNED)


def run_page(
    project: Project,
    *,
    suite: UUID | None = None,
    state: str = "",
    result: str = "",
    cursor: str | None,
    limit: int,
) -> Page[RegressionRun]:
    """Return runs, the newest first, with their suites and owners."""
    rows = project.regression_runs.select_related("suite", "owner", "budget").order_by("-pk")
    if suite is not None:
        rows = rows.filter(suite=suite)
    if state:
        rows = rows.filter(state=_one_of(RunState.values, state, "state"))
    if result:
        rows = rows.filter(result=_one_of(Result.values, result, "result"))
    if cursor is not None:
        rows = rows.filter(pk__lt=_read_id(cursor))
    found: list[RegressionRun] = list(rows[: limit + 1])
    more = encode_cursor(str(found[limit - 1].pk)) if len(found) > limit else None
    for run in found:
        run.project = project
    return Page(found[:limit], next=more)


def _one_of(choices: Sequence[str], told: str, name: str) -> str:
    if told not in choices:
        raise InvalidError(f"{name} must be one of {', '.join(choices)}.", name)
    return told


def _read_id(cursor: str) -> UUID:
    [text] = decode_cursor(cursor, 1)
    try:
        return UUID(text)
    except (TypeError, ValueError, AttributeError):
        raise InvalidError(NOT_OURS, "cursor") from None


def find_run(project: Project, run_id: UUID) -> RegressionRun:
    """Return a run of the project, or raise Http404."""
    rows = project.regression_runs.select_related("suite", "owner", "budget")
    run: RegressionRun | None = rows.filter(pk=run_id).first()
    if run is None:
        raise Http404
    run.project = run.suite.project = project
    return run


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of a run, with its trials on each side, in the order of samples."""

    revision: CaseRevision
    outcome: Outcome
    sides: Mapping[int, Sequence[Trial]]

    @property
    def case(self) -> Case:
        return self.revision.case

    @property
    def session(self) -> Session:
        return self.revision.case.session

    @property
    def is_pinned(self) -> bool:
        return self.revision.is_pinned

    @property
    def is_flaky(self) -> bool:
        return is_flaky_rate(self.case.passes, self.case.samples)

    @property
    def change(self) -> str:
        return self.outcome.change

    @property
    def reason(self) -> str:
        """Why a trial of it failed or was skipped: the first that says so."""
        told = (trial.reason for side in self.sides.values() for trial in side)
        return next((reason for reason in told if reason), "")


def case_page(
    run: RegressionRun, *, only: str = "", cursor: str | None, limit: int
) -> Page[CaseRow]:
    """Return the cases of a run in the order in which they came into the suite."""
    _one_of(ONLY, only, "only")
    outcomes = outcomes_of(run)
    revisions = _revisions(run, only)
    after = _read_id(cursor) if cursor is not None else None
    wanted = [
        row
        for row in revisions
        if (after is None or row.case_id > after)
        and row.case_id in outcomes
        and _fits(only, outcomes[row.case_id])
    ][: limit + 1]
    more = encode_cursor(str(wanted[limit - 1].case_id)) if len(wanted) > limit else None
    return Page(list(_rows(run, wanted[:limit], outcomes)), next=more)


def _revisions(run: RegressionRun, only: str) -> list[CaseRevision]:
    rows: QuerySet[CaseRevision] = suite_queries.in_version(run.suite, run.suite_version)
    rows = rows.select_related("case__session").order_by("case_id")
    if only == PINNED:
        rows = rows.filter(is_pinned=True)
    found = list(rows)
    if only == FLAKY:
        found = [row for row in found if is_flaky_rate(row.case.passes, row.case.samples)]
    return found


def _fits(only: str, outcome: Outcome) -> bool:
    if only == CHANGED:
        return outcome.change in (BETTER, WORSE)
    if only in (BETTER, WORSE):
        return outcome.change == only
    if only == FAILED:
        return outcome.fails or outcome.has_error
    return outcome.is_skipped if only == SKIPPED else True


def _rows(
    run: RegressionRun, revisions: Sequence[CaseRevision], outcomes: Mapping[UUID, Outcome]
) -> Iterator[CaseRow]:
    keys = [row.case_id for row in revisions]
    trials = run.trials.filter(case_id__in=keys).select_related("replay__session")
    # What a report quotes is large, and not asked for here.
    trials = trials.defer("replay__sealed", "replay__sealed_brief")
    sides: dict[UUID, dict[int, list[Trial]]] = {key: {} for key in keys}
    for trial in trials.order_by("side", "sample"):
        sides[trial.case_id].setdefault(trial.side, []).append(trial)
    for row in revisions:
        yield CaseRow(row, outcomes[row.case_id], sides[row.case_id])
