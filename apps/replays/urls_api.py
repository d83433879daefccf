"""URLs of the API of replays."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "replays_api"
urlpatterns: list[URLPattern] = []
