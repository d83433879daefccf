"""The report of a run over HTTP: JSON, JUnit for CI, Markdown for summaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.replays.runs.gate_api import COMMON, TAGS
from apps.replays.runs.output_markdown import markdown
from apps.replays.runs.queries import find_run
from apps.replays.runs.report import report_of
from apps.replays.runs.report_shapes import RunReport
from apps.replays.verdict_door import writing_junit
from apps.sessions.api.exporting import AnyForm
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

Json = Any
FORMATS = ("json", "markdown", "junit")
XML = "application/xml; charset=utf-8"
FORMAT = OpenApiParameter(
    "format", str, OpenApiParameter.QUERY, enum=FORMATS, description="By default json."
)


class RunReportOut(serializers.Serializer[Any]):
    """What a run came to: ids, names and numbers, and nothing of what was said.

    Rates are shares from 0 to 1, times milliseconds, money US dollars as text; null is unknown.
    """

    run = serializers.UUIDField()
    name = serializers.CharField()
    suite = serializers.JSONField(help_text="`id`, `name`.")
    version = serializers.IntegerField(help_text="Of the suite.")
    provider = serializers.CharField()
    mode = serializers.CharField()
    repeats = serializers.IntegerField()
    state = serializers.CharField()
    reason = serializers.CharField(help_text="Why it is paused or failed.")
    result = serializers.ChoiceField(["pass", "fail", "inconclusive"], allow_null=True)
    says = serializers.CharField()
    baseline = serializers.JSONField(help_text="What the baseline measured.")
    candidates = serializers.JSONField(
        help_text="For each what it was and measured, its verdict, gates (`shown`: as people "
        "read them), broken, unknown and flaky cases, and how many got better and worse."
    )
    counts = serializers.JSONField(help_text="`cases`, `changed`, `trials` by state.")
    changed = serializers.JSONField(
        help_text="The first 200 changed cases, pinned ones that broke first, then the worst."
    )
    cost = serializers.JSONField(help_text="`paid`, `limit`, `currency`.")
    latency = serializers.JSONField(help_text="`p50_ms`, `p95_ms` by side, the baseline first.")
    tokens = serializers.JSONField(help_text="`total` by side, the baseline first.")
    environment = serializers.JSONField(help_text="What the result rests on.")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField()


class ReportAPIView(ProjectAPIView):
    """A view that answers with the report of one run."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    # DRF would take ``format`` for its own.
    content_negotiation_class = AnyForm

    def report(self, run_id: UUID) -> RunReport:
        return report_of(find_run(self.project, run_id))


class RunReportDetail(ReportAPIView):
    """The report of a run."""

    @extend_schema(
        operation_id="read_regression_report",
        summary="The report of a run",
        parameters=[FORMAT],
        responses={
            (200, "application/json"): RunReportOut,
            (200, "text/markdown"): OpenApiTypes.STR,
            (200, "application/xml"): OpenApiTypes.STR,
        },
        tags=TAGS,
    )
    def get(self, request: Request, run_id: UUID) -> HttpResponseBase:
        """What became of a run, also while it goes on: then nothing is judged yet."""
        query = request.query_params.dict()
        refuse_unknown(query, COMMON | {"format"})
        wanted = query.get("format", FORMATS[0])
        if wanted not in FORMATS:
            raise InvalidError(f"format must be one of {', '.join(FORMATS)}.", "format")
        report = self.report(run_id)
        if wanted == "markdown":
            return HttpResponse(markdown(report), "text/markdown; charset=utf-8")
        if wanted == "junit":
            return _junit(report)
        return Response(report.as_json())


class RunJUnit(ReportAPIView):
    """The report of a run as CI reads it."""

    @extend_schema(
        operation_id="read_regression_junit",
        summary="The report of a run as JUnit XML",
        responses={(200, "application/xml"): OpenApiResponse(OpenApiTypes.STR, "JUnit XML.")},
        tags=TAGS,
    )
    def get(self, request: Request, run_id: UUID) -> HttpResponseBase:
        """A suite for each candidate, in it a test for each gate and each case."""
        refuse_unknown(request.query_params.dict(), COMMON)
        return _junit(self.report(run_id))


def _junit(report: RunReport) -> HttpResponse:
    answer = HttpResponse(writing_junit()(report), XML)
    answer["Content-Disposition"] = f'attachment; filename="playhead-{report.run}.xml"'
    return answer
