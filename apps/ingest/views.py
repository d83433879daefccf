"""The ways in: native events and OTLP. Each reads its body itself; DRF parses nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import OrjsonRenderer
from apps.core.bodies import read_body
from apps.core.errors import DomainError, EncodingError, LimitError
from apps.core.patience import patience
from apps.ingest import openapi, quotas, services
from apps.ingest.batch import Batch
from apps.ingest.checks import MAX_EVENTS
from apps.ingest.clients import Client
from apps.ingest.logs import read_logs
from apps.ingest.native import read_events
from apps.ingest.otlp import protobuf, wire_json
from apps.ingest.services import Receipt
from apps.ingest.traces import read_spans
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

log = structlog.get_logger(__name__)

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
PROJECT = frozenset({"project"})
NAMED_REJECTIONS = 10
REASONS = {400: "request_unreadable", 413: "request_too_large", 415: "request_encoding"}


class IngestAPIView(ProjectAPIView):
    """Takes what clients record. A request that cannot be read is counted all the same."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.INGEST}
    parser_classes: ClassVar[list[Any]] = []  # type: ignore[misc]
    source: ClassVar[str]
    # The quota that is nearest to its end, told with every answer.
    use: quotas.Use | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # A sender is better off with a 503 than without an answer.
        with patience(settings.PLAYHEAD_INGEST_PATIENCE_SECONDS):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown(request.query_params.dict(), PROJECT)
        if request.method == "POST":
            # Before the body is read: what cannot be taken costs its sender's time alone.
            self.use = quotas.admit(self.project)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in (self.use.headers if self.use else {}).items():
            response[name] = value
        return response

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Answer in the request's own type, whatever the client says it accepts."""
        return OrjsonRenderer(), JSON

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, quotas.QuotaSpentError):
            self.use = exc.use
            self._count_refusal(exc.reason)
        elif isinstance(exc, DomainError) and exc.status in REASONS and hasattr(self, "project"):
            self._count_refusal(REASONS[exc.status])
        return super().handle_exception(exc)

    def _count_refusal(self, reason: str) -> None:
        try:
            services.count_refused_request(self.project, self.source, reason, self.client)
        except DatabaseError as error:
            log.warning("a refused request could not be counted", error=str(error))

    @property
    def client(self) -> Client:
        """The software that sent the request."""
        return Client.of(self.request.headers.get("User-Agent", ""))

    def record(self, batch: Batch) -> Receipt:
        """Commit what the request brought."""
        return services.ingest(
            self.project,
            batch,
            client=self.client,
            environment=self.environment,
            origin="demo" if self.project.is_demo else "live",
        )


class EventCollection(IngestAPIView):
    """Events in Playhead's own shape."""

    source = "events"

    @extend_schema(
        operation_id="ingest_events",
        summary="Record events",
        request={JSON: openapi.events_request()},
        responses={
            200: OpenApiResponse(openapi.events_answer(), "All events are committed."),
            207: OpenApiResponse(openapi.events_answer(), "Some events were refused."),
        },
        tags=["ingest"],
    )
    def post(self, request: Request) -> Response:
        if request.content_type.partition(";")[0].strip().lower() != JSON:
            raise EncodingError(f"Send events as {JSON}.")
        batch = read_events(read_body(request._request), timezone.now())
        receipt = self.record(batch)
        return Response(
            {
                "accepted": receipt.accepted,
                "duplicates": receipt.duplicates,
                "rejected": [rejection.answer for rejection in receipt.rejected],
            },
            status=207 if receipt.rejected else 200,
        )


class OtlpAPIView(IngestAPIView):
    """Takes OTLP over HTTP, in protobuf or JSON, and answers in the same."""

    answer_type: ClassVar[Callable[..., Any]]
    rejected_field: ClassVar[str]

    def read(self, body: bytes, reader: Any, batch: Batch, now: datetime) -> None:
        """Put the events in ``body`` into ``batch``."""
        raise NotImplementedError

    def post(self, request: Request) -> HttpResponse:
        content_type = request.content_type.partition(";")[0].strip().lower()
        reader = READERS.get(content_type)
        if reader is None:
            raise EncodingError(f"Send OTLP as {PROTOBUF} or {JSON}.")
        batch = Batch(source=self.source)
        self.read(read_body(request._request), reader, batch, timezone.now())
        receipt = self.record(batch)
        rejected = len(receipt.rejected)
        return self._answer(content_type, rejected, _sentence(receipt) if rejected else "")

    def _answer(self, content_type: str, rejected: int, message: str) -> HttpResponse:
        if content_type == JSON:
            partial = {_camel(self.rejected_field): str(rejected), "errorMessage": message}
            return Response({"partialSuccess": partial} if rejected else {})
        answer = type(self).answer_type()
        if rejected:
            setattr(answer.partial_success, self.rejected_field, rejected)
            answer.partial_success.error_message = message
        return HttpResponse(answer.SerializeToString(), content_type=PROTOBUF)


class TraceCollection(OtlpAPIView):
    """Spans of any OpenTelemetry client."""

    source = "otlp_traces"
    answer_type = ExportTraceServiceResponse
    rejected_field = "rejected_spans"

    @extend_schema(
        operation_id="ingest_traces",
        summary="Record spans (OTLP)",
        request=openapi.otlp_request("ExportTraceServiceRequest"),
        responses=openapi.otlp_answers("ExportTraceServiceResponse"),
        tags=["ingest"],
    )
    def post(self, request: Request) -> HttpResponse:
        return super().post(request)

    def read(self, body: bytes, reader: Any, batch: Batch, now: datetime) -> None:
        spans = reader.read_spans(body, batch)
        _check_count(batch)
        read_spans(spans, batch, now)


class LogCollection(OtlpAPIView):
    """Log records of any OpenTelemetry client."""

    source = "otlp_logs"
    answer_type = ExportLogsServiceResponse
    rejected_field = "rejected_log_records"

    @extend_schema(
        operation_id="ingest_logs",
        summary="Record log records (OTLP)",
        request=openapi.otlp_request("ExportLogsServiceRequest"),
        responses=openapi.otlp_answers("ExportLogsServiceResponse"),
        tags=["ingest"],
    )
    def post(self, request: Request) -> HttpResponse:
        return super().post(request)

    def read(self, body: bytes, reader: Any, batch: Batch, now: datetime) -> None:
        logs = reader.read_logs(body, batch)
        _check_count(batch)
        read_logs(logs, batch, now)


READERS: Mapping[str, Any] = {PROTOBUF: protobuf, JSON: wire_json}


def _check_count(batch: Batch) -> None:
    if batch.sent > MAX_EVENTS:
        raise LimitError(f"More than the limit of {MAX_EVENTS} events in one request.")


def _sentence(receipt: Receipt) -> str:
    """Return the reasons of the first refusals, for a person who reads a client's log."""
    told = [f"[{one.index}] {one.sentence}" for one in receipt.rejected[:NAMED_REJECTIONS]]
    more = len(receipt.rejected) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
