"""A person's inbox over HTTP."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.sessions.filters import read_flag, refuse_unknown
from apps.tenants import inbox
from apps.tenants.doors import CredentialAPIView, person_of
from apps.tenants.models import ApiKey
from apps.tickets.inbox_rows import InboxRow, inbox_page
from apps.tickets.shapes import InboxPageOut, ReadIn, ReadOut

NO_INBOX = "An inbox is a person's: a key has none. Sign in."


class InboxAPIView(CredentialAPIView):
    """A view of the inbox of whoever is signed in; it needs no project."""

    def reader(self, request: Request) -> User:
        if isinstance(request.auth, ApiKey):
            raise PermissionDenied(NO_INBOX)
        return person_of(request)


class Inbox(InboxAPIView):
    """What the person was told in all their projects."""

    @extend_schema(
        operation_id="read_inbox",
        summary="Your inbox",
        responses=InboxPageOut,
        parameters=[
            OpenApiParameter("unread", bool, description="`true`: only what you have not read."),
            OpenApiParameter("cursor", str),
            OpenApiParameter("limit", int),
        ],
        tags=["inbox"],
    )
    def get(self, request: Request) -> Response:
        """Mentions, replies, tickets and sessions that were given to you, the latest first."""
        person = self.reader(request)
        query = request.query_params.dict()
        refuse_unknown(query, frozenset({"unread", "cursor", "limit"}))
        page = inbox_page(
            person,
            unread=read_flag("unread", query.get("unread", "false")),
            cursor=query.get("cursor"),
            limit=read_limit(query.get("limit")),
        )
        results = [inbox_json(row) for row in page]
        unread = inbox.unread_count(person)
        return Response({"results": results, "next": page.next, "unread": unread})


class InboxRead(InboxAPIView):
    """Marks entries of the inbox."""

    @extend_schema(
        operation_id="mark_read",
        summary="Mark entries as read",
        request=ReadIn,
        responses=ReadOut,
        tags=["inbox"],
    )
    def post(self, request: Request) -> Response:
        """Mark some entries as read or unread, or all up to one as read."""
        person = self.reader(request)
        refuse_unknown(request.query_params.dict(), frozenset())
        told = ReadIn(data=request.data)
        told.is_valid(raise_exception=True)
        sent = told.validated_data
        if ("ids" in sent) == ("until" in sent):
            raise InvalidError("Send either ids or until.", "ids")
        if "ids" in sent:
            changed = inbox.mark_read(person, sent["ids"], is_read=sent["is_read"])
        elif sent["is_read"]:
            changed = inbox.mark_all_read(person, until=sent["until"])
        else:
            raise InvalidError("Only entries named by ids can be marked as unread.", "is_read")
        return Response({"changed": changed, "unread": inbox.unread_count(person)})


def inbox_json(row: InboxRow) -> dict[str, Any]:
    entry, project = row.entry, row.project
    return {
        "id": entry.pk,
        "kind": entry.kind,
        "project": f"{project.organization.slug}/{project.slug}" if project else None,
        "by": row.told_by,
        "at": entry.told_at,
        "times": entry.times,
        "about": row.about if entry.session_id is None else "",
        "session": str(entry.session_id) if entry.session_id else None,
        "event": entry.event_id.hex if entry.event_id else None,
        "ticket": row.ticket,
        "comment": row.comment,
        "read_at": entry.read_at,
        "url": row.url or None,
    }
