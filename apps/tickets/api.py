"""Tickets over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core.api import problem
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.sessions.filters import refuse_unknown
from apps.sessions.models import Session
from apps.tenants.access import people_who_may_see
from apps.tenants.doors import ProjectAPIView
from apps.tenants.idempotency import repeatable
from apps.tenants.models import Project
from apps.tenants.permissions import Permission
from apps.tickets import queries, services
from apps.tickets.fields import Draft
from apps.tickets.models import Ticket
from apps.tickets.queries import TicketFilters
from apps.tickets.rows import TicketRow, rows_of
from apps.tickets.services import StaleError
from apps.tickets.shapes import PatchIn, TicketDetailOut, TicketIn, TicketOut, TicketPageOut

Json = Any

COMMON = frozenset({"project"})
PAGING = frozenset({"cursor", "limit"})
FILTERS = ("status", "severity", "assignee", "session", "unclaimed", "sort", "cursor", "limit")
ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')
NO_VERSION = "Say which version you saw: `version` in the body, or If-Match."


class TicketAPIView(ProjectAPIView):
    """A view that answers with tickets."""

    def check_query(self, request: Request) -> None:
        refuse_unknown(request.query_params.dict(), COMMON)

    def answer(self, ticket: Ticket, status: int = 200) -> Response:
        """Answer with a ticket, its words only for those who may read content."""
        [shape] = self.shapes([ticket])
        return Response(shape, status=status, headers={"ETag": f'"{ticket.version}"'})

    def shapes(self, tickets: Sequence[Ticket]) -> list[dict[str, Json]]:
        content = self.may(Permission.READ_CONTENT)
        if content and tickets:
            audit.record_reading(
                self.actor,
                organization_id=self.project.organization_id,
                project_id=self.project.pk,
                session_ids=[str(ticket.session_id) for ticket in tickets],
            )
        rows = rows_of(self.project, tickets, content=content)
        return [ticket_json(self.project, row) for row in rows]

    @property
    def person_id(self) -> int | None:
        return int(self.actor.id) if self.actor.kind == "user" else None


class TicketCollection(TicketAPIView):
    """The project's tickets."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_META,
        "POST": Permission.ANNOTATE,
    }

    @extend_schema(
        operation_id="list_tickets",
        summary="List tickets",
        responses=TicketPageOut,
        parameters=[OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in FILTERS],
        tags=["tickets"],
    )
    def get(self, request: Request) -> Response:
        """The newest first, or with `sort=urgent` the most urgent."""
        query = request.query_params.dict()
        page = queries.ticket_page(
            self.project,
            TicketFilters.from_query(query, also=COMMON | PAGING),
            person_id=self.person_id,
            cursor=query.get("cursor"),
            limit=read_limit(query.get("limit")),
        )
        return Response({"results": self.shapes(page.rows), "next": page.next})

    @repeatable
    @extend_schema(
        operation_id="open_ticket",
        summary="Open a ticket",
        request=TicketIn,
        responses={201: TicketOut},
        tags=["tickets"],
    )
    def post(self, request: Request) -> Response:
        """Open a ticket about a session, or about one of its steps."""
        self.check_query(request)
        told = TicketIn(data=request.data)
        told.is_valid(raise_exception=True)
        wanted = dict(told.validated_data)
        session = find_session(self.project, wanted.pop("session"))
        event = wanted.pop("event", None)
        ticket = services.open_ticket(
            session,
            draft=Draft(**changes_in(self.project, wanted)),
            event_id=UUID(event) if event else None,
            actor=self.actor,
        )
        self.told_session = ticket.session_id
        return self.answer(ticket, 201)


