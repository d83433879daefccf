"""What is said about lines of a version, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.paging import decode_position, encode_cursor, read_limit
from apps.prompts import commenting, queries
from apps.prompts.api.base import PromptAPIView
from apps.prompts.api.views import NAME, PAGING, READ, TAG, in_query
from apps.prompts.models import LONGEST_COMMENT, PromptVersion, VersionComment
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

SAY = Permission.ANNOTATE


class PromptCommentIn(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=LONGEST_COMMENT, help_text="`@ann` tells ann, if she may read prompts."
    )
    line = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        allow_null=True,
        default=None,
        help_text="Null: all of it.",
    )


class PromptCommentChangeIn(serializers.Serializer[Any]):
    is_resolved = serializers.BooleanField()


class PromptCommentOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    line = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()
    by = serializers.CharField()
    at = serializers.DateTimeField()
    resolved_by = serializers.CharField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)


class PromptCommentPageOut(serializers.Serializer[Any]):
    results = PromptCommentOut(many=True)
    next = serializers.CharField(allow_null=True)


class CommentCollection(PromptAPIView):
    """What is said about a version."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ, "POST": SAY}

    @extend_schema(
        operation_id="list_prompt_comments",
        responses=PromptCommentPageOut,
        parameters=[NAME, *in_query(*sorted(PAGING))],
        tags=TAG,
    )
    def get(self, request: Request, prompt_name: str, number: int) -> Response:
        """Comments on a version and its lines, the oldest first."""
        query = self.check_query(request, *PAGING)
        version = self.version(prompt_name, number)
        limit = read_limit(query.get("limit"))
        rows = version.prompt.comments.filter(number=version.number).order_by("pk")
        if cursor := query.get("cursor"):
            rows = rows.filter(pk__gt=decode_position(cursor))
        found = list(rows[: limit + 1])
        following = encode_cursor(found[limit - 1].pk) if len(found) > limit else None
        return Response({"results": [told(row) for row in found[:limit]], "next": following})

    @repeatable
    @extend_schema(
        operation_id="add_prompt_comment",
        request=PromptCommentIn,
        responses={201: PromptCommentOut},
        parameters=[NAME],
        tags=TAG,
    )
    def post(self, request: Request, prompt_name: str, number: int) -> Response:
        """Say something about a line of a version, or about all of it."""
        self.check_query(request)
        sent = self.read(PromptCommentIn, request)
        version = self.version(prompt_name, number)
        comment = commenting.add_comment(
            version, text=sent["text"], line=sent["line"], actor=self.actor
        )
        return Response(told(comment), status=201)

    def version(self, prompt_name: str, number: int) -> PromptVersion:
        return queries.find_version(self.find(prompt_name), number)


class CommentDetail(PromptAPIView):
    """One comment on a version."""

    needs: ClassVar[Mapping[str, Permission]] = {"PATCH": SAY, "DELETE": SAY}

    @extend_schema(
        operation_id="resolve_prompt_comment",
        request=PromptCommentChangeIn,
        responses=PromptCommentOut,
        parameters=[NAME],
        tags=TAG,
    )
    def patch(self, request: Request, prompt_name: str, number: int, remark_id: int) -> Response:
        """Mark what was said as dealt with, or as open again."""
        self.check_query(request)
        sent = self.read(PromptCommentChangeIn, request)
        comment = self.comment(prompt_name, number, remark_id)
        resolved = commenting.resolve_comment(comment, actor=self.actor, **sent)
        return Response(told(resolved))

    @extend_schema(
        operation_id="delete_prompt_comment", responses={204: None}, parameters=[NAME], tags=TAG
    )
    def delete(self, request: Request, prompt_name: str, number: int, remark_id: int) -> Response:
        """Take back what you said; whoever manages the project takes back what others said."""
        self.check_query(request)
        commenting.delete_comment(self.comment(prompt_name, number, remark_id), actor=self.actor)
        return Response(status=204)

    def comment(self, prompt_name: str, number: int, remark_id: int) -> VersionComment:
        prompt = self.find(prompt_name)
        rows = prompt.comments.filter(number=number) if number < 2**31 else prompt.comments.none()
        comment = rows.filter(pk=remark_id).first() if remark_id < 2**63 else None
        if comment is None:
            raise Http404("There is no such comment.")
        comment.project, comment.prompt = self.project, prompt
        return comment


def told(comment: VersionComment) -> dict[str, Any]:
    return {
        "id": comment.pk,
        "version": comment.number,
        "line": comment.line,
        "text": comment.text,
        "by": comment.by,
        "at": comment.said_at,
        "resolved_by": comment.resolved_by or None,
        "resolved_at": comment.resolved_at,
    }
