"""Giving back what pseudonyms stand for, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.sessions.api.views import SessionAPIView
from apps.sessions.revealing import LONGEST_REASON, reveal_pseudonyms
from apps.tenants.permissions import Permission

MOST_TOKENS = 1_000


class RevealIn(serializers.Serializer[Any]):
    """Why, and what."""

    reason = serializers.CharField(
        max_length=LONGEST_REASON, help_text="Stands in the audit trail."
    )
    tokens = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=MOST_TOKENS,
        help_text="Such as `<EMAIL_1>`; all of the session's if left out.",
    )


class RevealOut(serializers.Serializer[Any]):
    """What the tokens stand for."""

    values = serializers.DictField(child=serializers.CharField())


class Reveal(SessionAPIView):
    """Gives back what pseudonyms in the session's content stand for."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.REVEAL}

    @extend_schema(
        operation_id="reveal_session",
        summary="Give back what pseudonyms stand for",
        request=RevealIn,
        responses=RevealOut,
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        if self.session.merged_into_id is not None:
            # Answered by a redirect to the session that it joined.
            return Response()
        told = RevealIn(data=request.data)
        told.is_valid(raise_exception=True)
        values = reveal_pseudonyms(self.session, **told.validated_data, actor=self.actor)
        return Response({"values": values})
