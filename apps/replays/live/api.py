"""Events of replays and runs for programs: how far it is, what it cost, and when it will end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from apps.core.watching import watch
from apps.replays.api import COMMON, TAGS, ReplayAPIView
from apps.replays.live import looks
from apps.replays.live.looks import Watched
from apps.replays.runs.api import TAGS as OF_RUNS
from apps.sessions.api.exporting import AnyForm
from apps.sessions.filters import refuse_unknown
from apps.tenants.passes import pass_of_call
from apps.tenants.permissions import Permission

READ: Mapping[str, Permission] = {"GET": Permission.READ_META}
MEANS = (
    "Server-Sent Events: `progress` with JSON whenever something changed, and every five seconds; "
    "`end` with `why` (`over`, `gone`, `barred`) when there is nothing more. After ten minutes "
    "the stream just stops: open it again."
)


class Events(ReplayAPIView):
    """Streams how something goes on."""

    needs: ClassVar[Mapping[str, Permission]] = READ
    # The answer has one form, whatever a client says that it takes.
    content_negotiation_class = AnyForm

    def followed(self, request: Request, watched: Watched) -> HttpResponseBase:
        refuse_unknown(request.query_params.dict(), COMMON)
        watched.now()
        shown = pass_of_call(request, Permission.READ_META)
        return watch(request._request, watched.key, watched.look, shown)


class ReplayEvents(Events):
    """How a replay of the server goes on."""

    @extend_schema(
        operation_id="watch_replay",
        summary="Watch a replay of the server",
        description=MEANS,
        responses={(200, "text/event-stream"): OpenApiTypes.STR, 204: None},
        tags=TAGS,
    )
    def get(self, request: Request, replay_id: UUID) -> HttpResponseBase:
        return self.followed(request, looks.replay(self.project, replay_id, is_page=False))


class RunEvents(Events):
    """How a run of a suite goes on."""

    @extend_schema(
        operation_id="watch_regression_run",
        summary="Watch a run of a suite",
        description=MEANS,
        responses={(200, "text/event-stream"): OpenApiTypes.STR, 204: None},
        tags=OF_RUNS,
    )
    def get(self, request: Request, run_id: UUID) -> HttpResponseBase:
        return self.followed(request, looks.run(self.project, run_id, is_page=False))
