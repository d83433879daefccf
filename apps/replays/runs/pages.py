"""The page of one run, live while it goes on, and the buttons that hold, resume and end it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError, InvalidError
from apps.core.paging import read_limit
from apps.replays.pages import may_read, write_down
from apps.replays.runs import queries, starting
from apps.replays.runs.models import RegressionRun, RunState
from apps.replays.runs.pages_rows import case_lines
from apps.replays.runs.pages_sides import shown_sides
from apps.replays.runs.pages_words import word_of
from apps.replays.runs.sides import Kept, kept_of
from apps.sessions.filters import one_of, refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

ONLY = {
    "changed": "Changed",
    "worse": "Worse",
    "better": "Better",
    "failed": "Failed",
    "skipped": "Skipped",
    "flaky": "Flaky",
    "pinned": "Pinned",
}
# Cases of a page, and trials of it: a run of many sides and samples shows fewer cases.
CASES, TRIALS = 50, 800
OPEN = (RunState.RUNNING, RunState.PAUSED)
ACTS = ("pause", "resume", "cancel")
DONE = {
    "pause": "Paused: what is under way ends, and nothing further is asked.",
    "resume": "It goes on.",
    "cancel": "Cancelled. What was asked until now is kept.",
}
NO_MONEY = "The budget is an amount of US dollars, such as 2.50."


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def run_detail(request: SignedInRequest, project: Project, run_id: UUID) -> HttpResponse:
    """Show how far a run is, and each case that it tries."""
    query = {name: value for name, value in request.GET.dict().items() if value}
    refuse_unknown(query, frozenset({"only", "cursor", "limit"}))
    only = one_of(*ONLY)("only", query["only"]) if "only" in query else ""
    run = queries.find_run(project, run_id)
    kept = kept_of(run)
    page = queries.case_page(
        run,
        only=only,
        cursor=query.get("cursor"),
        limit=read_limit(query["limit"]) if "limit" in query else usual_limit(kept),
    )
    lines = case_lines(page.rows, kept.sides, content=may_read(request))
    write_down(request, project, [line.session.pk for line in lines])
    context = run_context(request, run) | {
        "sides": shown_sides(project, kept.sides),
        "page": page,
        "lines": lines,
        "only": only,
        "filters": ONLY,
        "has_many": len(kept.sides) > 2,
        "progress": queries.progress_of(run),
    }
    return render(request, "replays/runs/run.html", context)


def usual_limit(kept: Kept) -> int:
    """Return how many cases a page shows, so that it never shows thousands of links."""
    return max(5, min(CASES, TRIALS // (len(kept.sides) * kept.settings.repeats)))


def run_context(request: SignedInRequest, run: RegressionRun) -> dict[str, Any]:
    """Return how a run is spoken of on each of its pages."""
    return {
        "project": run.project,
        "organization": run.project.organization,
        "run": run,
        "word": word_of(run),
        "is_open": run.state in OPEN,
        "may_run": Permission.RUN_REPLAYS in request.permissions,
        "may_read": may_read(request),
    }


@require_POST
@project_view(Permission.RUN_REPLAYS)
def act_on(request: SignedInRequest, project: Project, run_id: UUID) -> HttpResponse:
    """Pause, resume or cancel a run, and show it as it is then; what comes too late is said."""
    act = request.POST.get("act", "")
    if act not in ACTS:
        raise InvalidError(f"act must be one of {', '.join(ACTS)}.", "act")
    run = queries.find_run(project, run_id)
    try:
        _do(request, run, act)
        messages.success(request, DONE[act])
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("replays:run", project.organization.slug, project.slug, run_id)


def _do(request: SignedInRequest, run: RegressionRun, act: str) -> None:
    if act == "pause":
        starting.pause_run(run, actor=request.actor)
    elif act == "cancel":
        starting.cancel_run(run, actor=request.actor)
    else:
        budget = read_money(request.POST.get("budget", ""))
        starting.resume_run(run, actor=request.actor, budget=budget)


def read_money(text: str) -> Decimal | None:
    """Return an amount that was typed; None for nothing."""
    text = text.strip().removeprefix("$")
    if not text:
        return None
    try:
        amount = Decimal(text) if len(text) <= 20 else Decimal("NaN")
    except InvalidOperation:
        raise InvalidError(NO_MONEY, "budget") from None
    if not amount.is_finite() or amount <= 0:
        raise InvalidError(NO_MONEY, "budget")
    return amount
