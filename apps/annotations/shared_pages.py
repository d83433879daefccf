"""What a share link opens: a session or a step to read, without an account.

Nothing here asks who is signed in, writes to the record or leads anywhere else in Playhead.
The token lies in the address, so it is kept out of caches, of what other sites are told and
of search engines.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from apps.annotations import share_visits, shared_content
from apps.annotations.share_models import ShareLink
from apps.annotations.share_visits import VISIT_SECONDS, find_link
from apps.audit.actors import Actor
from apps.core.addresses import client_ip
from apps.core.errors import DomainError
from apps.tenants.doors import public_view

COOKIE = "playhead_shared"
HEADERS = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
WRONG = "This is not the passphrase."

SharedView = Callable[..., Any]


def shared_view(view: SharedView) -> SharedView:
    """Swap the token of the URL for a link that opens now; everything else is not there."""

    @public_view
    @wraps(view)
    def guarded(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        link = find_link(token)
        try:
            response = view(request, link, token, **kwargs) if link else gone(request)
        except (Http404, DomainError) as error:
            response = refused(request, token, str(error), getattr(error, "status", 404))
        for name, value in HEADERS.items():
            response[name] = value
        return response

    return guarded


# Whoever posts here has the link, and acts by it alone: no cookie of theirs gives them a right.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@gzip_page
@shared_view
def shared(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    """Show what the link is for; ask first where there is a passphrase or a cap."""
    if is_inside(request, link):
        return show(request, link, token)
    if link.is_used_up:
        return gone(request)
    if request.method == "POST" or (request.method == "GET" and not link.asks_first):
        return enter(request, link, token)
    return render(request, "shared/ask.html", {"link": link})


@require_safe
@gzip_page
@shared_view
def shared_step(request: HttpRequest, link: ShareLink, token: str, event_id: str) -> HttpResponse:
    """Show one step of the session, to whoever opened the link."""
    if not is_inside(request, link):
        return redirect("annotations:shared", token)
    return show(request, link, token, event_id)


def is_inside(request: HttpRequest, link: ShareLink) -> bool:
    return share_visits.is_visit(link, request.COOKIES.get(COOKIE, ""))


def enter(request: HttpRequest, link: ShareLink, token: str) -> HttpResponse:
    """Let a visitor in, if they may: one more opening."""
    visitor, given = client_ip(request), request.POST.get("passphrase", "")
    if not share_visits.knows_passphrase(link, given, visitor=visitor):
        context = {"link": link, "wrong": WRONG}
        return render(request, "shared/ask.html", context, status=403)
    if not share_visits.open_link(link, actor=actor_of(request, link)):
        return gone(request)
    is_first = request.method == "GET"
    response = show(request, link, token) if is_first else redirect("annotations:shared", token)
    response.set_cookie(
        COOKIE,
        share_visits.visit_of(link),
        max_age=VISIT_SECONDS,
        path=reverse("annotations:shared", args=(token,)),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def show(request: HttpRequest, link: ShareLink, token: str, event_id: str = "") -> HttpResponse:
    actor = actor_of(request, link)
    if link.event_id or event_id:
        context = shared_content.step_context(link, event_id, actor=actor)
        return render(request, "shared/step.html", context | {"token": token})
    context = shared_content.session_context(link, request.GET.dict(), actor=actor)
    return render(request, f"shared/{context['view']}.html", context | {"token": token})


def actor_of(request: HttpRequest, link: ShareLink) -> Actor:
    request_id = getattr(request, "request_id", "")
    return share_visits.visitor_of(link, ip=client_ip(request), request_id=request_id)


def gone(request: HttpRequest) -> HttpResponse:
    """Say the same of links that never were, ended, or were used up."""
    return render(request, "shared/gone.html", status=404)


def refused(request: HttpRequest, token: str, message: str, status: int) -> HttpResponse:
    context = {"token": token, "message": message, "status": status}
    return render(request, "shared/refused.html", context, status=status)
