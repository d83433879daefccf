"""Pages of suites that are read: the list, one suite, its versions and what it covers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.audit.services import record_reading
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.replays import suite_queries
from apps.replays.runs.pages_list import run_rows
from apps.replays.runs.queries import run_page
from apps.replays.suite_coverage import coverage, duplicates
from apps.replays.suite_models import CaseRevision, Suite, SuiteVersion
from apps.replays.suite_rows import CaseRow, case_rows
from apps.replays.suite_sealing import open_source
from apps.replays.suite_telling import told_source
from apps.sessions.filters import refuse_unknown
from apps.sessions.keys import project_keys
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

VERSIONS_SHOWN = 8
RUNS_SHOWN = 5
CASES_COMPARED = 200


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def suite_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show the project's suites, the newest first."""
    refuse_unknown(request.GET.dict(), frozenset({"archived", "cursor", "limit"}))
    archived = request.GET.get("archived", "false")
    if archived not in ("true", "false"):
        raise InvalidError("archived must be true or false.", "archived")
    page = suite_queries.suite_page(
        project,
        archived=archived == "true",
        cursor=request.GET.get("cursor"),
        limit=read_limit(request.GET.get("limit")),
    )
    context = {
        "project": project,
        "page": page,
        "is_archive": archived == "true",
        "may_run": may_run(request),
    }
    return render(request, "suites/list.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def suite_detail(request: SignedInRequest, project: Project, suite_id: UUID) -> HttpResponse:
    """Show a suite: the cases of one version, and its newest versions."""
    query = request.GET.dict()
    refuse_unknown(query, frozenset({"version", "tag", "pinned", "cursor", "limit"}))
    suite = suite_queries.find_suite(project, suite_id)
    number = suite_queries.read_number(query.get("version"), "version")
    versions = told_versions(request, suite, None, VERSIONS_SHOWN).rows
    shown = {one.number: one for one in versions}
    version = shown.get(number or suite.latest) or suite_queries.find_version(suite, number)
    filters = suite_queries.read_case_filters(query)
    page = suite_queries.case_page(
        suite,
        version.number,
        filters,
        cursor=query.get("cursor"),
        limit=read_limit(query.get("limit")),
    )
    counts = suite_queries.count_cases(suite, version.number)
    context = {
        "project": project,
        "suite": suite,
        "version": version,
        "is_newest": version.number == suite.latest,
        "counts": counts,
        "tags": suite_queries.tags_of(suite, version.number) if counts.tagged else [],
        "filters": filters,
        "page": page,
        "rows": rows_for(request, project, page.rows),
        "versions": versions,
        "runs": run_rows(run_page(project, suite=suite.pk, cursor=None, limit=RUNS_SHOWN).rows),
        "may_run": may_run(request),
    }
    return render(request, "suites/suite.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def version_list(request: SignedInRequest, project: Project, suite_id: UUID) -> HttpResponse:
    """Show every version of a suite: who made it, when, how, and what it changed."""
    refuse_unknown(request.GET.dict(), frozenset({"cursor", "limit"}))
    suite = suite_queries.find_suite(project, suite_id)
    limit = read_limit(request.GET.get("limit"))
    page = told_versions(request, suite, request.GET.get("cursor"), limit)
    context = {"project": project, "suite": suite, "page": page, "versions": page.rows}
    return render(request, "suites/versions.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def version_diff(request: SignedInRequest, project: Project, suite_id: UUID) -> HttpResponse:
    """Show how two versions differ, case by case."""
    query = request.GET.dict()
    refuse_unknown(query, frozenset({"from", "to"}))
    suite = suite_queries.find_suite(project, suite_id)
    after = suite_queries.read_number(query.get("to"), "to") or suite.latest
    before = suite_queries.read_number(query.get("from"), "from") or max(1, after - 1)
    for name, number in (("from", before), ("to", after)):
        if number > suite.latest:
            raise InvalidError(f"The newest version is {suite.latest}.", name)
    diff = suite_queries.diff_versions(suite, before, after)
    changed = diff.changed[:CASES_COMPARED]
    context = {
        "project": project,
        "suite": suite,
        "before": before,
        "after": after,
        "diff": diff,
        "most": CASES_COMPARED,
        "added": rows_for(request, project, diff.added[:CASES_COMPARED]),
        "removed": rows_for(request, project, diff.removed[:CASES_COMPARED]),
        "changed": list(
            zip(
                rows_for(request, project, [old for old, _ in changed]),
                rows_for(request, project, [new for _, new in changed]),
                strict=True,
            )
        ),
    }
    return render(request, "suites/diff.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def suite_coverage(request: SignedInRequest, project: Project, suite_id: UUID) -> HttpResponse:
    """Show which kinds of sessions a suite covers, and which of its cases say the same."""
    refuse_unknown(request.GET.dict(), frozenset())
    suite = suite_queries.find_suite(project, suite_id)
    content = Permission.READ_CONTENT in request.permissions
    groups = duplicates(suite, suite.latest, content=content)
    rows = rows_for(request, project, [row for group in groups for row in group])
    by_case = {row.case.pk: row for row in rows}
    context = {
        "project": project,
        "suite": suite,
        "coverage": coverage(suite, suite.latest),
        "duplicates": [[by_case[row.case.pk] for row in group] for group in groups],
        "may_run": may_run(request),
    }
    return render(request, "suites/coverage.html", context)


def may_run(request: SignedInRequest) -> bool:
    return Permission.RUN_REPLAYS in request.permissions


def rows_for(
    request: SignedInRequest, project: Project, revisions: list[CaseRevision]
) -> list[CaseRow]:
    """Return cases as the person may see them, and write down which sessions were read."""
    content = Permission.READ_CONTENT in request.permissions
    if content and revisions:
        record_reading(
            request.actor,
            organization_id=project.organization_id,
            project_id=project.pk,
            session_ids=sorted({str(row.case.session.pk) for row in revisions}),
        )
    return case_rows(project, revisions, content=content)


def told_versions(request: SignedInRequest, suite: Suite, cursor: str | None, limit: int) -> Any:
    """Return versions, each with how its cases were chosen as ``told_source``."""
    page = suite_queries.version_page(suite, cursor=cursor, limit=limit)
    content = Permission.READ_CONTENT in request.permissions
    is_sealed = any(version.sealed_source is not None for version in page.rows)
    keys = project_keys(suite.project_id) if content and is_sealed else None
    for version in page.rows:
        source = open_source(keys, version) if keys else None
        version.told_source = told_source(source)  # type: ignore[attr-defined]
    return page


def address_of(suite: Suite, version: SuiteVersion | None = None) -> str:
    project = suite.project
    root = reverse("suites:suite", args=(project.organization.slug, project.slug, suite.pk))
    return f"{root}?version={version.number}" if version else root
