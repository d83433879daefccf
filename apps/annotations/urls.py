"""URLs of what people say about sessions, and of whom they show them to."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "annotations"
urlpatterns: list[URLPattern] = []
