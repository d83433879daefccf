"""URLs of the pages of ingest."""

from django.urls import path

from apps.ingest import import_pages, pages

app_name = "ingest"
PROJECT = "o/<slug:organization_slug>/p/<slug:project_slug>/"
IMPORT = f"{PROJECT}imports/<uuid:import_id>/"
urlpatterns = [
    path(f"{PROJECT}ingest/", pages.health_page, name="health"),
    path(f"{PROJECT}ingest/now/", pages.health_now, name="health-now"),
    path(f"{PROJECT}settings/quotas/", pages.quota_settings, name="quotas"),
    path(f"{PROJECT}imports/", import_pages.import_list, name="imports"),
    path(IMPORT, import_pages.import_detail, name="import"),
    path(f"{IMPORT}now/", import_pages.import_now, name="import-now"),
    path(f"{IMPORT}cancel/", import_pages.import_cancel, name="import-cancel"),
    path(f"{IMPORT}resume/", import_pages.import_resume, name="import-resume"),
]
