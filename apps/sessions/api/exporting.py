"""Taking one session away over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.sessions.api.output import session_json
from apps.sessions.api.serializers import EventOut, SessionOut
from apps.sessions.api.views import SessionAPIView
from apps.sessions.export_views import as_file
from apps.sessions.exporting import FORMS, export_session, form_named
from apps.tenants.permissions import Permission

FORMAT = OpenApiParameter(
    "format",
    str,
    OpenApiParameter.QUERY,
    required=True,
    enum=list(FORMS),
    description="`html`: one page that opens without a network; `playhead-jsonl`: events that can"
    " be imported again, a manifest in the last line; `json`: one document with all that is known"
    " of each step.",
)


class DocumentOut(serializers.Serializer[Any]):
    """A session as one document: the session, its steps, and how many there are."""

    playhead = serializers.DictField(help_text="The form, its version, and when it was made.")
    session = SessionOut()
    events = EventOut(many=True)
    manifest = serializers.DictField(
        help_text="`events`, and `events_sha256` of their lines as they stand in the document."
    )


class AnyForm(BaseContentNegotiation):
    """Leaves the form of the answer to the view: DRF would take ``format`` for its own."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class Export(SessionAPIView):
    """One session as a file."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_CONTENT}
    known: ClassVar[frozenset[str]] = frozenset({"format"})
    content_negotiation_class = AnyForm

    @extend_schema(
        operation_id="export_session",
        summary="Take a session away",
        parameters=[FORMAT],
        responses={
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/x-ndjson"): OpenApiTypes.STR,
            (200, "application/json"): DocumentOut,
        },
    )
    def get(self, request: Request, session_id: UUID) -> HttpResponseBase:
        form = form_named(request.query_params.get("format", ""))
        if self.session.merged_into_id is not None:
            # Answered by a redirect to the session that it joined.
            return Response()
        facts = session_json(self.project, self.session, content=True)
        content = export_session(self.session, form, facts, actor=self.actor)
        return as_file(content, form, [self.session])
