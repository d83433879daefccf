"""URLs of the session pages."""

from django.urls import path

from apps.sessions import views

app_name = "sessions"
PROJECT = "o/<slug:organization_slug>/p/<slug:project_slug>/sessions/"
urlpatterns = [
    path(PROJECT, views.session_list, name="list"),
]
