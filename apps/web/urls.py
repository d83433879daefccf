"""URLs of the frame: the start, an organization's home, the theme, setup."""

from django.urls import path

from apps.web import views

app_name = "web"
urlpatterns = [
    path("", views.home, name="home"),
    path("theme/", views.choose_theme, name="theme"),
    path("o/<slug:organization_slug>/", views.organization_home, name="organization"),
    path("o/<slug:organization_slug>/p/<slug:project_slug>/", views.project_home, name="project"),
]
