"""Comparing two sessions over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.core.paging import encode_cursor, read_limit
from apps.sessions import reader
from apps.sessions.api.views import (
    COMMON,
    PAGING,
    PERMANENT_REDIRECT,
    read_seq,
    record_reading,
    text_parameters,
)
from apps.sessions.compare import (
    STATUSES,
    Comparison,
    Row,
    compare,
    cost_text,
    session_deltas,
    step_deltas,
    tokens_of,
)
from apps.sessions.compare_named import (
    begins_of,
    find_sides,
    moved_ids,
    places_of,
    read_ids,
    split_steps,
)
from apps.sessions.filters import refuse_unknown
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.sessions.steps import Step
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

Json = Any


class SessionDeltasOut(serializers.Serializer[Any]):
    """B less A; null where one of them is not known."""

    steps = serializers.IntegerField()
    duration_ms = serializers.FloatField(allow_null=True)
    tokens = serializers.IntegerField(allow_null=True)
    input_tokens = serializers.IntegerField(allow_null=True)
    output_tokens = serializers.IntegerField(allow_null=True)
    cost = serializers.CharField(allow_null=True)
    errors = serializers.IntegerField()  # type: ignore[assignment]


class SummaryOut(serializers.Serializer[Any]):
    identical = serializers.IntegerField()
    changed = serializers.IntegerField()
    only_a = serializers.IntegerField()
    only_b = serializers.IntegerField()
    deltas = SessionDeltasOut()
    is_optimal = serializers.BooleanField(
        help_text="False: the search has a bound; another pairing of the steps may fit better."
    )
    is_complete = serializers.BooleanField(
        help_text="False: too large to open. Steps whose content has other digests count as"
        " changed, even where only random ids differ."
    )


class ComparedOut(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    id = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    lane = serializers.CharField()
    status = serializers.CharField(allow_null=True)
    model = serializers.CharField(allow_null=True)
    duration_ms = serializers.FloatField(allow_null=True)
    tokens = serializers.IntegerField(allow_null=True)
    cost = serializers.CharField(allow_null=True)


class StepDeltasOut(serializers.Serializer[Any]):
    duration_ms = serializers.FloatField(allow_null=True)
    tokens = serializers.IntegerField(allow_null=True)
    cost = serializers.CharField(allow_null=True)


class AlignedOut(serializers.Serializer[Any]):
    status = serializers.ChoiceField(list(STATUSES))
    a = ComparedOut(allow_null=True)
    b = ComparedOut(allow_null=True)
    differences = serializers.ListField(
        child=serializers.CharField(),
        help_text="What differs: `input`, `output`, `model`, `params`, `tools`, `status`, `error`, "
        "`prompt`, `decision`, `state`, `memory`, ...; ids, times and costs never do.",
    )
    deltas = StepDeltasOut(allow_null=True)
    moved = serializers.IntegerField(
        allow_null=True,
        help_text="Of a step that stands alone: the number of the step of the other session that"
        " says the same, in another lane or at another place.",
    )


class FirstOut(serializers.Serializer[Any]):
    a = serializers.IntegerField(allow_null=True)
    b = serializers.IntegerField(allow_null=True)


class ComparisonOut(serializers.Serializer[Any]):
    """Two sessions side by side."""

    summary = SummaryOut()
    first_difference = FirstOut(
        allow_null=True, help_text="The numbers of the steps where they first part."
    )
    steps = AlignedOut(many=True)
    next = serializers.CharField(allow_null=True)


class Compare(ProjectAPIView):
    """Two sessions of the project, step by step."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_CONTENT}

    @extend_schema(
        operation_id="compare_sessions",
        responses=ComparisonOut,
        parameters=text_parameters("a", "b", *sorted(PAGING)),
    )
    def get(self, request: Request) -> HttpResponse:
        query = request.query_params.dict()
        refuse_unknown(query, PAGING | COMMON | {"a", "b"})
        words, steps = split_steps({letter: query.get(letter, "") for letter in "ab"})
        ids = read_ids(words)
        limit, after = read_limit(query.get("limit")), read_seq(query.get("cursor"))
        sides = find_sides(self.project, ids)
        if moved := moved_ids(sides):
            return self._elsewhere(request, moved)
        record_reading(self, sides.values())
        begins = begins_of(read_places(sides, steps))
        found = compare(sides["a"], sides["b"], begins)
        return Response(comparison_json(sides, found, after=after, limit=limit))

    def _elsewhere(self, request: Request, moved: Mapping[str, UUID]) -> HttpResponse:
        query = request.query_params.copy()
        for letter, session_id in moved.items():
            query[letter] = str(session_id)
        address = f"{request.path}?{query.urlencode()}"
        return Response(status=PERMANENT_REDIRECT, headers={"Location": address})


def read_places(sides: Mapping[str, Session], steps: Mapping[str, str]) -> dict[str, int]:
    """Return where the named steps stand; both sessions begin at one, or neither does."""
    places = places_of(sides, steps)
    if len(places) == 1:
        [missing] = {"a", "b"} - set(places)
        raise InvalidError(f"{missing} must name a step as well, or the other none.", missing)
    return places


def comparison_json(
    sides: Mapping[str, Session], found: Comparison, *, after: int, limit: int
) -> dict[str, Json]:
    """Return a page of a comparison, in the shape that the contract fixes."""
    a, b = sides["a"], sides["b"]
    places = range(after, min(after + limit, len(found.rows)))
    more = after + limit < len(found.rows)
    return {
        "summary": found.counts
        | {
            "deltas": session_deltas(a, b),
            "is_optimal": found.is_optimal,
            "is_complete": found.is_complete,
        },
        "first_difference": None if found.first is None else _numbers(found.rows[found.first]),
        "steps": rows_json(a, b, found, places),
        "next": encode_cursor(after + limit) if more else None,
    }


def _numbers(row: Row) -> dict[str, int | None]:
    return {
        "a": None if row.a is None else row.a + 1,
        "b": None if row.b is None else row.b + 1,
    }


def rows_json(
    a: Session, b: Session, found: Comparison, places: Sequence[int]
) -> list[dict[str, Json]]:
    rows = [found.rows[at] for at in places]
    ours = steps_at(a, [row.a for row in rows if row.a is not None])
    theirs = steps_at(b, [row.b for row in rows if row.b is not None])
    return [
        _row_json(row, ours.get(row.a), theirs.get(row.b)) | {"moved": _moved(found, at)}
        for at, row in zip(places, rows, strict=True)
    ]


def _moved(found: Comparison, at: int) -> int | None:
    if at not in found.moved:
        return None
    numbers = _numbers(found.rows[found.moved[at]])
    return numbers["b"] if numbers["a"] is None else numbers["a"]


def steps_at(session: Session, places: Sequence[int]) -> dict[int | None, Step]:
    found = reader.read_at(session, layout_of(session), places, content=False)
    return {step.seq - 1: step for step, _ in found}


def _row_json(row: Row, a: Step | None, b: Step | None) -> dict[str, Json]:
    return {
        "status": row.status,
        "a": None if a is None else _step_json(a),
        "b": None if b is None else _step_json(b),
        "differences": list(row.differences),
        "deltas": None if a is None or b is None else step_deltas(a, b),
    }


def _step_json(step: Step) -> dict[str, Json]:
    return {
        "seq": step.seq,
        "id": step.id,
        "kind": step.kind,
        "name": step.name,
        "lane": step.lane,
        "status": step.status,
        "model": step.model,
        "duration_ms": step.duration_ms,
        "tokens": tokens_of(step),
        "cost": cost_text(step.cost),
    }
