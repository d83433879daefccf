"""URLs of the pages of ingest."""

from django.urls import path

from apps.ingest import pages

app_name = "ingest"
PROJECT = "o/<slug:organization_slug>/p/<slug:project_slug>/"
urlpatterns = [
    path(f"{PROJECT}ingest/", pages.health_page, name="health"),
    path(f"{PROJECT}ingest/now/", pages.health_now, name="health-now"),
    path(f"{PROJECT}settings/quotas/", pages.quota_settings, name="quotas"),
]
