"""The sessions that were given to a person one by one."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit.services import record_reading
from apps.sessions import reader
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.tenants import grants
from apps.tenants.doors import SignedInRequest, signed_in_view
from apps.tenants.models import Project


@require_safe
@signed_in_view
def shared_with_me(request: SignedInRequest) -> HttpResponse:
    given = grants.grants_to(request.user)
    sessions: dict[Project, list[Session]] = defaultdict(list)
    for grant in given:
        sessions[grant.project].append(grant.content_object)
    titles: dict[UUID, str] = {}
    for project, rows in sessions.items():
        titles |= reader.titles(rows)
        record_reading(
            request.actor,
            organization_id=project.organization_id,
            project_id=project.pk,
            session_ids=[str(row.pk) for row in rows],
        )
    shown = [
        (grant, short_id(grant.content_object), titles.get(grant.content_object.pk, ""))
        for grant in given
    ]
    return render(request, "web/shared_with_me.html", {"rows": shown})
