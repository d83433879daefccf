"""Runs of suites over HTTP: planned, started, followed, held, resumed, cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.replays.runs import output, queries, shapes
from apps.replays.runs.models import RegressionRun
from apps.replays.runs.planning import plan_json, plan_run
from apps.replays.runs.settings import (
    RunSettings,
    read_gate_text,
    read_more_money,
    read_run_settings,
)
from apps.replays.runs.starting import cancel_run, pause_run, resume_run, start_run
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import ProjectAPIView
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

Json = Any
TAGS = ["regression runs"]
COMMON = frozenset({"project"})
PAGING = ("cursor", "limit")
RUN: Mapping[str, Permission] = {"POST": Permission.RUN_REPLAYS}
READ: Mapping[str, Permission] = {"GET": Permission.READ_META}


def parameters(*names: str) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in names]


class RunAPIView(ProjectAPIView):
    """A view of runs."""

    needs: ClassVar[Mapping[str, Permission]] = READ

    def check_query(self, request: Request, *also: str) -> dict[str, str]:
        query = request.query_params.dict()
        refuse_unknown(query, COMMON | frozenset(also))
        return query

    def run_of(self, run_id: UUID) -> RegressionRun:
        return queries.find_run(self.project, run_id)


class RunPlans(RunAPIView):
    """Says what a run would do, before anything is spent."""

    needs: ClassVar[Mapping[str, Permission]] = RUN

    @extend_schema(
        operation_id="plan_regression_run",
        summary="Plan a regression run",
        request=shapes.RunIn,
        responses=shapes.RunPlanOut,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Which cases are tried and which are not, calls, tokens, money, and what it can decide."""
        self.check_query(request)
        settings, _ = settings_in(request.data)
        return Response(plan_json(plan_run(self.project, settings)))


class RunCollection(RunAPIView):
    """The project's runs."""

    needs: ClassVar[Mapping[str, Permission]] = {**READ, **RUN}

    @extend_schema(
        operation_id="list_regression_runs",
        summary="List regression runs",
        responses=shapes.RunPageOut,
        parameters=parameters("suite", "state", "result", *PAGING),
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        query = self.check_query(request, "suite", "state", "result", *PAGING)
        page = queries.run_page(
            self.project,
            suite=_id(query.get("suite"), "suite"),
            state=query.get("state", ""),
            result=query.get("result", ""),
            cursor=query.get("cursor"),
            limit=read_limit(query.get("limit")),
        )
        return Response({"results": list(map(output.run_json, page.rows)), "next": page.next})

    @repeatable
    @extend_schema(
        operation_id="start_regression_run",
        summary="Start a regression run",
        request=shapes.RunIn,
        responses={202: OpenApiResponse(shapes.RunDetailOut, "Started; follow its progress.")},
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Run a suite against candidates. 503 where the server cannot judge."""
        self.check_query(request)
        settings, plan_hash = settings_in(request.data)
        owner = request.user if isinstance(request.user, User) else None
        run = start_run(self.project, settings, actor=self.actor, owner=owner, plan_hash=plan_hash)
        return Response(output.detail_json(run), status=202)


class RunDetail(RunAPIView):
    """One run."""

    @extend_schema(
        operation_id="read_regression_run",
        summary="One regression run",
        responses=shapes.RunDetailOut,
        tags=TAGS,
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """With its progress, and its verdicts once it has ended."""
        self.check_query(request)
        return Response(output.detail_json(self.run_of(run_id)))


class RunCases(RunAPIView):
    """The cases of a run."""

    @extend_schema(
        operation_id="list_regression_run_cases",
        summary="Cases of a regression run",
        responses=shapes.RunCasePageOut,
        parameters=parameters("only", *PAGING),
        tags=TAGS,
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """`only` is changed, worse, better, failed, skipped, flaky or pinned."""
        query = self.check_query(request, "only", *PAGING)
        page = queries.case_page(
            self.run_of(run_id),
            only=query.get("only", ""),
            cursor=query.get("cursor"),
            limit=read_limit(query.get("limit")),
        )
        return Response({"results": list(map(output.case_json, page.rows)), "next": page.next})


class ActOnRun(RunAPIView):
    """Does something with a run."""

    needs: ClassVar[Mapping[str, Permission]] = RUN
    act: ClassVar[Callable[..., RegressionRun]]

    def done(self, request: Request, run_id: UUID, **more: Any) -> Response:
        self.check_query(request)
        type(self).act(self.run_of(run_id), actor=self.actor, **more)
        return Response(output.detail_json(self.run_of(run_id)))


class PauseRun(ActOnRun):
    """Holds a run."""

    act = staticmethod(pause_run)

    @repeatable
    @extend_schema(
        operation_id="pause_regression_run",
        summary="Pause a regression run",
        request=None,
        responses=shapes.RunDetailOut,
        tags=TAGS,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        """Nothing further is asked; calls that are under way end."""
        return self.done(request, run_id)


class ResumeRun(ActOnRun):
    """Goes on with a run."""

    act = staticmethod(resume_run)

    @repeatable
    @extend_schema(
        operation_id="resume_regression_run",
        summary="Resume a regression run",
        request=shapes.RunResumeIn,
        responses=shapes.RunDetailOut,
        tags=TAGS,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        """With a larger `budget`, where the old one is spent."""
        return self.done(request, run_id, budget=read_more_money(request.data))


class CancelRun(ActOnRun):
    """Ends a run."""

    act = staticmethod(cancel_run)

    @repeatable
    @extend_schema(
        operation_id="cancel_regression_run",
        summary="Cancel a regression run",
        request=None,
        responses=shapes.RunDetailOut,
        tags=TAGS,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        """It ends with what it has, and without a verdict."""
        return self.done(request, run_id)


def settings_in(sent: Json) -> tuple[RunSettings, str]:
    """Return the settings of a body, which may be a gate file, and the plan that it names."""
    if not isinstance(sent, dict):
        raise InvalidError("Send an object.")
    told = dict(sent)
    plan_hash = told.pop("plan_hash", "")
    if not isinstance(plan_hash, str):
        raise InvalidError("plan_hash is a text.", "plan_hash")
    if "gate" not in told:
        return read_run_settings(told), plan_hash
    gate = told.pop("gate")
    if told:
        raise InvalidError("Send a gate file or its names, not both.", sorted(told, key=str)[0])
    if not isinstance(gate, str):
        raise InvalidError("gate is the text of a gate file.", "gate")
    return read_gate_text(gate), plan_hash


def _id(text: str | None, name: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidError(f"{name} must be an id.", name) from None
