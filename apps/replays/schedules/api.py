"""Schedules over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.replays.schedules import output, queries, services
from apps.replays.schedules.choice import Choice, searches
from apps.replays.schedules.models import Schedule
from apps.replays.schedules.sealed import open_choice, open_settings
from apps.replays.schedules.settings import Draft, Known, Sent, draft_of, read_sent
from apps.replays.schedules.shapes import (
    FiringOut,
    FiringPageOut,
    NextOut,
    ScheduleIn,
    ScheduleOut,
    SchedulePageOut,
    SchedulePatch,
)
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView, person_of
from apps.tenants.idempotency import repeatable
from apps.tenants.models import ApiKey
from apps.tenants.permissions import Permission

Json = Any

COMMON = frozenset({"project"})
TAGS = ["schedules"]
MOST_SHOWN, USUALLY_SHOWN = 50, 5
PAGING = [OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in ("cursor", "limit")]
ACT: Mapping[str, Permission] = {"POST": Permission.RUN_REPLAYS}


class ScheduleAPIView(ProjectAPIView):
    """A view that answers with schedules, and reads what is wanted of one."""

    def check_query(self, request: Request, *also: str) -> dict[str, str]:
        query = request.query_params.dict()
        refuse_unknown(query, COMMON | frozenset(also))
        return query

    def draft(self, sent: Sent, schedule: Schedule | None = None) -> Draft:
        known = Known()
        if schedule is not None:
            known = Known(schedule, open_settings(schedule), open_choice(schedule))
        draft = draft_of(self.project, sent, known, usual_owner=self.usual_owner())
        if isinstance(sent.sessions, Choice):
            # Which sessions there are is read here, too.
            looks_inside = searches(self.project, sent.sessions)
            self.require(Permission.READ_CONTENT if looks_inside else Permission.READ_META)
        return draft

    def usual_owner(self) -> User | None:
        """Return who asks, or who made the key that does."""
        if isinstance(self.request.auth, ApiKey):
            return self.request.auth.created_by
        return person_of(self.request)

    def answer(self, schedule: Schedule, status: int = 200) -> Response:
        content = self.may(Permission.READ_CONTENT)
        return Response(output.schedule_json(schedule, content=content), status=status)


class Schedules(ScheduleAPIView):
    """The project's schedules."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META, **ACT}

    @extend_schema(
        operation_id="list_schedules",
        summary="List schedules",
        responses=SchedulePageOut,
        parameters=PAGING,
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        query = self.check_query(request, "cursor", "limit")
        limit = read_limit(query.get("limit"))
        page = queries.schedule_page(self.project, cursor=query.get("cursor"), limit=limit)
        content = self.may(Permission.READ_CONTENT)
        results = [output.schedule_json(row, content=content) for row in page.rows]
        return Response({"results": results, "next": page.next})

    @repeatable
    @extend_schema(
        operation_id="create_schedule",
        summary="Start runs by the clock",
        request=ScheduleIn,
        responses={201: ScheduleOut},
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Runs over a suite (`run.suite`), or over the last sessions that filters find."""
        self.check_query(request)
        sent = read_sent(request.data)
        draft = self.draft(sent)
        schedule = services.create_schedule(
            self.project, draft, actor=self.actor, paused=sent.paused is True
        )
        return self.answer(schedule, 201)


class ScheduleDetail(ScheduleAPIView):
    """One schedule."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_META,
        "PATCH": Permission.RUN_REPLAYS,
        "DELETE": Permission.RUN_REPLAYS,
    }

    @extend_schema(
        operation_id="read_schedule", summary="One schedule", responses=ScheduleOut, tags=TAGS
    )
    def get(self, request: Request, schedule_id: UUID) -> Response:
        self.check_query(request)
        return self.answer(queries.find_schedule(self.project, schedule_id))

    @extend_schema(
        operation_id="change_schedule",
        summary="Change a schedule",
        request=SchedulePatch,
        responses=ScheduleOut,
        tags=TAGS,
    )
    def patch(self, request: Request, schedule_id: UUID) -> Response:
        """Its next time is counted anew. It is paused and resumed by `/pause` and `/resume`."""
        self.check_query(request)
        schedule = queries.find_schedule(self.project, schedule_id)
        sent = read_sent(request.data)
        if isinstance(sent.paused, bool):
            raise InvalidError("Pause and resume by POST to /pause and /resume.", "paused")
        draft = self.draft(sent, schedule)
        services.change_schedule(schedule, draft, actor=self.actor)
        return self.answer(queries.find_schedule(self.project, schedule_id))

    @extend_schema(
        operation_id="delete_schedule",
        summary="Delete a schedule",
        responses={204: OpenApiResponse(description="Gone. Its runs and its suite stay.")},
        tags=TAGS,
    )
    def delete(self, request: Request, schedule_id: UUID) -> Response:
        self.check_query(request)
        schedule = queries.find_schedule(self.project, schedule_id)
        services.delete_schedule(schedule, actor=self.actor)
        return Response(status=204)


class Act(ScheduleAPIView):
    """Does something with a schedule."""

    needs: ClassVar[Mapping[str, Permission]] = ACT

    def done(self, request: Request, schedule_id: UUID, act: Callable[..., Json]) -> Response:
        self.check_query(request)
        act(queries.find_schedule(self.project, schedule_id), actor=self.actor)
        return self.answer(queries.find_schedule(self.project, schedule_id))


class PauseSchedule(Act):
    """Pauses a schedule."""

    @repeatable
    @extend_schema(
        operation_id="pause_schedule",
        summary="Pause a schedule",
        request=None,
        responses=ScheduleOut,
        tags=TAGS,
    )
    def post(self, request: Request, schedule_id: UUID) -> Response:
        """No further time is due; a run that is going goes on."""
        return self.done(request, schedule_id, services.pause_schedule)


class ResumeSchedule(Act):
    """Goes on with a schedule."""

    @repeatable
    @extend_schema(
        operation_id="resume_schedule",
        summary="Resume a schedule",
        request=None,
        responses=ScheduleOut,
        tags=TAGS,
    )
    def post(self, request: Request, schedule_id: UUID) -> Response:
        """It begins with its next time. 409 where its owner may not run replays any more."""
        return self.done(request, schedule_id, services.resume_schedule)


class RunSchedule(ScheduleAPIView):
    """Runs a schedule by hand."""

    needs: ClassVar[Mapping[str, Permission]] = ACT

    @repeatable
    @extend_schema(
        operation_id="run_schedule_now",
        summary="Run a schedule now",
        request=None,
        responses={201: FiringOut},
        tags=TAGS,
    )
    def post(self, request: Request, schedule_id: UUID) -> Response:
        """Paused or not. 409 while its last run is still going."""
        self.check_query(request)
        schedule = queries.find_schedule(self.project, schedule_id)
        firing = services.run_schedule(schedule, actor=self.actor)
        return Response(output.firing_json(schedule, firing), status=201)


class ScheduleTimes(ScheduleAPIView):
    """When a schedule is due next."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    @extend_schema(
        operation_id="list_next_times",
        summary="The next times of a schedule",
        responses=NextOut,
        parameters=[OpenApiParameter("count", int, OpenApiParameter.QUERY)],
        tags=TAGS,
    )
    def get(self, request: Request, schedule_id: UUID) -> Response:
        """Five unless `count` (1 to 50) says otherwise; of a paused one, as if it went on."""
        query = self.check_query(request, "count")
        schedule = queries.find_schedule(self.project, schedule_id)
        times = services.next_times(schedule, timezone.now(), read_count(query.get("count")))
        return Response({"results": output.next_json(schedule.time_zone, times)})


class ScheduleFirings(ScheduleAPIView):
    """What became of the times of a schedule."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    @extend_schema(
        operation_id="list_firings",
        summary="What became of its times",
        responses=FiringPageOut,
        parameters=PAGING,
        tags=TAGS,
    )
    def get(self, request: Request, schedule_id: UUID) -> Response:
        """The latest first."""
        query = self.check_query(request, "cursor", "limit")
        schedule = queries.find_schedule(self.project, schedule_id)
        limit = read_limit(query.get("limit"))
        page = queries.firing_page(schedule, cursor=query.get("cursor"), limit=limit)
        results = [output.firing_json(schedule, row) for row in page.rows]
        return Response({"results": results, "next": page.next})


def read_count(text: str | None) -> int:
    if text is None:
        return USUALLY_SHOWN
    is_number = text.isascii() and text.isdigit() and len(text) <= 3
    if not is_number or not 1 <= int(text) <= MOST_SHOWN:
        raise InvalidError(f"count must be a whole number from 1 to {MOST_SHOWN}.", "count")
    return int(text)
