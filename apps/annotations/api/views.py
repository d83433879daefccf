"""Saying things about sessions over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.annotations import commenting, exemplifying, library, queries, scoring
from apps.annotations.api import shapes
from apps.annotations.event_tagging import tag_event, tags_of_event
from apps.annotations.models import Comment
from apps.annotations.places import Range
from apps.annotations.sealing import ERASED, MOVED
from apps.annotations.steps import find_event
from apps.core.errors import ConflictError, InvalidError
from apps.core.paging import decode_cursor, encode_cursor, read_limit
from apps.sessions import store
from apps.sessions.api.views import PAGING, SessionAPIView, record_reading, text_parameters
from apps.sessions.filters import refuse_unknown
from apps.sessions.tagging import Pairs, tags_of
from apps.tenants.doors import ProjectAPIView
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

Json = dict[str, Any]
S = TypeVar("S", bound=serializers.Serializer[Any])


def read_body(shape: type[S], request: Request) -> Json:
    """Return what was sent, checked against a shape; what it does not know is refused."""
    told = shape(data=request.data)
    told.is_valid(raise_exception=True)
    return dict(told.validated_data)


class AnnotationView(SessionAPIView):
    """A view of what is said about one session."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # A person's change goes where they see it: they are told that the session moved.
        if request.method not in ("GET", "HEAD") and self.session.merged_into_id:
            raise ConflictError(MOVED)

    def read_event(self, request: Request) -> UUID | None:
        event = request.query_params.get("event")
        return None if event is None else find_event(self.session, event)


