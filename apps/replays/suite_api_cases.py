"""The versions and cases of a suite over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import services as audit
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.replays import suite_queries
from apps.replays.suite_api import TAGS, SuiteAPIView, parameters
from apps.replays.suite_changes import Altered, Change, change_cases
from apps.replays.suite_coverage import coverage, duplicates
from apps.replays.suite_models import CaseRevision, SuiteVersion
from apps.replays.suite_rows import CaseRow, case_rows
from apps.replays.suite_sealing import open_source
from apps.replays.suite_shapes import (
    CasePageOut,
    CoverageOut,
    DiffOut,
    VersionIn,
    VersionOut,
    VersionPageOut,
)
from apps.sessions.keys import ProjectKeys, project_keys
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

Json = Any

MOST_SHOWN = 500


class VersionCollection(SuiteAPIView):
    """The versions of a suite."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_META,
        "POST": Permission.RUN_REPLAYS,
    }

    @extend_schema(
        operation_id="list_suite_versions",
        summary="List the versions of a suite",
        responses=VersionPageOut,
        parameters=parameters("cursor", "limit"),
        tags=TAGS,
    )
    def get(self, request: Request, suite_id: UUID) -> Response:
        """The newest first. Filters that searched for words are told to readers of content."""
        query = self.check_query(request, "cursor", "limit")
        suite = suite_queries.find_suite(self.project, suite_id)
        page = suite_queries.version_page(
            suite, cursor=query.get("cursor"), limit=read_limit(query.get("limit"))
        )
        keys = project_keys(self.project.pk) if self.may(Permission.READ_CONTENT) else None
        results = [version_json(version, keys) for version in page.rows]
        return Response({"results": results, "next": page.next})

    @repeatable
    @extend_schema(
        operation_id="make_suite_version",
        summary="Change the cases of a suite",
        request=VersionIn,
        responses={201: VersionOut},
        tags=TAGS,
    )
    def post(self, request: Request, suite_id: UUID) -> Response:
        """Make the next version: additions, changes and removals are one act."""
        self.check_query(request)
        suite = suite_queries.find_suite(self.project, suite_id)
        told = VersionIn(data=request.data)
        told.is_valid(raise_exception=True)
        wanted = told.validated_data
        added = self.change_in(wanted)
        change = Change(
            add=added.add,
            remove=wanted.get("remove", ()),
            alter=[_altered(one) for one in wanted.get("change", ())],
            note=added.note,
            source=added.source,
        )
        version = change_cases(suite, change, actor=self.actor, seen_version=wanted.get("version"))
        return Response(version_json(version, None), status=201)


def _altered(told: Mapping[str, Json]) -> Altered:
    return Altered(
        case=told["case"],
        is_pinned=told.get("pinned"),
        tags=told.get("tags"),
        expectations=told.get("expectations"),
    )


