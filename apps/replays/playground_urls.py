"""URL of the playground."""

from __future__ import annotations

from django.urls import path

from apps.replays import playground_pages

app_name = "playground"

urlpatterns = [
    path(
        "o/<slug:organization_slug>/p/<slug:project_slug>/playground/",
        playground_pages.page,
        name="open",
    ),
]
