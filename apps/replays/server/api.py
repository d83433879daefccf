"""The server's own replays over HTTP: planned, started, held, resumed, cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.replays import output
from apps.replays.api import COMMON, TAGS, ReplayAPIView, ReplayCollection, ReplayDetail
from apps.replays.linking import find_original
from apps.replays.reports import refusal
from apps.replays.server.models import Mode, ServerReplay
from apps.replays.server.plans import plan_replay
from apps.replays.server.plans_output import plan_json
from apps.replays.server.progress import progress_json
from apps.replays.server.settings import USUAL_SECONDS, Settings, Strict, read_settings
from apps.replays.server.starting import (
    cancel_replay,
    pause_replay,
    resume_replay,
    start_replays,
)
from apps.sessions.filters import refuse_unknown
from apps.sessions.models import Session
from apps.tenants.idempotency import repeatable
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any
RUN: Mapping[str, Permission] = {"POST": Permission.RUN_REPLAYS}


class More(Strict, forbid_unknown_fields=True):
    """What a replay is resumed with."""

    budget: str | None = None


class SettingsIn(serializers.Serializer[Any]):
    """What is to be replayed, and how."""

    session = serializers.CharField(help_text="The session's id, or its own name.")
    mode = serializers.ChoiceField(
        Mode.choices,
        default=Mode.TEACHER_FORCED,
        help_text="Whether calls follow the recorded steps, or the replay's own answers.",
    )
    from_step = serializers.IntegerField(
        required=False,
        help_text="With `prefix_then_free`: steps before it are the record's, then it goes on.",
    )
    provider = serializers.CharField(help_text="A credential's name, `recorded` or `scripted`.")
    overrides = serializers.JSONField(
        required=False,
        help_text="`model`, `params`, `tools`, `system`, or `prompt` (`name`, `version`).",
    )
    script = serializers.JSONField(required=False, help_text="The rules of `scripted`.")
    seed = serializers.IntegerField(default=0)
    samples = serializers.IntegerField(default=1)
    budget = serializers.CharField(required=False, help_text="US dollars, over all samples.")
    only = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Ids of the calls that are asked again; all others are the record's.",
    )
    simulators = serializers.JSONField(
        required=False,
        help_text="Of a free replay: `{tool: {answer}}` or `{tool: {rules: [{text, answer}]}}`.",
    )
    pool = serializers.JSONField(
        required=False,
        help_text="Of a free replay: `{max_age_days}`; other sessions may answer a tool, too.",
    )
    reads = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Of a free replay: names of tools that only read, `*` for any letters.",
    )
    most_steps = serializers.IntegerField(
        required=False, help_text="Of a free replay: calls of models at most, 1 to 500."
    )
    most_seconds = serializers.IntegerField(
        default=USUAL_SECONDS, help_text="Of a free replay: how long its calls may take."
    )
    plan_hash = serializers.CharField(required=False, help_text="Of the plan that was looked at.")


class PlanOut(serializers.Serializer[Any]):
    """What a replay would do and cost."""

    plan_hash = serializers.CharField()
    session = serializers.UUIDField()
    mode = serializers.CharField()
    provider = serializers.CharField()
    samples = serializers.IntegerField()
    from_step = serializers.IntegerField(allow_null=True)
    cannot = serializers.CharField(
        allow_null=True, help_text="Why the session cannot go on by itself."
    )
    steps = serializers.JSONField()
    skipped = serializers.JSONField()
    each = serializers.JSONField(help_text="What becomes of the first 1,000 steps.")
    expected = serializers.JSONField(help_text="As recorded; `says` where it is an estimate.")
    needs = serializers.JSONField(help_text="What was called beside models, and what answers.")
    changes = serializers.JSONField(help_text="What is another than recorded.")
    recorded = serializers.JSONField(help_text="What is recorded, and what is missing.")


class StartedOut(serializers.Serializer[Any]):
    """The replays that were started, one for each sample."""

    plan = PlanOut()
    replays = serializers.JSONField()


class ResumeIn(serializers.Serializer[Any]):
    """What a replay is resumed with."""

    budget = serializers.CharField(required=False, help_text="US dollars, over all samples.")


class ProgressOut(serializers.Serializer[Any]):
    """How far a replay of the server has come."""

    state = serializers.CharField()
    reason = serializers.CharField()
    steps = serializers.JSONField()
    paid = serializers.CharField(allow_null=True)
    budget = serializers.CharField(allow_null=True)


class ReplayPlans(ReplayAPIView):
    """Says what a replay would do, before anything is spent."""

    needs: ClassVar[Mapping[str, Permission]] = RUN

    @extend_schema(
        operation_id="plan_replay",
        summary="Plan a replay on the server",
        request=SettingsIn,
        responses=PlanOut,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Nothing is asked and nothing is kept."""
        refuse_unknown(request.query_params.dict(), COMMON)
        settings = read_settings(request.data)
        session = _session(self.project, settings)
        return Response(plan_json(plan_replay(self.project, session, settings)))


