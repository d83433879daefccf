"""Every URL of Playhead. A view that names no permission stops start-up (apps.tenants.checks)."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns = [
    path("", include("apps.web.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.tenants.urls")),
    path("", include("apps.audit.urls")),
    path("", include("apps.governance.urls")),
    path("", include("apps.providers.urls")),
    path("", include("apps.prompts.urls")),
    path("", include("apps.sessions.urls")),
    path("", include("apps.sessions.api.urls")),
    path("", include("apps.annotations.urls")),
    path("", include("apps.annotations.api.urls")),
    path("", include("apps.tickets.urls")),
    path("", include("apps.replays.urls")),
    path("", include("apps.replays.playground_urls")),
    path("", include("apps.replays.urls_api")),
    path("", include("apps.replays.suite_urls")),
    path("", include("apps.ingest.urls")),
    path("", include("apps.ingest.page_urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    # Split, so that its script is a file: the Content-Security-Policy refuses inline ones.
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]

handler400 = "apps.core.error_pages.bad_request"
handler404 = "apps.core.error_pages.not_found"
handler500 = "apps.core.error_pages.server_error"
