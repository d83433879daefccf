from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from rest_framework.views import APIView

from apps.tenants import checks
from apps.tenants.doors import ProjectAPIView, project_view, public_view
from apps.tenants.permissions import Permission


def forgotten(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@public_view
def open_to_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@project_view(Permission.READ_META)
def guarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class Unguarded(APIView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class HalfGuarded(ProjectAPIView):
    needs = {"GET": Permission.READ_META}

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class Authenticated(ProjectAPIView):
    needs = {"GET": "signed in"}  # type: ignore[dict-item]

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


urlpatterns = [
    path("open/", open_to_all),
    path("guarded/", guarded),
    path("inner/", include([path("forgotten/", forgotten)])),
    path("unguarded/", Unguarded.as_view()),
    path("half/", HalfGuarded.as_view()),
    path("signed-in-only/", Authenticated.as_view()),
]


def test_every_view_of_playhead_says_what_it_needs():
    assert checks.every_view_names_its_permission(None) == []


@override_settings(ROOT_URLCONF=__name__)
def test_a_view_that_does_not_say_what_it_needs_is_an_error():
    errors = checks.every_view_names_its_permission(None)

    told = " ".join(error.msg for error in errors)
    assert [error.id for error in errors] == ["tenants.E001"] * 4
    for path_of_bad_view in ("/inner/forgotten/", "/unguarded/", "/half/", "/signed-in-only/"):
        assert path_of_bad_view in told
    assert "leaves out POST" in told


def test_a_server_does_not_start_over_such_a_view():
    with override_settings(ROOT_URLCONF=__name__), pytest.raises(ImproperlyConfigured):
        checks.stop_unless_safe()

    checks.stop_unless_safe()
