"""Who can see a session: roles, grants to single people, and share links."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.annotations import share_links
from apps.annotations.share_address import address_of
from apps.annotations.share_audience import audience, person_called
from apps.annotations.share_forms import GrantForm, LinkForm
from apps.core.errors import DomainError
from apps.sessions.layout_cache import layout_of
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.tenants import grants
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.forms import tell
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

SessionView = Callable[..., HttpResponse]


def of_session(view: SessionView) -> SessionView:
    """Swap the session's id of the URL for the session; one that moved is sent after."""

    @wraps(view)
    def found(
        request: SignedInRequest, project: Project, session_id: UUID, **kwargs: Any
    ) -> HttpResponse:
        session = project.sessions.filter(pk=session_id, erased_at=None).first()
        if session is None:
            raise Http404("This session is not here, or it was erased.")
        session.project = project
        if session.merged_into_id is not None:
            return back(project, session.merged_into_id)
        return view(request, session, **kwargs)

    return found


@require_safe
@project_view(Permission.READ_MEMBERS)
@of_session
def access(request: SignedInRequest, session: Session) -> HttpResponse:
    return show(request, session)


@require_POST
@project_view(Permission.SHARE)
@of_session
def give(request: SignedInRequest, session: Session) -> HttpResponse:
    form = GrantForm(request.POST)
    if not form.is_valid():
        return show(request, session, grant_form=form, status=422)
    try:
        person = person_called(session.project, form.cleaned_data["email"])
        annotate = form.cleaned_data["annotate"]
        grants.grant_session(
            session.project, session, person=person, annotate=annotate, actor=request.actor
        )
    except DomainError as error:
        tell(form, error)
        return show(request, session, grant_form=form, status=error.status)
    messages.success(request, f"{person.email} can see this session now.")
    return back(session.project, session.pk)


@require_POST
@project_view(Permission.SHARE)
@of_session
def take(request: SignedInRequest, session: Session, person_id: int) -> HttpResponse:
    guests = session.project.session_grants.filter(content_object=session, user_id=person_id)
    person = get_object_or_404(guests.select_related("user")[:1]).user
    try:
        grants.take_grant(session.project, session, person=person, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The grant to {person.email} was taken back.")
    return back(session.project, session.pk)


@require_POST
@never_cache
@project_view(Permission.SHARE)
@of_session
def make(request: SignedInRequest, session: Session) -> HttpResponse:
    form = form_for(session, request.POST.get("event", ""), request.POST)
    if not form.is_valid():
        return show(request, session, link_form=form, status=422)
    try:
        link, token = share_links.make_link(session, form.terms(), actor=request.actor)
    except DomainError as error:
        tell(form, error)
        return show(request, session, link_form=form, status=error.status)
    context = {
        "session": session,
        "project": session.project,
        "link": link,
        "secret": address_of(token),
        "short_id": short_id(session),
    }
    return render(request, "annotations/link_made.html", context)


@require_POST
@project_view(Permission.SHARE)
@of_session
def revoke(request: SignedInRequest, session: Session, link_id: int) -> HttpResponse:
    link = get_object_or_404(session.project.share_links, session=session, pk=link_id)
    try:
        share_links.revoke_link(link, actor=request.actor)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The link no longer opens.")
    return back(session.project, session.pk)


def form_for(session: Session, event_id: str, data: object = None) -> LinkForm:
    """Return the form for a link; it offers a step where the address names one."""
    at = layout_of(session).find(event_id) if event_id else None
    return LinkForm(event_id if at is not None else "", None if at is None else at + 1, data)


def back(project: Project, session_id: UUID) -> HttpResponse:
    return redirect("annotations:access", project.organization.slug, project.slug, session_id)


def show(
    request: SignedInRequest,
    session: Session,
    *,
    grant_form: GrantForm | None = None,
    link_form: LinkForm | None = None,
    status: int = 200,
) -> HttpResponse:
    may_share = {Permission.SHARE, Permission.READ_CONTENT} <= request.permissions
    context = audience(session, may_share=may_share) | {
        "short_id": short_id(session),
        "may_share": may_share,
        "grant_form": grant_form or GrantForm(),
        "link_form": link_form or form_for(session, request.GET.get("step", "")),
    }
    return render(request, "annotations/access.html", context, status=status)
