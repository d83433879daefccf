"""Reading sessions over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import services as audit
from apps.core.errors import InvalidError
from apps.core.paging import decode_cursor, encode_cursor, read_limit
from apps.sessions import queries, reader, search
from apps.sessions.api import serializers
from apps.sessions.api.output import detail_json, hit_json, sessions_json, step_json
from apps.sessions.filters import FACET_FILTERS, READERS, SessionFilters, refuse_unknown
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.state import state_at
from apps.tenants.access import permissions_in_project
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

PAGING = frozenset({"cursor", "limit"})
# A signed-in person names the project in the query string.
COMMON = frozenset({"project"})
PERMANENT_REDIRECT = 308


def text_parameters(*names: str) -> list[OpenApiParameter]:
    """Return optional query parameters for the OpenAPI document."""
    return [OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in names]


def record_reading(view: ProjectAPIView, sessions: Iterable[Session]) -> None:
    """Write down whose content this request reads."""
    audit.record_reading(
        view.actor,
        organization_id=view.project.organization_id,
        project_id=view.project.pk,
        session_ids=[str(session.pk) for session in sessions],
    )


class SessionAPIView(ProjectAPIView):
    """A view of one session of the project; it takes metadata rights, and asks for more itself."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}
    # Query parameters that the view knows.
    known: ClassVar[frozenset[str]] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown(request.query_params.dict(), self.known | COMMON)
        self.session = self._find(kwargs["session_id"])

    def _find(self, session_id: UUID) -> Session:
        session = self.project.sessions.filter(pk=session_id).first()
        if session is None:
            raise Http404
        return session

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().dispatch(request, *args, **kwargs)
        session = getattr(self, "session", None)
        if session is None or session.merged_into_id is None or response.status_code >= 400:
            return response
        path = request.get_full_path().replace(str(session.pk), str(session.merged_into_id))
        response = Response(status=PERMANENT_REDIRECT, headers={"Location": path})
        return self.finalize_response(self.request, response, *args, **kwargs)

    def read_content(self) -> None:
        """Check the right to read content and write down that it was read."""
        self.require(Permission.READ_CONTENT)
        record_reading(self, [self.session])


class SessionCollection(ProjectAPIView):
    """The project's sessions, newest first unless sorted otherwise."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    @extend_schema(
        operation_id="list_sessions",
        responses=serializers.SessionPageOut,
        parameters=text_parameters(*READERS, *FACET_FILTERS, *sorted(PAGING)),
    )
    def get(self, request: Request) -> Response:
        query = request.query_params.dict()
        filters = SessionFilters.from_query(query, also=PAGING | COMMON)
        cursor, limit = query.get("cursor"), read_limit(query.get("limit"))
        if filters.q:
            return self._search(filters, cursor, limit)
        page = queries.session_page(self.project, filters, cursor=cursor, limit=limit)
        content = self.may(Permission.READ_CONTENT)
        if content:
            # A title is the beginning of what somebody wrote.
            record_reading(self, page.rows)
        results = sessions_json(self.project, page.rows, content=content)
        return Response({"results": results, "next": page.next})

    def _search(self, filters: SessionFilters, cursor: str | None, limit: int) -> Response:
        # Whether a word occurs is content.
        self.require(Permission.READ_CONTENT)
        found = search.find(self.project, filters, cursor=cursor, limit=limit)
        record_reading(self, found.page.rows)
        results = sessions_json(self.project, found.page.rows, content=True)
        for shape in results:
            shape["hits"] = [hit_json(hit) for hit in found.hits[shape["id"]]]
        return Response(
            {"results": results, "next": found.page.next, "is_complete": found.is_complete}
        )


class SessionDetail(SessionAPIView):
    """One session without its events."""

    @extend_schema(operation_id="read_session", responses=serializers.SessionDetailOut)
    def get(self, request: Request, session_id: UUID) -> Response:
        content = self.may(Permission.READ_CONTENT)
        if content:
            record_reading(self, [self.session])
        beyond = Permission.READ_META in permissions_in_project(self.actor, self.project)
        return Response(detail_json(self.project, self.session, content=content, beyond=beyond))


class EventCollection(SessionAPIView):
    """The session's events in replay order."""

    known: ClassVar[frozenset[str]] = PAGING | {"fields", "raw"}

    @extend_schema(
        operation_id="list_events",
        responses=serializers.EventPageOut,
        parameters=text_parameters("fields", "raw", *sorted(PAGING)),
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        query = request.query_params
        content = read_fields(query.get("fields"))
        if content:
            self.read_content()
        limit = read_limit(query.get("limit"))
        after = read_seq(query.get("cursor"))
        layout = layout_of(self.session)
        chosen = range(len(layout))[after : after + limit]
        raw = content and query.get("raw") in ("1", "true")
        read = reader.read_at(self.session, layout, chosen, content=content, raw=raw)
        more = after + limit < len(layout)
        return Response(
            {
                "results": [step_json(event, raw=raw) for _, event in read],
                "next": encode_cursor(after + limit) if more else None,
            }
        )


class EventDetail(SessionAPIView):
    """One event whole, with the attributes as its client sent them."""

    @extend_schema(operation_id="read_event", responses=serializers.EventOut)
    def get(self, request: Request, session_id: UUID, event_id: str) -> Response:
        self.read_content()
        row = reader.read_step(self.session, event_id, raw=True)
        if row is None:
            raise Http404
        return Response(step_json(row, raw=True))


class StateDetail(SessionAPIView):
    """The folded state after a step, and what that step changed."""

    known: ClassVar[frozenset[str]] = frozenset({"at"})

    @extend_schema(
        operation_id="read_state", responses=serializers.StateOut, parameters=text_parameters("at")
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        self.read_content()
        last = self.session.event_count
        at = read_step_number(request.query_params.get("at", str(last)), last)
        state = state_at(self.session, at)
        return Response({"at": at, "state": state.state, "changes": state.changes})


def read_fields(text: str | None) -> bool:
    """Return whether content is asked for."""
    if text not in (None, "meta", "all"):
        raise InvalidError("fields must be `meta` or `all`.", "fields")
    return text != "meta"


def read_seq(cursor: str | None) -> int:
    """Return how many steps lie before the page."""
    if not cursor:
        return 0
    (after,) = decode_cursor(cursor, 1)
    if not isinstance(after, int) or after < 0:
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor")
    return after


def read_step_number(text: str, last: int) -> int:
    """Return a step's number; step 0 is before the first."""
    if not text.isascii() or not text.isdigit() or int(text[:9]) > last:
        raise InvalidError(f"at must be a step from 0 to {last}.", "at")
    return int(text)
