"""URLs of what people say about sessions, and of whom they show them to."""

from __future__ import annotations

from apps.annotations import prompt_urls, said_urls, share_urls, verdict_urls

app_name = "annotations"
urlpatterns = [
    *said_urls.urlpatterns,
    *share_urls.urlpatterns,
    *verdict_urls.urlpatterns,
    *prompt_urls.urlpatterns,
]
