"""Tagging a session over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import ConflictError
from apps.sessions import store
from apps.sessions.api.views import SessionAPIView
from apps.sessions.tagging import LONGEST_TAG, MOST_AT_ONCE, Pairs, tags_of
from apps.tenants.permissions import Permission


def tag_list() -> serializers.ListField:
    one = serializers.CharField(max_length=LONGEST_TAG)
    return serializers.ListField(child=one, required=False, max_length=MOST_AT_ONCE)


class TagsIn(serializers.Serializer[Any]):
    """Tags to give and to take; asking twice changes nothing more."""

    add = tag_list()
    remove = tag_list()


class TagOut(serializers.Serializer[Any]):
    tag = serializers.CharField()
    given_by = serializers.CharField(
        allow_null=True, help_text="Null: the application sent it with its events."
    )
    given_at = serializers.DateTimeField(allow_null=True)


class TagsOut(serializers.Serializer[Any]):
    """What changed, and all tags that the session has now."""

    added = serializers.ListField(child=serializers.CharField())
    removed = serializers.ListField(child=serializers.CharField())
    kept = serializers.ListField(
        child=serializers.CharField(),
        help_text="Asked to be removed, but sent by the application: they stay.",
    )
    tags = TagOut(many=True, allow_null=True, help_text="Null without the right to read metadata.")


class SessionTags(SessionAPIView):
    """Gives a session tags, and takes away those that were given."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.ANNOTATE}

    @extend_schema(
        operation_id="tag_session",
        summary="Tag a session",
        request=TagsIn,
        responses=TagsOut,
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        if self.session.merged_into_id is not None:
            # Answered by a redirect to the session that it joined.
            return Response()
        told = TagsIn(data=request.data)
        told.is_valid(raise_exception=True)
        tagged = store.tag_sessions(
            self.project, [self.session.pk], **told.validated_data, actor=self.actor
        )
        if tagged.missing:
            raise ConflictError("This session was erased.")
        changes = {name: _names(getattr(tagged, name)) for name in ("added", "removed", "kept")}
        tags = tags_of(self.session) if self.may(Permission.READ_META) else None
        return Response({**changes, "tags": tags})


def _names(pairs: Pairs) -> list[str]:
    return sorted(tag for _, tag in pairs)
