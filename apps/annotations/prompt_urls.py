"""URLs of what became of prompts."""

from __future__ import annotations

from django.urls import path

from apps.annotations import prompt_pages
from apps.prompts.urls import PROMPT

urlpatterns = [
    path(f"{PROMPT}-/metrics/", prompt_pages.prompt_metrics, name="prompt-metrics"),
]
