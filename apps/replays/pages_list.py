"""The project's page of replays: how they went over time, and the list with filters."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.core.paging import read_limit
from apps.replays.models import ORIGINS, Band, Replay, Status
from apps.replays.pages import may_read, write_down
from apps.replays.pages_chart import (
    PERIODS,
    USUAL,
    chart_of,
    classes_of,
    read_period,
    since,
    table_of,
)
from apps.replays.pages_rows import rows_of
from apps.replays.pages_words import share
from apps.replays.queries import ReplayFilters, replay_page
from apps.replays.trends import trend
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

PARAMETERS = frozenset({"cursor", "limit", "period"})


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def replay_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """List the project's replays, under how they went over time."""
    query = {name: value for name, value in request.GET.dict().items() if value}
    filters = ReplayFilters.from_query(query, also=PARAMETERS)
    page = replay_page(
        project,
        filters,
        cursor=query.get("cursor"),
        limit=read_limit(query.get("limit")),
        with_trials=bool(filters.session or filters.made or filters.client_id),
    )
    rows = rows_of(page.rows, content=may_read(request))
    context = {
        "project": project,
        "organization": project.organization,
        "may_read": may_read(request),
        "filters": filters,
        "page": page,
        "rows": rows,
        "bands": Band.choices,
        "statuses": Status.choices,
        "origins": [(origin.value, origin.label) for origin in ORIGINS],
        "has_any": bool(rows) or has_replays(project),
    }
    if context["has_any"]:
        context |= trend_context(project, filters, query.get("period"))
    write_down(request, project, [pk for row in rows for pk in _sessions(row.replay)])
    return render(request, "replays/list.html", context)


def trend_context(project: Project, filters: ReplayFilters, name: str | None) -> dict[str, Any]:
    """Return what is drawn over the list, and the same in numbers."""
    period, until = read_period(name), timezone.now()
    found = trend(project, since(period, until), until, by=period.by, agent=filters.agent)
    total = found.total
    return {
        "trend": found,
        "success": share(total.success_rate),
        "coverage": share(total.median_coverage),
        "fidelity": share(total.median_fidelity),
        "replayed": share(found.sessions.replay_coverage),
        "table": table_of(found.buckets),
        "classes": classes_of(found.sessions),
        "chart": chart_of(found.buckets),
        "period": period,
        "periods": [(key, each.title) for key, each in PERIODS.items()],
        "period_name": name or USUAL,
    }


def has_replays(project: Project) -> bool:
    return project.replays.exists()


def _sessions(replay: Replay) -> list[Any]:
    return [replay.session_id, *([replay.original_id] if replay.original_id else [])]
