"""The audit trail of one project. It stands here since `apps.audit` knows no projects."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import queries
from apps.audit.models import AuditEntry
from apps.core.paging import MAX_LIMIT, read_limit
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

# Names the project of a signed-in person, beside the filters.
PROJECT = frozenset({"project"})


class AuditActorOut(serializers.Serializer[Any]):
    """Who did it."""

    kind = serializers.ChoiceField(choices=["user", "key", "system"])
    id = serializers.CharField(allow_null=True)
    label = serializers.CharField()  # type: ignore[assignment]


class AuditEntryOut(serializers.Serializer[Any]):
    """One act."""

    id = serializers.CharField()
    at = serializers.DateTimeField()
    actor = AuditActorOut()
    act = serializers.CharField()
    objects = serializers.ListField(child=serializers.CharField())
    detail = serializers.DictField()
    readings = serializers.IntegerField(
        allow_null=True, help_text="How often content was read; null for other acts."
    )
    ip = serializers.IPAddressField(allow_null=True)
    request_id = serializers.CharField(allow_null=True)


class AuditPageOut(serializers.Serializer[Any]):
    """A page of acts, newest first."""

    results = AuditEntryOut(many=True)
    next = serializers.CharField(allow_null=True)


class Audit(ProjectAPIView):
    """What was done in the project, and by whom."""

    needs = {"GET": Permission.READ_AUDIT}

    @extend_schema(
        operation_id="audit",
        tags=["governance"],
        responses=AuditPageOut,
        parameters=[
            OpenApiParameter("act", description="Only acts of this kind, such as `key.create`."),
            OpenApiParameter("actor", description="Only acts of the actor with this label."),
            OpenApiParameter("cursor", description="`next` of the page before."),
            OpenApiParameter("limit", int, description=f"1 to {MAX_LIMIT}; 50 if not given."),
            OpenApiParameter(
                "project", description="As organization/project; only for a signed-in person."
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        """List what was done in the project, newest first."""
        query = request.query_params
        page = queries.project_page(
            self.project.organization_id,
            self.project.pk,
            queries.AuditFilters.from_query(query, also=PROJECT),
            cursor=query.get("cursor"),
            limit=read_limit(query.get("limit")),
        )
        rows = AuditEntryOut([as_row(entry) for entry in page], many=True)
        return Response({"results": rows.data, "next": page.next})


def as_row(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry in the shape of the API."""
    return {
        "id": str(entry.pk),
        "at": entry.at,
        "actor": {
            "kind": entry.actor_kind,
            "id": entry.actor_id or None,
            "label": entry.actor_label,
        },
        "act": entry.act,
        "objects": entry.object_ids,
        "detail": entry.detail,
        "readings": getattr(entry, "reading_count", None),
        "ip": entry.ip,
        "request_id": entry.request_id or None,
    }
