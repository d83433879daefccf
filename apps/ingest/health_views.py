"""What the API tells about ingest, and what a project may send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.ingest import health, openapi, quotas
from apps.ingest.health import MAX_HOURS
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

WINDOW = frozenset({"project", "hours"})
PROJECT = frozenset({"project"})


class IngestHealth(ProjectAPIView):
    """What came in lately, what did not, why, and who sent it."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.INGEST}

    @extend_schema(
        operation_id="ingest_health",
        summary="What came in, what was refused, and who sends",
        parameters=[OpenApiParameter("hours", int, description=f"How far back, 1 to {MAX_HOURS}.")],
        responses={200: OpenApiResponse(openapi.health_answer())},
        tags=["ingest"],
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request.query_params.dict(), WINDOW)
        hours = health.read_hours(request.query_params.get("hours", ""))
        may_read = self.may(Permission.READ_CONTENT)
        found = health.health_of(self.project, timezone.now(), hours, may_read=may_read)
        return Response(health.answer(found))


class QuotaIn(serializers.Serializer[Any]):
    """What a project may send; null is as much as comes."""

    events_per_minute = serializers.IntegerField(
        allow_null=True, min_value=1, max_value=quotas.LARGEST["events_per_minute"]
    )
    events_per_month = serializers.IntegerField(
        allow_null=True, min_value=1, max_value=quotas.LARGEST["events_per_month"]
    )


class QuotaDetail(ProjectAPIView):
    """How much the project may send, and how much of it is used up."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.INGEST,
        "PUT": Permission.MANAGE_PROJECT,
    }

    @extend_schema(
        operation_id="quotas",
        summary="What the project may send, and how much of it is used",
        responses={200: OpenApiResponse(openapi.quotas_answer())},
        tags=["ingest"],
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request.query_params.dict(), PROJECT)
        return Response(health.quotas_answer(self.project, quotas.uses(self.project)))

    @extend_schema(
        operation_id="set_quotas",
        summary="Set what the project may send",
        request=QuotaIn,
        responses={200: OpenApiResponse(openapi.quotas_answer())},
        tags=["ingest"],
    )
    def put(self, request: Request) -> Response:
        refuse_unknown(request.query_params.dict(), PROJECT)
        told = QuotaIn(data=request.data)
        told.is_valid(raise_exception=True)
        quotas.set_quota(self.project, **told.validated_data, actor=self.actor)
        return Response(health.quotas_answer(self.project, quotas.uses(self.project)))