class ServerReplays(ReplayCollection):
    """The project's replays, and the door to those that the server runs."""

    needs: ClassVar[Mapping[str, Permission]] = {**ReplayCollection.needs, **RUN}

    @repeatable
    @extend_schema(
        operation_id="start_replay",
        summary="Start a replay on the server",
        request=SettingsIn,
        responses={202: OpenApiResponse(StartedOut, "Started; look at each for its progress.")},
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Ask a session's calls of models again, each after the recorded steps before it."""
        refuse_unknown(request.query_params.dict(), COMMON)
        settings = read_settings(request.data)
        session = _session(self.project, settings)
        started = start_replays(self.project, session, settings, actor=self.actor)
        return Response(
            {"plan": plan_json(started.plan), "replays": list(map(_started, started.runs))},
            status=202,
        )


class ServerReplayDetail(ReplayDetail):
    """One replay; of one that the server runs, also how far it has come."""

    def get(self, request: Request, replay_id: UUID) -> Response:
        answer = super().get(request, replay_id)
        run = self.project.server_replays.filter(replay=replay_id).select_related("budget").first()
        answer.data["progress"] = None if run is None else progress_json(run)
        return answer


class Act(ReplayAPIView):
    """Does something with a replay that the server runs."""

    needs: ClassVar[Mapping[str, Permission]] = RUN
    act: ClassVar[Callable[..., ServerReplay]]

    def done(self, request: Request, replay_id: UUID, **more: Any) -> Response:
        refuse_unknown(request.query_params.dict(), COMMON)
        run = _run(self.project, replay_id)
        return Response(progress_json(type(self).act(run, actor=self.actor, **more)))


class PauseReplay(Act):
    """Holds a replay."""

    act = staticmethod(pause_replay)

    @repeatable
    @extend_schema(
        operation_id="pause_replay",
        summary="Pause a replay of the server",
        request=None,
        responses=ProgressOut,
        tags=TAGS,
    )
    def post(self, request: Request, replay_id: UUID) -> Response:
        """No further step is begun; those at work end."""
        return self.done(request, replay_id)


class ResumeReplay(Act):
    """Goes on with a replay."""

    act = staticmethod(resume_replay)

    @repeatable
    @extend_schema(
        operation_id="resume_replay",
        summary="Resume a replay of the server",
        request=ResumeIn,
        responses=ProgressOut,
        tags=TAGS,
    )
    def post(self, request: Request, replay_id: UUID) -> Response:
        """With a larger `budget`, where the old one is spent."""
        return self.done(request, replay_id, **_more(request.data))


class CancelReplay(Act):
    """Ends a replay."""

    act = staticmethod(cancel_replay)

    @repeatable
    @extend_schema(
        operation_id="cancel_replay",
        summary="Cancel a replay of the server",
        request=None,
        responses=ProgressOut,
        tags=TAGS,
    )
    def post(self, request: Request, replay_id: UUID) -> Response:
        """It ends with what it has."""
        return self.done(request, replay_id)


def _session(project: Project, settings: Settings) -> Session:
    session = find_original(project, settings.session)
    if session is None:
        raise InvalidError("There is no such session.", "session")
    return session


def _started(run: ServerReplay) -> Json:
    return output.reported_json(run.replay) | {"sample": run.sample}


def _run(project: Project, replay_id: UUID) -> ServerReplay:
    run = project.server_replays.filter(replay=replay_id).first()
    if run is None:
        raise Http404
    run.project = project
    return run


def _more(sent: Json) -> dict[str, Decimal]:
    try:
        more = msgspec.convert(sent or {}, More)
        return {} if more.budget is None else {"budget": Decimal(more.budget)}
    except msgspec.ValidationError as error:
        raise refusal(str(error)) from None
    except ArithmeticError:
        raise InvalidError("Must be an amount of US dollars.", "budget") from None
