"""Share links and grants over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.annotations import share_links
from apps.annotations.share_address import address_of
from apps.annotations.share_audience import person_called
from apps.annotations.share_links import Terms
from apps.annotations.share_models import ShareLink
from apps.sessions.api.views import SessionAPIView
from apps.tenants import grants
from apps.tenants.grants import Guest
from apps.tenants.permissions import Permission

NEEDS_SHARE = {"GET": Permission.SHARE, "POST": Permission.SHARE}


class ShareLinkIn(serializers.Serializer[Any]):
    """A new link."""

    event = serializers.RegexField(
        "^[0-9a-f]{32}$", required=False, allow_null=True, help_text="Null: the whole session."
    )
    days = serializers.IntegerField(
        required=False, default=share_links.DAYS, min_value=1, max_value=share_links.MOST_DAYS
    )
    passphrase = serializers.CharField(
        required=False, allow_null=True, trim_whitespace=False, max_length=128
    )
    most_openings = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=share_links.MOST_OPENINGS
    )
    note = serializers.CharField(
        required=False, allow_null=True, max_length=share_links.LONGEST_NOTE
    )


class ShareLinkOut(serializers.Serializer[Any]):
    """A link, without its address: that is told once, by the answer that makes it."""

    id = serializers.IntegerField()
    url = serializers.CharField(
        allow_null=True, help_text="Null but in the answer that makes the link."
    )
    event = serializers.CharField(allow_null=True)
    note = serializers.CharField(allow_null=True)
    has_passphrase = serializers.BooleanField()
    openings = serializers.IntegerField()
    most_openings = serializers.IntegerField(allow_null=True)
    last_opened_at = serializers.DateTimeField(allow_null=True)
    made_by = serializers.CharField()
    made_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    revoked_by = serializers.CharField(allow_null=True)


class ShareLinksOut(serializers.Serializer[Any]):
    results = ShareLinkOut(many=True)


class GrantIn(serializers.Serializer[Any]):
    """To whom a session is shown."""

    email = serializers.EmailField()
    annotate = serializers.BooleanField(required=False, default=False)


class GrantOut(serializers.Serializer[Any]):
    """A person to whom the session was given."""

    person = serializers.IntegerField()
    email = serializers.EmailField()
    annotate = serializers.BooleanField()
    given_by = serializers.CharField()
    given_at = serializers.DateTimeField()


class GrantsOut(serializers.Serializer[Any]):
    results = GrantOut(many=True)


class SharingAPIView(SessionAPIView):
    """A view for those who may show the session to others: reading it is part of that."""

    needs: ClassVar[Mapping[str, Permission]] = NEEDS_SHARE

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.require(Permission.READ_CONTENT)
        if self.session.erased_at is not None:
            raise Http404


class ShareLinks(SharingAPIView):
    """The session's share links."""

    @extend_schema(operation_id="list_share_links", responses=ShareLinksOut)
    def get(self, request: Request, session_id: UUID) -> Response:
        found = share_links.links_of(self.session)
        return Response({"results": [link_json(link, note) for link, note in found]})

    @extend_schema(
        operation_id="make_share_link", request=ShareLinkIn, responses={201: ShareLinkOut}
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        if self.session.merged_into_id is not None:
            # Answered by a redirect to the session that it joined.
            return Response()
        told = ShareLinkIn(data=request.data)
        told.is_valid(raise_exception=True)
        terms = terms_of(told.validated_data)
        link, token = share_links.make_link(self.session, terms, actor=self.actor)
        return Response(link_json(link, terms.note, address_of(token)), status=201)


class ShareLinkDetail(SharingAPIView):
    """One share link."""

    needs: ClassVar[Mapping[str, Permission]] = {"DELETE": Permission.SHARE}

    @extend_schema(operation_id="revoke_share_link", responses={204: None})
    def delete(self, request: Request, session_id: UUID, link_id: int) -> Response:
        links = self.project.share_links.filter(session=self.session)
        link = links.filter(pk=link_id).first()
        if link is None:
            raise Http404
        share_links.revoke_link(link, actor=self.actor)
        return Response(status=204)


class Grants(SharingAPIView):
    """The people to whom the session was given."""

    @extend_schema(operation_id="list_grants", responses=GrantsOut)
    def get(self, request: Request, session_id: UUID) -> Response:
        found = grants.guests_of(self.project, self.session)
        return Response({"results": [guest_json(guest) for guest in found]})

    @extend_schema(operation_id="grant_session", request=GrantIn, responses={201: GrantOut})
    def post(self, request: Request, session_id: UUID) -> Response:
        if self.session.merged_into_id is not None:
            # Answered by a redirect to the session that it joined.
            return Response()
        told = GrantIn(data=request.data)
        told.is_valid(raise_exception=True)
        guest = grants.grant_session(
            self.project,
            self.session,
            person=person_called(self.project, told.validated_data["email"]),
            annotate=told.validated_data["annotate"],
            actor=self.actor,
        )
        return Response(guest_json(guest), status=201)


class GrantDetail(SharingAPIView):
    """The grant to one person."""

    needs: ClassVar[Mapping[str, Permission]] = {"DELETE": Permission.SHARE}

    @extend_schema(operation_id="take_grant", responses={204: None})
    def delete(self, request: Request, session_id: UUID, person_id: int) -> Response:
        held = self.project.session_grants.filter(content_object=self.session)
        grant = held.filter(user_id=person_id).select_related("user").first()
        if grant is None:
            raise Http404
        grants.take_grant(self.project, self.session, person=grant.user, actor=self.actor)
        return Response(status=204)


def terms_of(told: Mapping[str, Any]) -> Terms:
    return Terms(
        event_id=told.get("event") or "",
        days=told["days"],
        passphrase=told.get("passphrase") or "",
        most_openings=told.get("most_openings"),
        note=" ".join((told.get("note") or "").split()),
    )


def link_json(link: ShareLink, note: str, url: str | None = None) -> dict[str, Any]:
    return {
        "id": link.pk,
        "url": url,
        "event": link.event_id.hex if link.event_id else None,
        "note": note or None,
        "has_passphrase": bool(link.passphrase),
        "openings": link.openings,
        "most_openings": link.most_openings,
        "last_opened_at": link.last_opened_at,
        "made_by": link.by,
        "made_at": link.made_at,
        "expires_at": link.expires_at,
        "revoked_at": link.revoked_at,
        "revoked_by": link.revoked_by or None,
    }


def guest_json(guest: Guest) -> dict[str, Any]:
    return {
        "person": guest.person.pk,
        "email": guest.person.email,
        "annotate": guest.may_annotate,
        "given_by": guest.given_by,
        "given_at": guest.given_at,
    }
