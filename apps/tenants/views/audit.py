"""The trail of an organization. It stands here since `apps.audit` knows no organizations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit import queries
from apps.audit.models import AuditEntry
from apps.core.paging import read_limit
from apps.tenants.doors import SignedInRequest, organization_view
from apps.tenants.models import Organization, Project
from apps.tenants.permissions import Permission


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the trail."""

    entry: AuditEntry
    project_name: str
    facts: list[tuple[str, str]]


@require_safe
@organization_view(Permission.READ_AUDIT)
def audit(request: SignedInRequest, organization: Organization) -> HttpResponse:
    filters = queries.AuditFilters.from_query(request.GET)
    page = queries.organization_page(
        organization.pk,
        filters,
        cursor=request.GET.get("cursor"),
        limit=read_limit(request.GET.get("limit")),
    )
    projects = Project.everything.filter(organization=organization)
    project_names = dict(projects.values_list("pk", "name"))
    context = {
        "organization": organization,
        "page": page,
        "rows": [as_row(entry, project_names) for entry in page],
        "filters": filters,
        "acts": sorted((queries.recent_acts(organization.pk) | {filters.act}) - {""}),
    }
    return render(request, "tenants/audit.html", context)


def as_row(entry: AuditEntry, project_names: Mapping[int, str]) -> Row:
    """Return an entry with its project's name and its detail as words."""
    facts = [(name, in_words(value)) for name, value in entry.detail.items()]
    return Row(entry, project_names.get(entry.project_id or 0, ""), facts)


def in_words(value: object) -> str:
    """Return one value of an act's detail as it is read."""
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
