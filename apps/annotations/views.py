"""Pages of what people say about sessions: comments, tags of steps, scores."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from apps.annotations import commenting, event_tagging, library, pages, queries, scoring
from apps.annotations.forms import ScoreForm
from apps.annotations.mentions import offer_people
from apps.annotations.models import Comment
from apps.annotations.steps import find_event
from apps.core.errors import DomainError, InvalidError
from apps.sessions.filters import refuse_unknown
from apps.sessions.models import Session
from apps.sessions.pages import session_context
from apps.sessions.views import find_session, moved
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Change = Callable[[Comment], object]


@require_safe
@gzip_page
@project_view(Permission.READ_CONTENT)
def comments(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Show what was said about a session or one of its steps, and a form to say more."""
    pages.refuse_others(request)
    session = find_session(project, session_id)
    if session.merged_into_id:
        return moved(project, session.merged_into_id)
    return pages.comments_answer(request, session)


@require_POST
@project_view(Permission.ANNOTATE)
def add_comment(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    session, posted = find_session(project, session_id), request.POST.dict()
    try:
        thread = pages.read_comment_id(posted.get("thread", ""))
        comment = commenting.add_comment(
            session,
            text=posted.get("text", ""),
            event_id="" if thread else posted.get("about", ""),
            chosen=None if thread else pages.read_range(posted),
            thread=find_comment(session, thread) if thread else None,
            actor=request.actor,
        )
    except DomainError as error:
        return pages.refused(request, session, error, typed=posted)
    return pages.after_change(request, session, f"comment-{comment.pk}")


@require_POST
@project_view(Permission.ANNOTATE)
def edit_comment(
    request: SignedInRequest, project: Project, session_id: UUID, comment_id: int
) -> HttpResponse:
    text = request.POST.get("text", "")

    def change(comment: Comment) -> object:
        return commenting.edit_comment(comment, text=text, actor=request.actor)

    return change_comment(request, project, session_id, comment_id, change)


@require_POST
@project_view(Permission.ANNOTATE)
def delete_comment(
    request: SignedInRequest, project: Project, session_id: UUID, comment_id: int
) -> HttpResponse:
    def change(comment: Comment) -> object:
        return commenting.delete_comment(comment, actor=request.actor)

    return change_comment(request, project, session_id, comment_id, change)


@require_POST
@project_view(Permission.ANNOTATE)
def resolve_thread(
    request: SignedInRequest, project: Project, session_id: UUID, comment_id: int
) -> HttpResponse:
    is_resolved = request.POST.get("is_resolved") == "1"

    def change(comment: Comment) -> object:
        return commenting.resolve_thread(comment, is_resolved=is_resolved, actor=request.actor)

    return change_comment(request, project, session_id, comment_id, change)


def change_comment(
    request: SignedInRequest, project: Project, session_id: UUID, comment_id: int, change: Change
) -> HttpResponse:
    session = find_session(project, session_id)
    try:
        change(find_comment(session, comment_id))
    except DomainError as error:
        typed = request.POST.dict() | {"edited": str(comment_id)}
        return pages.refused(request, session, error, typed=typed)
    return pages.after_change(request, session, f"comment-{comment_id}")


def find_comment(session: Session, comment_id: int) -> Comment:
    rows = session.project.comments.select_related("project", "session")
    comment = rows.filter(session=session, pk=comment_id).first()
    if comment is None:
        raise Http404("This session has no such comment.")
    return comment


@require_safe
@project_view(Permission.READ_CONTENT)
def comment_edits(
    request: SignedInRequest, project: Project, session_id: UUID, comment_id: int
) -> HttpResponse:
    """Show what a comment said before it was edited."""
    session = find_session(project, session_id)
    said = queries.one_comment(session, comment_id)
    if said is None:
        raise Http404("This session has no such comment.")
    context = session_context(request, session)
    earlier = queries.earlier_texts(session, said.row)
    context |= {
        "said": said,
        "earlier": earlier,
        "back": pages.address_of(session, said.event or ""),
    }
    return render(request, "annotations/edits.html", context)


@require_safe
@project_view(Permission.ANNOTATE)
def people(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Send who may be named in a comment on this session."""
    refuse_unknown(request.GET.dict(), frozenset({"prefix"}))
    session = find_session(project, session_id)
    offered = offer_people(session, request.GET.get("prefix", ""))
    told = [{"text": one.handle, "says": str(one.person)} for one in offered]
    return JsonResponse({"offered": told})


@require_safe
@project_view(Permission.READ_META)
def marks(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Send which steps something was said about, for the overview of the player."""
    refuse_unknown(request.GET.dict(), frozenset())
    return JsonResponse(queries.marks_of(find_session(project, session_id)))


@require_safe
@project_view(Permission.READ_CONTENT)
def about(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Send what is said about the session as a whole, for the head of the player."""
    refuse_unknown(request.GET.dict(), frozenset())
    session = find_session(project, session_id)
    told = {"about": queries.about(session), "example": library.example_of(session)}
    return render(request, "annotations/about.html", session_context(request, session) | told)


@require_safe
@project_view(Permission.READ_CONTENT)
def ranges(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Send which characters of a step's texts are commented on, to be marked where they stand."""
    refuse_unknown(request.GET.dict(), frozenset({"event"}))
    session = find_session(project, session_id)
    event = find_event(session, request.GET.get("event", ""))
    return JsonResponse({"ranges": queries.ranges_of(session, event)})


@require_POST
@project_view(Permission.ANNOTATE)
def tag_step(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    """Give a step tags, or take one from it."""
    session, posted = find_session(project, session_id), request.POST
    add = [tag for tag in posted.get("add", "").split(",") if tag.strip()]
    remove = [tag for tag in [posted.get("remove", "")] if tag]
    try:
        if not add and not remove:
            raise InvalidError("Say which tag.", "add")
        event_tagging.tag_event(
            session, posted.get("event", ""), add=add, remove=remove, actor=request.actor
        )
    except DomainError as error:
        return pages.refused(request, session, error, typed=posted.dict())
    return pages.after_change(request, session, "step-tags")


@require_POST
@project_view(Permission.ANNOTATE)
def add_score(request: SignedInRequest, project: Project, session_id: UUID) -> HttpResponse:
    session, form = find_session(project, session_id), ScoreForm(request.POST)
    typed = request.POST.dict()
    if not form.is_valid():
        said = "; ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items())
        return pages.refused(request, session, InvalidError(said), typed=typed)
    try:
        about = request.POST.get("about", "")
        scoring.add_score(
            session, **form.cleaned_data, event_id=about, replaces=True, actor=request.actor
        )
    except DomainError as error:
        return pages.refused(request, session, error, typed=typed)
    return pages.after_change(request, session, "scores")


@require_POST
@project_view(Permission.ANNOTATE)
def remove_score(
    request: SignedInRequest, project: Project, session_id: UUID, score_id: UUID
) -> HttpResponse:
    session = find_session(project, session_id)
    rows = project.scores.select_related("project", "session")
    score = rows.filter(session=session, pk=score_id).first()
    if score is None:
        raise Http404("This session has no such score.")
    try:
        scoring.remove_score(score, actor=request.actor)
    except DomainError as error:
        return pages.refused(request, session, error)
    return pages.after_change(request, session, "scores")
