"""What one does with the rows of the list: follow it, select sessions, compare and tag them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import InvalidError
from apps.core.paging import Page
from apps.sessions import listing, pages, store
from apps.sessions.columns import (
    COOKIE,
    NEWEST_FIRST,
    PARAMETERS,
    REMEMBER,
    SHOWN_FIRST,
    Look,
    read_look,
    why_not_live,
)
from apps.sessions.filters import SessionFilters
from apps.sessions.models import Session
from apps.sessions.queries import BEFORE, cursor_of, session_page
from apps.sessions.search import Found
from apps.sessions.tagging import Tagged
from apps.sessions.tagging_found import joined, tag_found, undo_all
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

ONE_YEAR = 365 * 24 * 3600
# Newer sessions that are counted, and rows that are drawn again, at most.
NEWER = 50
MOST_COMPARED = 4
# The form of the menu says these itself, or begins at the first page again.
NOT_KEPT = {"columns", "density", "cursor", REMEMBER}
# Portions of one act of tagging, and digits of the number of an entry.
MOST_ENTRIES = 20
MOST_DIGITS = 19
# What the last act of tagging said, until a page has shown it.
SAID = "said_of_tags"


def remember(request: SignedInRequest, look: Look) -> HttpResponse:
    """Keep a chosen look, and send on to the address that says it."""
    query = request.GET.copy()
    for name in (REMEMBER, *PARAMETERS):
        query.pop(name, None)
    query["columns"], query["density"] = look.names, look.density
    if look.is_live:
        query["live"] = "on"
    response = HttpResponseRedirect(f"?{query.urlencode(safe=',')}")
    response.set_cookie(COOKIE, look.cookie, max_age=ONE_YEAR, samesite="Lax", httponly=True)
    return response


def rows_context(request: SignedInRequest, filters: SessionFilters, found: Found) -> dict[str, Any]:
    """Return what the rows need beside the sessions themselves."""
    return {
        "may_annotate": Permission.ANNOTATE in request.permissions,
        "after": newest_cursor(found.page.rows) if filters.sort == NEWEST_FIRST else "",
        "kept_query": [pair for pair in request.GET.items() if pair[0] not in NOT_KEPT],
        "usual_columns": ",".join(SHOWN_FIRST),
        "why_not_live": why_not_live(filters, is_first_page="cursor" not in request.GET),
        "said_of_tags": request.session.pop(SAID, None),
        "most_compared": MOST_COMPARED,
    }


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def newer_sessions(request: SignedInRequest, project: Project) -> HttpResponse:
    """Say how many sessions are newer than the list's first, and draw open ones again."""
    also = listing.PARAMETERS | {"after", "open"}
    filters = SessionFilters.from_query(request.GET.dict(), also=also)
    if reason := why_not_live(filters, is_first_page=True):
        raise InvalidError(reason, "q" if filters.q else "sort")
    look = read_look(request.GET, request.COOKIES.get(COOKIE, ""))
    after = request.GET.get("after")
    newer = session_page(project, filters, cursor=after, limit=NEWER)
    found = Found(Page(open_sessions(project, request.GET.get("open", ""))), {})
    may_read = pages.may_read_content(request)
    context = {
        "project": project,
        "look": look,
        "count": len(newer),
        "is_capped": (newer.previous if after else newer.next) is not None,
        "rows": listing.session_rows(project, found, look, may_read=may_read),
    }
    return render(request, "sessions/newer.html", context)


def open_sessions(project: Project, ids: str) -> list[Session]:
    wanted = read_ids(ids.split(",") if ids else [], "open")
    if len(wanted) > NEWER:
        raise InvalidError(f"open takes at most {NEWER} sessions.", "open")
    if not wanted:
        return []
    return list(project.sessions.filter(pk__in=wanted, is_listed=True))


