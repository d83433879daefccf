"""The answer to an address that points nowhere within a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render

from apps.core.errors import InvalidError
from apps.sessions.places import NoSuchStepError
from apps.tenants.doors import SignedInRequest
from apps.tenants.models import Project

# A view of something in a session, whose id comes first.
SessionView = Callable[..., HttpResponse]


def leads_back(view: SessionView) -> SessionView:
    """Answer an address that points nowhere with a page that leads back to the session."""

    @wraps(view)
    def answer(
        request: SignedInRequest, project: Project, session_id: UUID, **named: str
    ) -> HttpResponse:
        try:
            return view(request, project, session_id, **named)
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