class TicketDetail(TicketAPIView):
    """One ticket, by its number."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_META,
        "PATCH": Permission.ANNOTATE,
    }

    @extend_schema(
        operation_id="read_ticket",
        summary="One ticket with its history",
        responses=TicketDetailOut,
        tags=["tickets"],
    )
    def get(self, request: Request, number: int) -> Response:
        self.check_query(request)
        ticket = queries.find_ticket(self.project, number)
        answer = self.answer(ticket)
        told = queries.history(ticket, content=self.may(Permission.READ_CONTENT))
        answer.data["history"] = [
            {
                "version": change.version,
                "by": change.changed_by,
                "at": change.changed_at,
                "changes": change.fields,
            }
            for change in told
        ]
        return answer

    @extend_schema(
        operation_id="change_ticket",
        summary="Change a ticket",
        request=PatchIn,
        responses=TicketOut,
        tags=["tickets"],
    )
    def patch(self, request: Request, number: int) -> Response:
        """Change fields; a version that is no longer current is a 409 that holds the ticket."""
        self.check_query(request)
        ticket = queries.find_ticket(self.project, number)
        told = PatchIn(data=request.data)
        told.is_valid(raise_exception=True)
        wanted = dict(told.validated_data)
        seen = read_version(request, wanted.pop("version", None))
        changes = changes_in(self.project, wanted)
        try:
            ticket = services.change_ticket(
                ticket, changes=changes, seen_version=seen, actor=self.actor
            )
        except StaleError as error:
            return self._stale(error)
        return self.answer(ticket)

    def _stale(self, error: StaleError) -> Response:
        answer = problem(error.status, error.title, str(error))
        if self.may(Permission.READ_META):
            [answer.data["ticket"]] = self.shapes([error.ticket])
        answer["ETag"] = f'"{error.ticket.version}"'
        return answer


class NextTicket(TicketAPIView):
    """Claims the most urgent ticket that nobody works on."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.ANNOTATE}

    @repeatable
    @extend_schema(
        operation_id="claim_next_ticket",
        summary="Claim the next ticket",
        request=None,
        responses={200: TicketOut, 204: None},
        tags=["tickets"],
    )
    def post(self, request: Request) -> Response:
        """Hold it for 20 minutes; nobody else is given it meanwhile. 204: there is none."""
        self.check_query(request)
        ticket = services.claim_next_ticket(self.project, actor=self.actor)
        if ticket is None:
            return Response(status=204)
        self.told_session = ticket.session_id
        return self.answer(ticket)


class TicketClaim(TicketAPIView):
    """Holds one ticket, or lets it go."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "POST": Permission.ANNOTATE,
        "DELETE": Permission.ANNOTATE,
    }

    @extend_schema(
        operation_id="claim_ticket",
        summary="Claim a ticket",
        request=None,
        responses=TicketOut,
        tags=["tickets"],
    )
    def post(self, request: Request, number: int) -> Response:
        """Hold it for 20 minutes from now; 409 while somebody else does."""
        self.check_query(request)
        ticket = queries.find_ticket(self.project, number)
        return self.answer(services.claim_ticket(ticket, actor=self.actor))

    @extend_schema(
        operation_id="release_ticket",
        summary="Let go of a ticket",
        responses=TicketOut,
        tags=["tickets"],
    )
    def delete(self, request: Request, number: int) -> Response:
        """Give up one's own claim. One of somebody else stays."""
        self.check_query(request)
        ticket = queries.find_ticket(self.project, number)
        return self.answer(services.release_ticket(ticket, actor=self.actor))


def ticket_json(project: Project, row: TicketRow) -> dict[str, Json]:
    ticket, words = row.ticket, row.words
    place = (project.organization.slug, project.slug, ticket.number)
    claim = {"by": ticket.held_by, "until": ticket.claimed_until} if ticket.is_held else None
    return {
        "number": ticket.number,
        "version": ticket.version,
        "title": words.title if words else None,
        "description": words.description if words else None,
        "status": ticket.status,
        "severity": row.severity,
        "assignee": ticket.assignee.email if ticket.assignee else None,
        "due_on": ticket.due_on.isoformat() if ticket.due_on else None,
        "session": str(ticket.session_id),
        "event": row.step_id or None,
        "claim": claim,
        "opened_by": ticket.opened_by,
        "opened_at": ticket.opened_at,
        "changed_at": ticket.changed_at,
        "url": reverse("tickets:ticket", args=place),
    }


def find_session(project: Project, session_id: UUID) -> Session:
    """Return a session of the project that a ticket may be about."""
    session = project.sessions.filter(pk=session_id, erased_at=None).first()
    if session is None:
        raise InvalidError("There is no such session in this project.", "session")
    session.project = project
    return session


def changes_in(project: Project, wanted: Mapping[str, Json]) -> dict[str, Json]:
    """Return what was sent as the services take it."""
    changes = dict(wanted)
    if "severity" in changes:
        changes["severity"] = queries.read_severity(changes["severity"])
    if changes.get("assignee") is not None:
        changes["assignee"] = find_person(project, changes["assignee"])
    return changes


def find_person(project: Project, email: str) -> User:
    """Return whom an address means, among those to whom a ticket can be given."""
    person = people_who_may_see(project).filter(email=email.lower()).first()
    if person is None:
        raise InvalidError("Nobody of this address may see this project's sessions.", "assignee")
    return person


def read_version(request: Request, version: int | None) -> int:
    """Return which version of the ticket a change was made for."""
    if version is not None:
        return version
    match = ETAG.fullmatch(request.headers.get("If-Match", "").strip())
    if match is None:
        raise InvalidError(NO_VERSION, "version")
    return int(match[1])