@require_POST
@project_view(Permission.READ_META)
def compare_selected(request: SignedInRequest, project: Project) -> HttpResponse:
    """Send on to the comparison of the selected sessions."""
    ids = read_ids(request.POST.getlist("session"), "session")
    if not 2 <= len(ids) <= MOST_COMPARED:
        raise InvalidError(f"Select 2 to {MOST_COMPARED} sessions to compare.", "session")
    named = dict(zip("abcd", ids, strict=False))
    root = reverse("sessions:list", args=(project.organization.slug, project.slug))
    return redirect(f"{root.removesuffix('sessions/')}compare/?{urlencode(named)}")


@require_POST
@project_view(Permission.ANNOTATE)
def tag_selected(request: SignedInRequest, project: Project) -> HttpResponse:
    """Tag the selected sessions, or take tags from them."""
    tags = [tag for tag in request.POST.get("tag", "").split(",") if tag.strip()]
    if not tags:
        raise InvalidError("Say which tag.", "tag")
    act = request.POST.get("act", "")
    change = {"remove": tags} if act.startswith("untag") else {"add": tags}
    if act.endswith("-found"):
        parts = tag_found(project, found_filters(request), **change, actor=request.actor)
    else:
        ids = read_ids(request.POST.getlist("session"), "session")
        parts = [store.tag_sessions(project, ids, **change, actor=request.actor)]
    entries = [str(part.entry) for part in parts if part.entry is not None]
    text = told(joined(parts), tags, "remove" in change)
    request.session[SAID] = {"text": text, "undo": ",".join(entries)}
    return back_to_list(request, project)


def found_filters(request: SignedInRequest) -> SessionFilters:
    """Return the filters of the list from which all that they find is to be tagged."""
    query = QueryDict(request.POST.get("query", "").removeprefix("?")[:4000])
    return SessionFilters.from_query(query.dict(), also=listing.PARAMETERS)


@require_POST
@project_view(Permission.ANNOTATE)
def undo_tags(request: SignedInRequest, project: Project) -> HttpResponse:
    """Take back the last act of tagging."""
    entries = request.POST.get("entry", "").split(",")
    if len(entries) > MOST_ENTRIES or not all(map(is_entry, entries)):
        raise InvalidError("entry must be the number of an act.", "entry")
    tagged = joined(undo_all(project, list(map(int, entries)), actor=request.actor))
    text = f"Undone for {sessions(tagged.sessions)}." if tagged.entry else "Nothing to undo."
    request.session[SAID] = {"text": text, "undo": None}
    return back_to_list(request, project)


def is_entry(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < MOST_DIGITS


def told(tagged: Tagged, tags: list[str], is_removal: bool) -> str:
    """Say what an act changed, and what it could not."""
    acted, names = "Untagged" if is_removal else "Tagged", ", ".join(tag.strip() for tag in tags)
    text = f"{acted} {sessions(tagged.sessions)}: {names}."
    if tagged.entry is None:
        text = "Nothing to change."
    if tagged.kept:
        count = len({session_id for session_id, _ in tagged.kept})
        verb = "keeps" if count == 1 else "keep"
        text += f" {sessions(count)} {verb} what the application sent."
    if tagged.missing:
        text += f" {sessions(tagged.missing)} could not be found any more."
    return text


def sessions(count: int) -> str:
    return f"{count:,} session{'' if count == 1 else 's'}"


def back_to_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """Return to the list as it was looked at."""
    root = reverse("sessions:list", args=(project.organization.slug, project.slug))
    query = QueryDict(request.POST.get("query", "").removeprefix("?")[:4000])
    return HttpResponseRedirect(f"{root}?{query.urlencode(safe=',')}" if query else root)


def read_ids(texts: list[str], path: str) -> list[UUID]:
    """Return the ids of sessions, each once."""
    try:
        return list(dict.fromkeys(UUID(text) for text in texts))
    except ValueError:
        raise InvalidError(f"{path} takes ids of sessions.", path) from None


def newest_cursor(rows: list[Session]) -> str:
    """Return the place before the first row; empty for an empty list."""
    return cursor_of(rows[0], NEWEST_FIRST, BEFORE) if rows else ""
