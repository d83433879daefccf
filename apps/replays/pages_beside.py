"""What a comparison says where one side is a replay of the other: numbers and first divergence."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.replays.models import Replay
from apps.replays.pages import write_down
from apps.replays.pages_detail import numbers_of
from apps.replays.pages_rows import rows_of
from apps.sessions.compare_named import find_sides, read_ids
from apps.sessions.filters import refuse_unknown
from apps.sessions.models import Session
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

# Sent by the comparison's own script, which takes the part and not the page.
PART = "X-Playhead-Part"


@require_safe
@project_view(Permission.READ_CONTENT)
def replay_beside(request: SignedInRequest, project: Project) -> HttpResponse:
    """Send the part of a comparison that tells of the replay; without scripts, lead to its page."""
    refuse_unknown(request.GET.dict(), frozenset("ab"))
    sides = find_sides(project, read_ids(request.GET.dict()))
    replay = replay_between(project, sides["a"], sides["b"])
    if replay is None:
        raise Http404("Neither of these sessions is a replay of the other.")
    if PART not in request.headers:
        slugs = (project.organization.slug, project.slug)
        return redirect("replays:detail", *slugs, replay.pk)
    write_down(request, project, [session.pk for session in sides.values()])
    [row] = rows_of([replay], content=True)
    letters = "AB" if replay.session_id == sides["a"].pk else "BA"
    context = {
        "project": project,
        "organization": project.organization,
        "replay": replay,
        "row": row,
        "numbers": numbers_of(replay),
        "letter": letters[0],
        "other": letters[1],
    }
    return render(request, "replays/beside.html", context)


def replay_between(project: Project, a: Session, b: Session) -> Replay | None:
    """Return the latest replay that made one of two sessions from the other."""
    joined = project.replays.select_related("session", "original").defer("sealed")
    made = joined.filter(session__in=[a.pk, b.pk], original__in=[a.pk, b.pk])
    return made.exclude(session=a.pk, original=a.pk).order_by("-pk").first()
