"""Replays over HTTP: applications report them, everybody reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import services as audit
from apps.core.paging import read_limit
from apps.replays import output, queries, services, trends
from apps.replays.models import Replay
from apps.replays.queries import ReplayFilters
from apps.replays.reports import read_report
from apps.replays.shapes import (
    ReplayDetailOut,
    ReplayPageOut,
    ReplaySummaryOut,
    ReportedOut,
    report_request,
)
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

# A signed-in person names the project in the query string.
COMMON = frozenset({"project"})
PAGING = frozenset({"cursor", "limit"})
TAGS = ["replays"]
SUMMARY = frozenset({"from", "to", "by", "agent"})


def parameters(names: Iterable[str]) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in names]


class ReplayAPIView(ProjectAPIView):
    """A view that answers with replays, their words only to those who may read content."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    def may_read(self, replays: Iterable[Replay]) -> bool:
        """Tell whether content may be read; if so, write down whose: a report quotes both."""
        if not self.may(Permission.READ_CONTENT):
            return False
        sessions = {key for one in replays for key in (one.session_id, one.original_id) if key}
        if sessions:
            audit.record_reading(
                self.actor,
                organization_id=self.project.organization_id,
                project_id=self.project.pk,
                session_ids=sorted(map(str, sessions)),
            )
        return True


class ReplayCollection(ReplayAPIView):
    """The project's replays and forks."""

    @extend_schema(
        operation_id="list_replays",
        summary="List replays",
        responses=ReplayPageOut,
        parameters=parameters([*sorted(queries.KNOWN), *sorted(PAGING)]),
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """Those reported last first. `session` is the original, `made` the new session."""
        query = request.query_params.dict()
        filters = ReplayFilters.from_query(query, also=COMMON | PAGING)
        limit = read_limit(query.get("limit"))
        page = queries.replay_page(self.project, filters, cursor=query.get("cursor"), limit=limit)
        content = self.may_read(page.rows)
        return Response(
            {"results": output.replays_json(page.rows, content=content), "next": page.next}
        )


class ReplayDetail(ReplayAPIView):
    """One replay with its plan and its report."""

    @extend_schema(
        operation_id="read_replay",
        summary="One replay with its report",
        responses=ReplayDetailOut,
        tags=TAGS,
    )
    def get(self, request: Request, replay_id: UUID) -> Response:
        refuse_unknown(request.query_params.dict(), COMMON)
        replay = queries.find_replay(self.project, replay_id)
        content = self.may_read([replay])
        return Response(output.detail_json(replay, content=content))


class ReplayReports(ReplayAPIView):
    """Takes what applications report of their replays."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.REPORT_REPLAYS}

    @repeatable
    @extend_schema(
        operation_id="report_replay",
        summary="Report a replay",
        request={"application/json": report_request()},
        responses={
            200: OpenApiResponse(ReportedOut, "It was reported before."),
            201: OpenApiResponse(ReportedOut, "The first report of this replay."),
        },
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Report that a replay runs, or what it came to; once or twice, in any order."""
        refuse_unknown(request.query_params.dict(), COMMON)
        report = read_report(request.data, timezone.now())
        reported = services.report_replay(self.project, report, request.data, actor=self.actor)
        replay = reported.replay
        replay.project = self.project
        self.told_session = replay.session_id
        return Response(output.reported_json(replay), status=201 if reported.was_made else 200)


class ReplaySummary(ReplayAPIView):
    """How replays of the project came out over time."""

    @extend_schema(
        operation_id="summarise_replays",
        summary="Coverage and fidelity over time",
        responses=ReplaySummaryOut,
        parameters=parameters(sorted(SUMMARY)),
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """By day or week: at most 92 days or 53 weeks, the last 30 days if not said."""
        query = request.query_params.dict()
        refuse_unknown(query, COMMON | SUMMARY)
        window = trends.Window.from_query(query, timezone.now())
        found = trends.trend(
            self.project, window.since, window.until, by=window.by, agent=query.get("agent", "")
        )
        return Response(output.summary_json(found))