class CaseCollection(SuiteAPIView):
    """The cases of one version."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    @extend_schema(
        operation_id="list_suite_cases",
        summary="List the cases of a version",
        responses=CasePageOut,
        parameters=parameters("version", "tag", "pinned", "cursor", "limit"),
        tags=TAGS,
    )
    def get(self, request: Request, suite_id: UUID) -> Response:
        """Of the newest version unless `version` names one; in the order of their coming."""
        query = self.check_query(request, "version", "tag", "pinned", "cursor", "limit")
        suite = suite_queries.find_suite(self.project, suite_id)
        number = suite_queries.read_number(query.get("version"), "version")
        version = suite_queries.find_version(suite, number)
        page = suite_queries.case_page(
            suite,
            version.number,
            suite_queries.read_case_filters(query),
            cursor=query.get("cursor"),
            limit=read_limit(query.get("limit")),
        )
        results = shapes(self, page.rows)
        return Response({"results": results, "next": page.next, "version": version.number})


class VersionComparison(SuiteAPIView):
    """How two versions differ."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    @extend_schema(
        operation_id="compare_suite_versions",
        summary="Compare two versions of a suite",
        responses=DiffOut,
        parameters=parameters("from", "to"),
        tags=TAGS,
    )
    def get(self, request: Request, suite_id: UUID) -> Response:
        """From the one before the newest to the newest, unless `from` and `to` name others."""
        query = self.check_query(request, "from", "to")
        suite = suite_queries.find_suite(self.project, suite_id)
        after = suite_queries.read_number(query.get("to"), "to") or suite.latest
        before = suite_queries.read_number(query.get("from"), "from") or max(1, after - 1)
        for name, number in (("from", before), ("to", after)):
            if number > suite.latest:
                raise InvalidError(f"The newest version is {suite.latest}.", name)
        diff = suite_queries.diff_versions(suite, before, after)
        changed = diff.changed[:MOST_SHOWN]
        return Response(
            {
                "added": shapes(self, diff.added[:MOST_SHOWN]),
                "removed": shapes(self, diff.removed[:MOST_SHOWN]),
                "changed": [
                    {"before": old, "after": new}
                    for old, new in zip(
                        shapes(self, [old for old, _ in changed]),
                        shapes(self, [new for _, new in changed]),
                        strict=True,
                    )
                ],
                "unchanged": diff.unchanged,
            }
        )


class SuiteCoverage(SuiteAPIView):
    """What a suite covers of the newest sessions."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    @extend_schema(
        operation_id="read_suite_coverage",
        summary="What a suite covers",
        responses=CoverageOut,
        tags=TAGS,
    )
    def get(self, request: Request, suite_id: UUID) -> Response:
        """Strata by outcome, tools and length of the newest 1,000 sessions, and duplicates."""
        self.check_query(request)
        suite = suite_queries.find_suite(self.project, suite_id)
        told = coverage(suite, suite.latest)
        strata = [
            {
                "outcome": one.outcome,
                "path": one.path,
                "length": one.length,
                "sessions": one.sessions,
                "cases": one.cases,
            }
            for one in told.strata
        ]
        content = self.may(Permission.READ_CONTENT)
        groups = duplicates(suite, suite.latest, content=content)
        same = [[str(row.case.pk) for row in group] for group in groups]
        return Response(
            {
                "share": told.share,
                "sessions": told.sessions,
                "strata": strata,
                "duplicates": same,
            }
        )


def version_json(version: SuiteVersion, keys: ProjectKeys | None) -> dict[str, Json]:
    return {
        "suite": str(version.suite_id),
        "number": version.number,
        "note": version.note,
        "chosen_by": open_source(keys, version) if keys else None,
        "cases": version.cases,
        "added": version.added,
        "removed": version.removed,
        "changed": version.changed,
        "made_by": version.made_by,
        "made_at": version.made_at,
    }


def shapes(view: SuiteAPIView, revisions: Sequence[CaseRevision]) -> list[dict[str, Json]]:
    """Return cases as JSON, what is expected of them for those who may read content."""
    content = view.may(Permission.READ_CONTENT)
    rows = case_rows(view.project, revisions, content=content)
    read = [str(row.session.pk) for row in rows if row.expectations]
    if read:
        audit.record_reading(
            view.actor,
            organization_id=view.project.organization_id,
            project_id=view.project.pk,
            session_ids=read,
        )
    return [case_json(row) for row in rows]


def case_json(row: CaseRow) -> dict[str, Json]:
    case, revision = row.case, row.revision
    return {
        "id": str(case.pk),
        "session": str(row.session.pk),
        "event": case.event_id.hex if case.event_id else None,
        "pinned": revision.is_pinned,
        "tags": list(revision.tags),
        "expectations": row.expectations,
        "expected": revision.expected,
        "erased": row.is_erased,
        "baseline": {"passes": case.passes, "samples": case.samples, "flaky": row.is_flaky},
        "since": revision.since,
    }
