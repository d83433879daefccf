"""Langfuse's public API, as far as its SDKs need it to record and to find their project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import problem
from apps.core.bodies import read_body
from apps.core.errors import EncodingError, InvalidError
from apps.ingest import openapi as otlp_openapi
from apps.ingest.batch import Batch, Rejection
from apps.ingest.checks import Refusal
from apps.ingest.clients import Client
from apps.ingest.langfuse import openapi
from apps.ingest.langfuse.bodies import check_count, fit, read_whole, settled
from apps.ingest.langfuse.ingestion import SDK, Library, read_envelopes, read_ingestion
from apps.ingest.langfuse.scores import score_event
from apps.ingest.native import bytes_of
from apps.ingest.services import Receipt
from apps.ingest.text import clean_text
from apps.ingest.views import JSON, PROJECT, IngestAPIView, TraceCollection
from apps.sessions.events import Json
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission


class LangfuseTraceCollection(TraceCollection):
    """Spans over OTLP, at the address to which Langfuse's SDKs send them."""

    @extend_schema(
        operation_id="ingest_langfuse_traces",
        summary="Record spans of Langfuse (OTLP)",
        request=otlp_openapi.otlp_request("ExportTraceServiceRequest"),
        responses=otlp_openapi.otlp_answers("ExportTraceServiceResponse"),
        tags=["langfuse"],
    )
    def post(self, request: Request) -> HttpResponse:
        return super().post(request)


class LangfuseAPIView(IngestAPIView):
    """Takes JSON of Langfuse's SDKs, which name themselves in headers or in the body."""

    # As the body names it.
    named: Library = ("", "")

    @property
    def library(self) -> Library:
        """The SDK that sends."""
        headers = self.request.headers
        if "X-Langfuse-Sdk-Name" not in headers:
            return self.named
        return SDK, headers.get("X-Langfuse-Sdk-Version", "")

    @property
    def client(self) -> Client:
        """The SDK, rather than the HTTP library under it."""
        name, version = self.library
        return Client.of(f"{name}/{version}") if name else super().client

    def body(self) -> bytes:
        """Return the body, if it is JSON."""
        if self.request.content_type.partition(";")[0].strip().lower() != JSON:
            raise EncodingError(f"Send this as {JSON}.")
        return read_body(self.request._request)


class ScoreCollection(LangfuseAPIView):
    """Scores. The same id sent again is the same score."""

    source = "langfuse_scores"

    @extend_schema(
        operation_id="ingest_langfuse_scores",
        summary="Record scores of Langfuse",
        request={JSON: openapi.scores_request()},
        responses={
            200: OpenApiResponse(openapi.scores_answer(), "All are committed."),
            207: OpenApiResponse(openapi.scores_partly(), "Some were refused."),
        },
        tags=["langfuse"],
    )
    def post(self, request: Request) -> Response:
        sent = read_whole(self.body())
        scores = sent if isinstance(sent, list) else [sent]
        check_count(scores)
        receipt = self.record(self.read(scores))
        if receipt.rejected:
            return refused(receipt, is_single=scores is not sent)
        name = "" if scores is sent else id_of(sent)
        return Response({"id": name} if name else {"message": "Accepted"})

    def read(self, scores: list[Json]) -> Batch:
        """Return the events of the scores, and those refused."""
        batch, now = Batch(source=self.source, sent=len(scores)), timezone.now()
        for index, score in enumerate(scores):
            try:
                unread = fit(score)
                event = settled(score_event(unread.fields), unread, score, now)
            except Refusal as refusal:
                batch.refuse(Rejection.of(index, refusal), bytes_of(score))
            else:
                batch.add(event, index, library=self.library)
        return batch


def refused(receipt: Receipt, *, is_single: bool) -> Response:
    """Tell which scores were not taken; a single one is a bad request."""
    if is_single:
        one = receipt.rejected[0]
        refusal = {"path": one.path, "message": one.message}
        return problem(400, InvalidError.title, one.sentence, [refusal])
    errors = [{"message": f"[{one.index}] {one.sentence}"} for one in receipt.rejected]
    accepted = receipt.accepted + receipt.duplicates
    counts = {"accepted": accepted, "rejected": len(errors), "errors": errors}
    return Response(counts, status=207)


class IngestionCollection(LangfuseAPIView):
    """What SDKs before version 3 record, and the scores of version 3."""

    source = "langfuse_ingestion"

    @extend_schema(
        operation_id="ingest_langfuse_batch",
        summary="Record a batch of Langfuse's older SDKs",
        request={JSON: openapi.ingestion_request()},
        responses={207: OpenApiResponse(openapi.ingestion_answer(), "What became of each event.")},
        tags=["langfuse"],
    )
    def post(self, request: Request) -> Response:
        things, self.named = read_envelopes(self.body())
        batch = Batch(source=self.source)
        read_ingestion(things, batch, timezone.now(), self.library)
        receipt = self.record(batch)
        return Response(told(things, receipt.rejected), status=207)


def told(things: list[Json], rejected: list[Rejection]) -> dict[str, Json]:
    """Return what became of each thing, by the id of its envelope."""
    errors = {one.index: one.sentence for one in rejected}
    return {
        "successes": [
            {"id": id_of(thing), "status": 201}
            for index, thing in enumerate(things)
            if index not in errors
        ],
        "errors": [
            {
                "id": id_of(things[index]),
                "status": 400,
                "message": sentence,
                "error": "InvalidRequestError",
            }
            for index, sentence in sorted(errors.items())
        ],
    }


def id_of(thing: Json) -> str:
    """Return the id that a thing came with, as far as it has one, fit to be answered."""
    given = thing.get("id") if isinstance(thing, dict) else None
    return clean_text(given) if isinstance(given, str) else ""


class ProjectList(ProjectAPIView):
    """The project of the key: SDKs ask for it to see whether the key is good."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.INGEST}

    @extend_schema(
        operation_id="langfuse_projects",
        summary="The project of the key, for Langfuse's SDKs",
        responses={200: OpenApiResponse(openapi.projects_answer())},
        tags=["langfuse"],
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request.query_params.dict(), PROJECT)
        organization = self.project.organization
        project: dict[str, Any] = {
            "id": str(self.project.pk),
            "name": self.project.name,
            "organization": {"id": str(organization.pk), "name": organization.name},
            "metadata": {},
        }
        return Response({"data": [project]})
