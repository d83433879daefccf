"""URLs of the frame: the start, an organization's home, the theme, setup."""

from django.urls import path

from apps.web import health, palette, setup, shared_with_me, views
from apps.web.demo import pages as demo

app_name = "web"
PROJECT = "o/<slug:organization_slug>/p/<slug:project_slug>/"
urlpatterns = [
    path("", views.home, name="home"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("theme/", views.choose_theme, name="theme"),
    path("palette/", palette.palette_of_person, name="palette-of-person"),
    path("shared-with-me/", shared_with_me.shared_with_me, name="shared-with-me"),
    path("o/<slug:organization_slug>/", views.organization_home, name="organization"),
    path(PROJECT, views.project_home, name="project"),
    path(f"{PROJECT}palette/", palette.palette, name="palette"),
    path(f"{PROJECT}demo/remove/", demo.remove, name="demo-remove"),
    path(f"{PROJECT}setup/", setup.setup, name="setup"),
    path(f"{PROJECT}setup/status/", setup.setup_status, name="setup-status"),
]
