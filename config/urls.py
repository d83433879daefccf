"""Every URL of Playhead. A view that names no permission stops start-up (apps.tenants.checks)."""

from django.urls import include, path

urlpatterns = [
    path("", include("apps.web.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.tenants.urls")),
    path("", include("apps.audit.urls")),
    path("", include("apps.sessions.urls")),
    path("", include("apps.sessions.api.urls")),
    path("", include("apps.ingest.urls")),
]
