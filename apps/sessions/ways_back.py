"""The answer to an address that points nowhere within a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render

from apps.core.errors import InvalidError
from apps.sessions.places import NoSuchStepError
from apps.tenants.doors import SignedInRequest
from apps.tenants.models import Project

P = ParamSpec("P")
SessionView = Callable[Concatenate[SignedInRequest, Project, UUID, P], HttpResponse]


def leads_back(view: SessionView[P]) -> SessionView[P]:
    """Answer an address that points nowhere with a page that leads back to the session."""

    @wraps(view)
    def answer(
        request: SignedInRequest,
        project: Project,
        session_id: UUID,
        *args: P.args,
        **named: P.kwargs,
    ) -> HttpResponse:
        try:
            return view(request, project, session_id, *args, **named)
        except (InvalidError, NoSuchStepError) as error:
            context = {
                "title": error.title,
                "message": str(error),
                "status": error.status,
                "project": project,
                "session_id": session_id,
            }
            return render(request, "sessions/nowhere.html", context, status=error.status)

    return answer
