"""Answers where no view was reached: a problem for programs, a page for people."""

from __future__ import annotations

import sys
from http import HTTPStatus

import orjson
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

from apps.core.api import cannot_write
from apps.core.errors import UnavailableError

# Paths that programs ask for; /v1, /runs and the like are those of compatible clients.
FOR_PROGRAMS = ("/api/", "/v1/")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that nothing lies under."""
    if request.path.startswith(FOR_PROGRAMS):
        return _problem(HTTPStatus.NOT_FOUND, "There is nothing under this address.")
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refuses before any view."""
    if request.path.startswith(FOR_PROGRAMS):
        return _problem(HTTPStatus.BAD_REQUEST, "This request cannot be read.")
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a fault of ours, or while the database is away."""
    if cannot_write(sys.exc_info()[1]):
        return _away(request)
    if request.path.startswith(FOR_PROGRAMS):
        detail = "This is a fault of the server. Its log says more, under this request's id."
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
    return defaults.server_error(request)


def _away(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(FOR_PROGRAMS):
        answer = _problem(HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer.")
    else:
        # Without the request: who is signed in lies in the database.
        answer = HttpResponse(render_to_string("503.html"), status=HTTPStatus.SERVICE_UNAVAILABLE)
    answer["Retry-After"] = str(UnavailableError.retry_after_seconds)
    return answer


def _problem(status: HTTPStatus, detail: str) -> HttpResponse:
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/problem+json")
