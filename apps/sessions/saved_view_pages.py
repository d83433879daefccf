"""Saved views on the page of the list: opening, saving, changing, deleting, taking back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.core.errors import ConflictError, DomainError, InvalidError
from apps.sessions import saved_views
from apps.sessions.saved_view_models import LONGEST_NAME, SavedView
from apps.sessions.saved_view_queries import canonical, views_of, with_deleted_of
from apps.sessions.saved_view_tabs import Tabs, ViewMissingError, address_of, tabs_of
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

# Of the browser's session: what its next list offers to take back.
DELETED = "deleted_view"
MOST_DIGITS = 9

ListView = Callable[[SignedInRequest, Project, Tabs], HttpResponse]
Change = Callable[[SavedView, int], SavedView]


class NameForm(forms.Form):
    """The name on a view's tab."""

    name = forms.CharField(max_length=LONGEST_NAME)


class SaveForm(NameForm):
    is_shared = forms.BooleanField(required=False, label="For everybody in this project")


def with_saved_views(view: ListView) -> Callable[[SignedInRequest, Project], HttpResponse]:
    """Give the list its tabs; without any parameter it goes to the default view."""

    @wraps(view)
    def opened(request: SignedInRequest, project: Project) -> HttpResponse:
        try:
            tabs = tabs_of(
                project,
                request.user,
                request.GET,
                request.permissions,
                deleted=_just_deleted(request, project),
            )
        except ViewMissingError as error:
            return _missing(request, error)
        if not request.GET and tabs.default:
            return redirect(address_of(project, tabs.default.query, tabs.default.view))
        return view(request, project, tabs)

    return opened


@require_POST
@project_view(Permission.READ_META)
def save(request: SignedInRequest, project: Project) -> HttpResponse:
    form, query = SaveForm(request.POST), request.POST.get("query", "")
    if form.is_valid():
        owner = None if form.cleaned_data["is_shared"] else request.user
        name = form.cleaned_data["name"]
        try:
            view = saved_views.save_view(
                project, name=name, query=query, owner=owner, actor=request.actor
            )
        except InvalidError as error:
            tell(form, error)
        else:
            return _done(request, project, query, view, f"Saved as “{view.name}”.")
    return _again(request, project, form, query)


@require_POST
@project_view(Permission.READ_META)
def rename(request: SignedInRequest, project: Project, view_id: int) -> HttpResponse:
    view, seen = find_view(request, project, view_id), read_version(request)
    form, query = NameForm(request.POST), request.POST.get("query", "")
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            view = saved_views.rename_view(view, name=name, seen_version=seen, actor=request.actor)
        except DomainError as error:
            tell(form, error)
        else:
            return _done(request, project, query, view, f"It is called “{view.name}” now.")
    return _again(request, project, form, query, view=view)


@require_POST
@project_view(Permission.READ_META)
def change(request: SignedInRequest, project: Project, view_id: int) -> HttpResponse:
    """Let a view stand for what the list shows."""
    query, actor = request.POST.get("query", ""), request.actor

    def act(view: SavedView, seen: int) -> SavedView:
        return saved_views.change_view(view, query=query, seen_version=seen, actor=actor)

    return _change(request, project, view_id, act, "The view was updated.")


@require_POST
@project_view(Permission.READ_META)
def share(request: SignedInRequest, project: Project, view_id: int) -> HttpResponse:
    """Give a view to everybody in the project, or take it as one's own."""
    owner = None if request.POST.get("is_shared") == "1" else request.user

    def act(view: SavedView, seen: int) -> SavedView:
        return saved_views.share_view(view, owner=owner, seen_version=seen, actor=request.actor)

    said = "Everybody in the project has this view." if owner is None else "This view is yours."
    return _change(request, project, view_id, act, said)


