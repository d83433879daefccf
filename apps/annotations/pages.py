"""What the pages of comments, scores and examples show, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.annotations import event_tagging, library, queries
from apps.annotations.commenting import LONGEST_COMMENT
from apps.annotations.places import Range
from apps.annotations.signing import is_own
from apps.annotations.steps import find_event
from apps.core.errors import DomainError, InvalidError
from apps.core.paging import read_limit
from apps.sessions import pages
from apps.sessions.filters import refuse_unknown
from apps.sessions.models import Session
from apps.sessions.tagging import LONGEST_TAG
from apps.tenants.doors import SignedInRequest
from apps.tenants.permissions import Permission

Json = Any

FRAGMENT = "fragment"
PARAMETERS = frozenset({"event", "cursor", "limit", FRAGMENT})
MOST_DIGITS = 9
# What is typed into the forms, before anything is.
EMPTY = dict.fromkeys(
    ("text", "thread", "edited", "place", "start", "end", "quote", "name", "value", "comment"), ""
)
MOST_SCORES = 100


def is_fragment(request: HttpRequest) -> bool:
    """Tell whether the page is to be put into another one."""
    return (request.POST if request.method == "POST" else request.GET).get(FRAGMENT) == "1"


def asked_event(request: HttpRequest) -> str:
    return (request.POST if request.method == "POST" else request.GET).get("event", "")


def said_context(
    request: SignedInRequest,
    session: Session,
    *,
    error: str = "",
    done: str = "",
    typed: Mapping[str, str] = EMPTY,
) -> dict[str, Json]:
    """Return all that is said about a step, or about the session and all of its steps."""
    event_id = asked_event(request)
    event = find_event(session, event_id) if event_id else None
    cursor, limit = request.GET.get("cursor"), read_limit(request.GET.get("limit"))
    page = queries.threads_page(session, event=event, cursor=cursor, limit=limit)
    context = pages.session_context(request, session)
    return context | {
        "page": page,
        "threads": [shown(said, request) for said in page.rows],
        "event": event.hex if event else "",
        "scores": _scores(request, session, event),
        "tags": event_tagging.tags_of_event(session, event) if event else [],
        "example": None if event else library.example_of(session),
        "may_annotate": Permission.ANNOTATE in request.permissions,
        "is_fragment": is_fragment(request),
        "longest": LONGEST_COMMENT,
        "longest_tag": LONGEST_TAG,
        "error": error,
        "done": done,
        "typed": {**EMPTY, **typed},
    }


def _scores(request: SignedInRequest, session: Session, event: UUID | None) -> list[queries.Given]:
    found = queries.scores_of(session, event=event, content=True, limit=MOST_SCORES)
    for given in found:
        given.is_own = is_own(given.row, request.actor)
    return found


def shown(said: queries.Said, request: SignedInRequest) -> queries.Said:
    """Mark what the reader may change."""
    manages = Permission.MANAGE_PROJECT in request.permissions
    for one in (said, *said.replies):
        one.is_own = is_own(one.row, request.actor)
        one.may_delete = (one.is_own or manages) and one.row.deleted_at is None
    return said


def comments_answer(
    request: SignedInRequest, session: Session, *, status: int = 200, **more: Json
) -> HttpResponse:
    """Return the comments, whole or to be put into another page."""
    context = said_context(request, session, **more)
    name = "annotations/comments.html" + ("#said" if is_fragment(request) else "")
    return render(request, name, context, status=status)


def after_change(request: SignedInRequest, session: Session, anchor: str = "") -> HttpResponse:
    """Show what there is now: in its place where a script asked, else on the page."""
    if is_fragment(request):
        return comments_answer(request, session, done=anchor)
    return redirect(address_of(session, asked_event(request)) + (f"#{anchor}" if anchor else ""))


def refused(
    request: SignedInRequest, session: Session, error: DomainError, **more: Json
) -> HttpResponse:
    """Show the form once more, with what was wrong and all that was typed."""
    status = 422 if isinstance(error, InvalidError) else error.status
    return comments_answer(request, session, status=status, error=str(error), **more)


def address_of(session: Session, event: str = "") -> str:
    project = session.project
    slugs = (project.organization.slug, project.slug)
    address = reverse("annotations:comments", args=(*slugs, session.pk))
    return f"{address}?event={event}" if event else address


def read_range(posted: Mapping[str, str]) -> Range | None:
    """Return the characters that a comment is about, from the form's fields."""
    place = posted.get("place", "")
    if not place:
        return None
    start, end = (read_number(posted.get(name, ""), name) for name in ("start", "end"))
    return Range(place, start, end, posted.get("quote", ""))


def read_number(text: str, path: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise InvalidError(f"{path} must be a whole number.", path)
    return int(text)


def read_comment_id(text: str) -> int | None:
    return read_number(text, "thread") if text else None


def refuse_others(request: HttpRequest) -> None:
    refuse_unknown(request.GET.dict(), PARAMETERS)
