"""Imports of files by the API."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import QueryDict
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.paging import read_limit
from apps.ingest import import_openapi as openapi
from apps.ingest.imports import queries, receiving, services
from apps.ingest.models import Import
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

PROJECT = frozenset({"project"})
PAGE = PROJECT | {"cursor", "limit"}
READ = {"GET": Permission.INGEST}
CHANGE = {"POST": Permission.INGEST}
PAGING = [
    OpenApiParameter("limit", int, description="At most 500; 50 without it."),
    OpenApiParameter("cursor", str, description="`next` of the page before."),
]


class ImportCollection(ProjectAPIView):
    """Files to import. The view reads the body itself, as it arrives."""

    needs: ClassVar[Mapping[str, Permission]] = READ | CHANGE
    parser_classes: ClassVar[list[Any]] = []  # type: ignore[misc]

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        if request.method == "POST":
            # Django would read the whole body to look for a CSRF token; the header carries it.
            request.POST = QueryDict()
        return super().initialize_request(request, *args, **kwargs)

    @extend_schema(
        operation_id="imports",
        summary="Imports, the newest first",
        parameters=PAGING,
        responses={200: OpenApiResponse(openapi.imports_answer())},
        tags=["ingest"],
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request.query_params.dict(), PAGE)
        limit = read_limit(request.query_params.get("limit"))
        cursor = request.query_params.get("cursor")
        page = queries.import_page(self.project, cursor=cursor, limit=limit)
        return Response({"results": [queries.answer(row) for row in page], "next": page.next})

    @extend_schema(
        operation_id="start_import",
        summary="Import a file of recorded sessions",
        description="Answers once the file is stored; it is read in the background.",
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="The same key and file again give the same import again.",
            )
        ],
        request={"multipart/form-data": openapi.import_request()},
        responses={202: OpenApiResponse(openapi.import_answer(), "The file is stored.")},
        tags=["ingest"],
    )
    def post(self, request: Request) -> Response:
        refuse_unknown(request.query_params.dict(), PROJECT)
        upload = receiving.receive(
            request._request, self.project, environment=self.environment, actor=self.actor
        )
        row = upload.accept(self.actor)
        where = reverse("import_detail", args=[row.pk])
        return Response(queries.answer(row), status=202, headers={"Location": where})


class ImportDetail(ProjectAPIView):
    """One import: how far it is, and the first of what was refused."""

    needs: ClassVar[Mapping[str, Permission]] = READ

    @extend_schema(
        operation_id="import",
        summary="How far an import is",
        responses={200: OpenApiResponse(openapi.import_answer(with_errors=True))},
        tags=["ingest"],
    )
    def get(self, request: Request, import_id: uuid.UUID) -> Response:
        refuse_unknown(request.query_params.dict(), PROJECT)
        row = queries.import_of(self.project, import_id)
        first = queries.refusal_page(row, limit=queries.FIRST_REFUSALS)
        errors = [queries.refusal_answer(one) for one in first]
        return Response(queries.answer(row) | {"errors": errors})


class ImportErrors(ProjectAPIView):
    """What of a file was refused, record by record; the first thousand."""

    needs: ClassVar[Mapping[str, Permission]] = READ

    @extend_schema(
        operation_id="import_errors",
        summary="What of a file was refused",
        parameters=PAGING,
        responses={200: OpenApiResponse(openapi.import_errors_answer())},
        tags=["ingest"],
    )
    def get(self, request: Request, import_id: uuid.UUID) -> Response:
        refuse_unknown(request.query_params.dict(), PAGE)
        row = queries.import_of(self.project, import_id)
        limit = read_limit(request.query_params.get("limit"))
        page = queries.refusal_page(row, cursor=request.query_params.get("cursor"), limit=limit)
        return Response(
            {"results": [queries.refusal_answer(one) for one in page], "next": page.next}
        )


class ImportChange(ProjectAPIView):
    """Something done with an import. Doing it twice changes nothing."""

    needs: ClassVar[Mapping[str, Permission]] = CHANGE

    def change(self, row: Import) -> Import:
        raise NotImplementedError

    def post(self, request: Request, import_id: uuid.UUID) -> Response:
        refuse_unknown(request.query_params.dict(), PROJECT)
        row = self.change(queries.import_of(self.project, import_id))
        return Response(queries.answer(row))


class CancelImport(ImportChange):
    """Stops an import; what is in stays."""

    @extend_schema(
        operation_id="cancel_import",
        summary="Stop an import; what is in stays",
        request=None,
        responses={200: OpenApiResponse(openapi.import_answer())},
        tags=["ingest"],
    )
    def post(self, request: Request, import_id: uuid.UUID) -> Response:
        return super().post(request, import_id)

    def change(self, row: Import) -> Import:
        return services.cancel_import(row, actor=self.actor)


class ResumeImport(ImportChange):
    """Goes on with an import that failed or was cancelled."""

    @extend_schema(
        operation_id="resume_import",
        summary="Go on with an import that failed or was cancelled",
        request=None,
        responses={200: OpenApiResponse(openapi.import_answer())},
        tags=["ingest"],
    )
    def post(self, request: Request, import_id: uuid.UUID) -> Response:
        return super().post(request, import_id)

    def change(self, row: Import) -> Import:
        return services.resume_import(row, actor=self.actor)
