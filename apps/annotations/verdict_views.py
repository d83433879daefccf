"""The verdict on two compared sessions: a part of the comparison, and a page without scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.annotations.verdicts import CHOICES, give_verdict, take_back, verdicts_of
from apps.audit.services import record_reading
from apps.sessions.compare_named import find_sides, read_ids
from apps.sessions.filters import refuse_unknown
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

# Sent by the comparison's own script, which takes the part and not the page.
PART = "X-Playhead-Part"
# In the order of the keys 1, 2, 3.
TITLES = {"a": "A better", "b": "B better", "tie": "Tie"}


@require_safe
@project_view(Permission.READ_CONTENT)
def verdict(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show what was said of two sessions, and the form to say it."""
    refuse_unknown(request.GET.dict(), frozenset("ab"))
    sides = _sides(project, request.GET)
    record_reading(
        request.actor,
        organization_id=project.organization_id,
        project_id=project.pk,
        session_ids=[str(session.pk) for session in sides.values()],
    )
    return _show(request, project, sides)


@require_POST
@project_view(Permission.ANNOTATE)
def verdict_give(request: SignedInRequest, project: Project) -> HttpResponse:
    """Keep a verdict, or take it back."""
    sides = _sides(project, request.POST)
    choice = request.POST.get("choice", "")
    if choice == "none":
        take_back(sides["a"], sides["b"], actor=request.actor)
    else:
        note = request.POST.get("note", "")
        give_verdict(sides["a"], sides["b"], choice, note=note, actor=request.actor)
    if PART in request.headers:
        return _show(request, project, sides)
    query = urlencode({letter: session.pk for letter, session in sides.items()})
    compare = reverse("sessions:compare", args=(project.organization.slug, project.slug))
    return redirect(f"{compare}?{query}")


def _sides(project: Project, query: Mapping[str, str]) -> dict[str, Session]:
    return find_sides(project, read_ids({letter: query.get(letter, "") for letter in "ab"}))


def _show(request: SignedInRequest, project: Project, sides: Mapping[str, Session]) -> HttpResponse:
    verdicts: list[Any] = []
    if Permission.READ_CONTENT in request.permissions:
        verdicts = verdicts_of(sides["a"], sides["b"], request.actor)
    counts = Counter(one.choice for one in verdicts)
    context = {
        "project": project,
        "organization": project.organization,
        "sides": sides,
        "short_ids": {letter: short_id(session) for letter, session in sides.items()},
        "verdicts": verdicts,
        "own": next((one for one in verdicts if one.is_own), None),
        "choices": [(choice, TITLES[choice], counts[choice]) for choice in CHOICES],
        "titles": TITLES,
        "may_annotate": Permission.ANNOTATE in request.permissions,
    }
    name = "annotations/verdicts.html" if PART in request.headers else "annotations/verdict.html"
    return render(request, name, context)