@require_POST
@project_view(Permission.READ_META)
def make_default(request: SignedInRequest, project: Project, view_id: int) -> HttpResponse:
    is_default = request.POST.get("is_default") == "1"

    def act(view: SavedView, _: int) -> SavedView:
        return saved_views.make_default_view(view, is_default=is_default, actor=request.actor)

    said = "The list opens with this view." if is_default else "It is no default any more."
    return _change(request, project, view_id, act, said)


@require_POST
@project_view(Permission.READ_META)
def delete(request: SignedInRequest, project: Project, view_id: int) -> HttpResponse:
    """Delete a view; the list, as it is shown then, offers to take that back."""
    view, seen = find_view(request, project, view_id), read_version(request)
    try:
        saved_views.delete_view(view, seen_version=seen, actor=request.actor)
    except ConflictError as error:
        return _refused(request, project, view, error)
    request.session[DELETED] = view.pk
    return redirect(address_of(project, ""))


@require_POST
@project_view(Permission.READ_META)
def restore(request: SignedInRequest, project: Project, view_id: int) -> HttpResponse:
    view = with_deleted_of(project, request.user).filter(pk=view_id).first()
    if view is None:
        raise ViewMissingError
    try:
        view = saved_views.restore_view(view, actor=request.actor)
    except (ConflictError, InvalidError) as error:
        messages.error(request, str(error))
        return redirect(address_of(project, ""))
    return _done(request, project, "", view, f"“{view.name}” is back.")


def find_view(request: SignedInRequest, project: Project, view_id: int) -> SavedView:
    found = views_of(project, request.user).filter(pk=view_id).first()
    if found is None:
        raise ViewMissingError
    return found


def read_version(request: SignedInRequest) -> int:
    """Return which version of the view its form was about."""
    text = request.POST.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise InvalidError("version must be the number that the form came with.", "version")
    return int(text)


def _missing(request: SignedInRequest, error: ViewMissingError) -> HttpResponse:
    """Say that there is no such view, and how to go on with what else was asked for."""
    context = {
        "title": error.title,
        "message": str(error),
        "status": error.status,
        "query": error.query,
    }
    return render(request, "sessions/view_missing.html", context, status=error.status)


def _just_deleted(request: SignedInRequest, project: Project) -> SavedView | None:
    view_id = request.session.pop(DELETED, None)
    if view_id is None:
        return None
    deleted = with_deleted_of(project, request.user).filter(deleted_at__isnull=False)
    return deleted.filter(pk=view_id).first()


def _change(
    request: SignedInRequest, project: Project, view_id: int, act: Change, said: str
) -> HttpResponse:
    view, seen = find_view(request, project, view_id), read_version(request)
    try:
        view = act(view, seen)
    except (ConflictError, InvalidError) as error:
        return _refused(request, project, view, error)
    return _done(request, project, request.POST.get("query", ""), view, said)


def _done(
    request: SignedInRequest, project: Project, query: str, view: SavedView, said: str
) -> HttpResponse:
    messages.success(request, said)
    return _back(project, query, view)


def _refused(
    request: SignedInRequest, project: Project, view: SavedView, error: DomainError
) -> HttpResponse:
    """Tell why nothing was changed, where the person was."""
    messages.error(request, str(error))
    still_there = views_of(project, request.user).filter(pk=view.pk).first()
    return _back(project, request.POST.get("query", ""), still_there)


def _back(project: Project, query: str, view: SavedView | None) -> HttpResponse:
    return redirect(address_of(project, canonical(QueryDict(query)), view))


def _again(
    request: SignedInRequest,
    project: Project,
    form: forms.Form,
    query: str,
    *,
    view: SavedView | None = None,
) -> HttpResponse:
    """Show the form once more, with what was wrong."""
    slugs = (project.organization.slug, project.slug)
    action = (
        reverse("sessions:view-rename", args=(*slugs, view.pk))
        if view
        else reverse("sessions:view-save", args=slugs)
    )
    context = {
        "project": project,
        "form": form,
        "view": view,
        "query": query,
        "action": action,
        "back": address_of(project, canonical(QueryDict(query)), view),
    }
    return render(request, "sessions/view_form.html", context, status=422)
