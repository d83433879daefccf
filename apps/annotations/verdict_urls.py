"""URLs of verdicts on compared sessions."""

from __future__ import annotations

from django.urls import path

from apps.annotations import verdict_views
from apps.sessions.urls import ROOT

VERDICT = f"{ROOT}compare/verdict/"

urlpatterns = [
    path(VERDICT, verdict_views.verdict, name="verdict"),
    path(f"{VERDICT}give/", verdict_views.verdict_give, name="verdict-give"),
]
