"""URLs of the pages of replays."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "replays"
urlpatterns: list[URLPattern] = []
