"""What pages follow: a stream of events, or one look for those that ask from time to time."""

from __future__ import annotations

from uuid import UUID

import orjson
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.core.watching import watch
from apps.replays.live import looks
from apps.replays.live.looks import Watched
from apps.sessions.filters import refuse_unknown
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.passes import pass_of_page
from apps.tenants.permissions import Permission

STREAM = "text/event-stream"


@require_safe
@never_cache
@project_view(Permission.READ_META)
def replay_events(request: SignedInRequest, project: Project, replay_id: UUID) -> HttpResponseBase:
    """Tell how a replay of the server goes on."""
    return followed(request, project, looks.replay(project, replay_id, is_page=True))


@require_safe
@never_cache
@project_view(Permission.READ_META)
def run_events(request: SignedInRequest, project: Project, run_id: UUID) -> HttpResponseBase:
    """Tell how a run of a suite goes on."""
    return followed(request, project, looks.run(project, run_id, is_page=True))


def followed(request: SignedInRequest, project: Project, watched: Watched) -> HttpResponseBase:
    """Stream to whoever takes a stream; others are told once, as JSON."""
    refuse_unknown(request.GET.dict(), frozenset())
    found = watched.now()
    if request.method == "HEAD" or STREAM not in request.headers.get("Accept", ""):
        return HttpResponse(orjson.dumps(found.told), content_type="application/json")
    shown = pass_of_page(request, project, Permission.READ_META)
    return watch(request, watched.key, watched.look, shown)