class SessionComments(AnnotationView):
    """Comments on a session, its steps and their texts."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_CONTENT,
        "POST": Permission.ANNOTATE,
    }
    known: ClassVar[frozenset[str]] = PAGING | {"event"}

    @extend_schema(
        operation_id="list_comments",
        responses=shapes.CommentPageOut,
        parameters=text_parameters("event", *sorted(PAGING)),
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        self.read_content()
        page = queries.comments_page(
            self.session,
            event=self.read_event(request),
            cursor=request.query_params.get("cursor"),
            limit=read_limit(request.query_params.get("limit")),
        )
        results = [shapes.comment_json(said) for said in page.rows]
        return Response({"results": results, "next": page.next})

    @extend_schema(
        operation_id="add_comment",
        summary="Comment on a session, a step or a range of text",
        request=shapes.CommentIn,
        responses={201: shapes.CommentOut},
    )
    @repeatable
    def post(self, request: Request, session_id: UUID) -> Response:
        told = read_body(shapes.CommentIn, request)
        chosen, thread = told.get("range"), told.get("thread")
        comment = commenting.add_comment(
            self.session,
            text=told["text"],
            event_id=told.get("event", ""),
            chosen=Range(**chosen) if chosen else None,
            thread=find_thread(self, thread) if thread else None,
            actor=self.actor,
        )
        return Response(self.comment_json(comment.pk), status=status.HTTP_201_CREATED)

    def comment_json(self, comment_id: int) -> Json:
        return comment_json(self, comment_id)


class CommentDetail(AnnotationView):
    """One comment: its writer changes and deletes it; who may annotate resolves its thread."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_CONTENT,
        "PATCH": Permission.ANNOTATE,
        "DELETE": Permission.ANNOTATE,
    }

    @extend_schema(operation_id="read_comment", responses=shapes.CommentOut)
    def get(self, request: Request, session_id: UUID, comment_id: int) -> Response:
        self.read_content()
        return Response(comment_json(self, comment_id))

    @extend_schema(
        operation_id="edit_comment", request=shapes.CommentEditIn, responses=shapes.CommentOut
    )
    def patch(self, request: Request, session_id: UUID, comment_id: int) -> Response:
        comment = find_comment(self, comment_id)
        told = read_body(shapes.CommentEditIn, request)
        if "text" in told:
            commenting.edit_comment(comment, text=told["text"], actor=self.actor)
        if "is_resolved" in told:
            commenting.resolve_thread(comment, is_resolved=told["is_resolved"], actor=self.actor)
        return Response(comment_json(self, comment_id))

    @extend_schema(operation_id="delete_comment", responses={204: None})
    def delete(self, request: Request, session_id: UUID, comment_id: int) -> Response:
        commenting.delete_comment(find_comment(self, comment_id), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def find_comment(view: AnnotationView, comment_id: int) -> Comment:
    rows = view.project.comments.select_related("project", "session")
    comment = rows.filter(session=view.session, pk=comment_id).first()
    if comment is None:
        raise Http404
    return comment


def find_thread(view: AnnotationView, comment_id: int) -> Comment:
    try:
        return find_comment(view, comment_id)
    except Http404:
        raise InvalidError("This session has no such comment.", "thread") from None


def comment_json(view: AnnotationView, comment_id: int) -> Json:
    said = queries.one_comment(view.session, comment_id)
    if said is None:
        raise Http404
    return shapes.comment_json(said)


class SessionScores(AnnotationView):
    """Judgements on a session and its steps."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_META,
        "POST": Permission.ANNOTATE,
    }
    known: ClassVar[frozenset[str]] = PAGING | {"event"}

    @extend_schema(
        operation_id="list_scores",
        responses=shapes.ScorePageOut,
        parameters=text_parameters("event", *sorted(PAGING)),
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        content = self.may(Permission.READ_CONTENT)
        if content:
            record_reading(self, [self.session])
        limit = read_limit(request.query_params.get("limit"))
        found = queries.scores_of(
            self.session,
            event=self.read_event(request),
            after=read_after(request.query_params.get("cursor")),
            content=content,
            limit=limit + 1,
        )
        more = encode_cursor(str(found[limit - 1].row.pk)) if len(found) > limit else None
        results = [shapes.score_json(given) for given in found[:limit]]
        return Response({"results": results, "next": more})

    @extend_schema(
        operation_id="add_score",
        summary="Score a session or a step",
        request=shapes.ScoreIn,
        responses={201: shapes.ScoreOut},
    )
    @repeatable
    def post(self, request: Request, session_id: UUID) -> Response:
        told = read_body(shapes.ScoreIn, request)
        event = told.pop("event", "")
        score = scoring.add_score(self.session, **told, event_id=event, actor=self.actor)
        [given] = queries.given(self.session, [score], content=True)
        return Response(shapes.score_json(given), status=status.HTTP_201_CREATED)


class ScoreDetail(AnnotationView):
    """One score, to be taken back."""

    needs: ClassVar[Mapping[str, Permission]] = {"DELETE": Permission.ANNOTATE}

    @extend_schema(operation_id="remove_score", responses={204: None})
    def delete(self, request: Request, session_id: UUID, score_id: UUID) -> Response:
        rows = self.project.scores.select_related("project", "session")
        score = rows.filter(session=self.session, pk=score_id).first()
        if score is None:
            raise Http404
        scoring.remove_score(score, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def read_after(cursor: str | None) -> UUID | None:
    """Return the score behind which a page begins."""
    if cursor is None:
        return None
    [text] = decode_cursor(cursor, 1)
    try:
        return UUID(text)
    except (TypeError, ValueError, AttributeError):
        raise InvalidError("This cursor is not one that Playhead gave out.", "cursor") from None


class SessionTags(AnnotationView):
    """Gives a session or a step tags, and takes away those that were given."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.ANNOTATE}

    @extend_schema(
        operation_id="tag_session",
        summary="Tag a session or a step",
        request=shapes.TagsIn,
        responses=shapes.TagsOut,
    )
    @repeatable
    def post(self, request: Request, session_id: UUID) -> Response:
        told = read_body(shapes.TagsIn, request)
        event = told.pop("event", "")
        return Response(self._tag_event(event, told) if event else self._tag_session(told))

    def _tag_session(self, told: Json) -> Json:
        tagged = store.tag_sessions(self.project, [self.session.pk], **told, actor=self.actor)
        if tagged.missing:
            raise ConflictError(ERASED)
        changes = {name: _names(getattr(tagged, name)) for name in ("added", "removed", "kept")}
        may_read = self.may(Permission.READ_META)
        return {**changes, "tags": tags_of(self.session) if may_read else None}

    def _tag_event(self, event: str, told: Json) -> Json:
        tagged = tag_event(self.session, event, **told, actor=self.actor)
        rows = tags_of_event(self.session, find_event(self.session, event))
        names = ("tag", "given_by", "given_at")
        tags = [{name: getattr(row, name) for name in names} for row in rows]
        return {
            "added": sorted(tagged.added),
            "removed": sorted(tagged.removed),
            "kept": [],
            "tags": tags if self.may(Permission.READ_META) else None,
        }


def _names(pairs: Pairs) -> list[str]:
    return sorted(tag for _, tag in pairs)


class SessionExample(AnnotationView):
    """What the library of examples says of one session."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_CONTENT,
        "PUT": Permission.ANNOTATE,
        "DELETE": Permission.ANNOTATE,
    }

    @extend_schema(operation_id="read_example", responses=shapes.ExampleOut)
    def get(self, request: Request, session_id: UUID) -> Response:
        self.read_content()
        return Response(self._shown())

    @extend_schema(
        operation_id="mark_example", request=shapes.ExampleIn, responses=shapes.ExampleOut
    )
    def put(self, request: Request, session_id: UUID) -> Response:
        told = read_body(shapes.ExampleIn, request)
        exemplifying.mark_example(self.session, **told, actor=self.actor)
        return Response(self._shown())

    @extend_schema(operation_id="unmark_example", responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        if not self.project.examples.filter(session=self.session).exists():
            raise Http404
        exemplifying.unmark_example(self.session, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self) -> Json:
        shown = library.example_of(self.session)
        if shown is None:
            raise Http404
        return shapes.example_json(shown)


class ExampleCollection(ProjectAPIView):
    """The project's examples, the newest first."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_CONTENT}

    @extend_schema(
        operation_id="list_examples",
        responses=shapes.ExamplePageOut,
        parameters=text_parameters("q", "tag", *sorted(PAGING)),
    )
    def get(self, request: Request) -> Response:
        query = request.query_params.dict()
        refuse_unknown(query, PAGING | {"q", "tag", "project"})
        filters = library.read_filters(query.get("q"), query.get("tag"))
        cursor, limit = query.get("cursor"), read_limit(query.get("limit"))
        page = library.example_page(self.project, filters, cursor=cursor, limit=limit)
        record_reading(self, [shown.row.session for shown in page.rows])
        results = [shapes.example_json(shown) for shown in page.rows]
        return Response({"results": results, "next": page.next})
