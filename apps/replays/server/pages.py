"""Holding, resuming and cancelling a replay of the server from its page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.core.errors import ConflictError
from apps.replays.server.starting import cancel_replay, pause_replay, resume_replay
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

ACTS = {"pause": pause_replay, "resume": resume_replay, "cancel": cancel_replay}


@require_POST
@project_view(Permission.RUN_REPLAYS)
def act_on(request: SignedInRequest, project: Project, replay_id: UUID, act: str) -> HttpResponse:
    """Do it, and show the replay as it is then; what comes too late is said."""
    run = project.server_replays.filter(replay=replay_id).first()
    if run is None:
        raise Http404
    run.project = project
    try:
        ACTS[act](run, actor=request.actor)
    except ConflictError as error:
        messages.error(request, str(error))
    return redirect("replays:detail", project.organization.slug, project.slug, replay_id)
