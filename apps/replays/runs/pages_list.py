"""The project's page of regression runs: the list with filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.core.units import long_duration
from apps.replays.pages_words import Word
from apps.replays.runs import queries
from apps.replays.runs.models import RegressionRun, Result, RunState
from apps.replays.runs.pages_words import word_of
from apps.replays.suite_models import Suite
from apps.sessions.filters import one_of, refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

FILTERS = frozenset({"suite", "state", "result"})
# Suites that the filter and the form offer.
MOST_SUITES = 300


@dataclass(frozen=True, slots=True)
class RunFilters:
    """What the list is narrowed by; empty: not at all."""

    suite: UUID | None = None
    state: str = ""
    result: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> RunFilters:
        """Read filters; a value that is none of ours is an error that names it."""
        state, result = query.get("state", ""), query.get("result", "")
        return cls(
            _read_suite(query.get("suite", "")),
            one_of(*RunState.values)("state", state) if state else "",
            one_of(*Result.values)("result", result) if result else "",
        )

    @property
    def is_narrowed(self) -> bool:
        return self != RunFilters()


def _read_suite(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidError("suite must be the id of a suite.", "suite") from None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the list shows it."""

    run: RegressionRun
    word: Word

    @property
    def took(self) -> str:
        """How long it ran; a dash while it does."""
        if self.run.ended_at is None:
            return "-"
        return _span((self.run.ended_at - self.run.created_at).total_seconds())


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else long_duration(int(seconds))


def run_rows(runs: list[RegressionRun]) -> list[RunRow]:
    return [RunRow(run, word_of(run)) for run in runs]


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def run_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show the project's runs, the newest first."""
    query = {name: value for name, value in request.GET.dict().items() if value}
    refuse_unknown(query, FILTERS | {"cursor", "limit"})
    filters = RunFilters.from_query(query)
    page = queries.run_page(
        project,
        suite=filters.suite,
        state=filters.state,
        result=filters.result,
        cursor=query.get("cursor"),
        limit=read_limit(query.get("limit")),
    )
    context = {
        "project": project,
        "organization": project.organization,
        "filters": filters,
        "page": page,
        "rows": run_rows(page.rows),
        "suites": suites_of(project),
        "states": RunState.choices,
        "results": Result.choices,
        "may_run": Permission.RUN_REPLAYS in request.permissions,
    }
    return render(request, "replays/runs/list.html", context)


def suites_of(project: Project) -> list[Suite]:
    """Return the suites in use that forms offer, by name."""
    rows = project.suites.filter(archived_at=None).order_by("name", "pk")
    return list(rows[:MOST_SUITES])
