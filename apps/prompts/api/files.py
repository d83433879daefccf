"""The library as a file over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.prompts import queries
from apps.prompts.api.base import PromptAPIView
from apps.prompts.api.views import READ, TAG, WRITE, in_query
from apps.prompts.file_pages import export_answer
from apps.prompts.files import export_lines, import_prompts
from apps.prompts.queries import PromptFilters
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

MODES = ("keep", "move")


class PromptLeftOutShape(serializers.Serializer[Any]):
    path = serializers.CharField()
    message = serializers.CharField()


class PromptsImportedOut(serializers.Serializer[Any]):
    prompts_added = serializers.IntegerField()
    versions_added = serializers.IntegerField()
    labels_moved = serializers.IntegerField()
    labels_asked = serializers.IntegerField(help_text="Protected: they wait for a second person.")
    left_out = PromptLeftOutShape(many=True)


class Export(PromptAPIView):
    """The library as a file."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ}

    @extend_schema(
        operation_id="export_prompts",
        summary="Take prompts out as a file",
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "The file: see the guide.")},
        parameters=in_query("folder", "name"),
        tags=TAG,
    )
    def get(self, request: Request) -> HttpResponseBase:
        """All prompts with all versions and labels, or those of a folder, or one."""
        query = self.check_query(request, "folder", "name")
        filters = PromptFilters.from_query(
            {"folder": query.get("folder", ""), "q": query.get("name", "")}, also=frozenset()
        )
        name = query.get("name", "")
        if name:
            queries.find_prompt(self.project, name)
        return export_answer(
            self.project, export_lines(self.project, folder=filters.folder, name=name)
        )


class Import(PromptAPIView):
    """A file of prompts, brought in."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": WRITE}

    @repeatable
    @extend_schema(
        operation_id="import_prompts",
        summary="Bring prompts in from a file",
        request=OpenApiTypes.OBJECT,
        responses=PromptsImportedOut,
        parameters=[
            OpenApiParameter(
                "labels",
                str,
                OpenApiParameter.QUERY,
                enum=MODES,
                description="Whether labels that stand elsewhere stay or move. Default: keep.",
            )
        ],
        tags=TAG,
    )
    def post(self, request: Request) -> Response:
        """Add what is not here yet. Versions keep their numbers; nothing here is changed."""
        mode = self.check_query(request, "labels").get("labels", "keep")
        if mode not in MODES:
            raise InvalidError(f"labels must be one of {', '.join(MODES)}.", "labels")
        done = import_prompts(
            self.project, request.data, moves_labels=mode == "move", actor=self.actor
        )
        return Response(vars(done))
