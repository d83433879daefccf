"""URLs of what became of prompts."""

from __future__ import annotations

from django.urls import path

from apps.annotations import prompt_api, prompt_pages
from apps.prompts.urls import API_PROMPT, PROMPT

urlpatterns = [
    path(f"{PROMPT}-/metrics/", prompt_pages.prompt_metrics, name="prompt-metrics"),
    path(
        f"{API_PROMPT}/-/metrics",
        prompt_api.PromptMetrics.as_view(),
        name="api-prompt-metrics",
    ),
]
