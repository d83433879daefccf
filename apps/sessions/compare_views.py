"""The page that sets sessions side by side."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import orjson
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.audit.services import record_reading
from apps.core.errors import InvalidError
from apps.sessions import reader
from apps.sessions.compare import compare
from apps.sessions.compare_lines import SIGNS
from apps.sessions.compare_named import (
    LETTERS,
    ErasedSideError,
    begins_of,
    find_by_word,
    find_sides,
    moved_ids,
    places_of,
    read_ids,
    refuse_equal,
    split_steps,
)
from apps.sessions.compare_pages import ComparePage, read_mode
from apps.sessions.filters import refuse_unknown
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def compare_sessions(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show two sessions side by side, or ask which."""
    refuse_unknown(request.GET.dict(), frozenset({*LETTERS, "mode", "at"}))
    mode = read_mode(request.GET.get("mode"))
    named = {letter: request.GET.get(letter, "").strip() for letter in LETTERS}
    try:
        page = page_named(project, named, mode)
    except (Http404, InvalidError, ErasedSideError) as error:
        return ask(request, project, named, error)
    if page is None:
        return ask(request, project, named)
    sides = page.sides
    if any(named[letter] not in ("", page.address(letter)) for letter in sides):
        return redirect(page.url(at=request.GET.get("at")))
    write_down(request, project, sides)
    return render(request, "sessions/compare.html", page.context(request.GET.get("at", "")))


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def compared_rows(request: SignedInRequest, project: Project) -> HttpResponse:
    """Send how all steps are paired, in columns, for the slider over both sessions."""
    refuse_unknown(request.GET.dict(), frozenset("ab"))
    words, steps = split_steps({letter: request.GET.get(letter, "") for letter in "ab"})
    sides = find_sides(project, read_ids(words))
    write_down(request, project, sides)
    begins = begins_of(places_of(sides, steps))
    rows = compare(sides["a"], sides["b"], begins).rows
    answer = {
        "status": "".join(SIGNS[row.status] for row in rows),
        "a": [None if row.a is None else row.a + 1 for row in rows],
        "b": [None if row.b is None else row.b + 1 for row in rows],
    }
    return HttpResponse(orjson.dumps(answer), content_type="application/json")


def page_named(project: Project, named: Mapping[str, str], mode: str) -> ComparePage | None:
    """Return the page that the address names; None where it names fewer than two sessions."""
    words, steps = split_steps(named)
    sides = sides_named(project, words)
    if len(sides) < 2:
        return None
    places = places_of(sides, steps)
    return ComparePage(project, sides, mode, steps, places, begins_of(places))


def sides_named(project: Project, named: Mapping[str, str]) -> dict[str, Session]:
    """Return the sessions that are named, where they are now; those from a on without a gap."""
    ids: dict[str, UUID] = {}
    for letter, word in named.items():
        if not word:
            continue
        if letter > "b" and len(ids) < LETTERS.index(letter):
            raise InvalidError(f"{letter} needs the sessions before it.", letter)
        ids[letter] = find_by_word(project, letter, word)
    refuse_equal(ids)
    sides = find_sides(project, ids)
    if moved := moved_ids(sides):
        refuse_equal(ids | moved)
        sides = find_sides(project, ids | moved)
    return sides


def ask(
    request: SignedInRequest,
    project: Project,
    named: Mapping[str, str],
    error: Exception | None = None,
) -> HttpResponse:
    """Show the form that asks for two sessions, with what is known of them."""
    known = None
    if error is None and named["a"]:
        known = sides_named(project, {"a": split_steps(named)[0]["a"]})["a"]
        write_down(request, project, {"a": known})
    context = {
        "project": project,
        "organization": project.organization,
        "asked": [(letter, named[letter]) for letter in "ab"],
        "known": known,
        "known_title": reader.titles([known]).get(known.pk, "") if known else "",
        "known_short": short_id(known) if known else "",
        "error": str(error) if error else "",
        "field": error.errors[0]["path"] if isinstance(error, InvalidError) else "",
    }
    status = 200 if error is None else 404 if isinstance(error, Http404) else error.status  # type: ignore[attr-defined]
    return render(request, "sessions/compare_ask.html", context, status=status)


def write_down(request: SignedInRequest, project: Project, sides: Mapping[str, Session]) -> None:
    """Write down whose content the page shows."""
    record_reading(
        request.actor,
        organization_id=project.organization_id,
        project_id=project.pk,
        session_ids=[str(session.pk) for session in sides.values()],
    )
