"""URLs of the session pages."""

from django.urls import path

from apps.sessions import compare_views, list_views, saved_view_pages, views

app_name = "sessions"
ROOT = "o/<slug:organization_slug>/p/<slug:project_slug>/"
PROJECT = f"{ROOT}sessions/"
SESSION = f"{PROJECT}<uuid:session_id>/"
VIEW = f"{PROJECT}views/<int:view_id>/"
urlpatterns = [
    path(PROJECT, views.session_list, name="list"),
    path(f"{PROJECT}newer/", list_views.newer_sessions, name="newer"),
    path(f"{PROJECT}compare/", list_views.compare_selected, name="compare-selected"),
    path(f"{PROJECT}tags/", list_views.tag_selected, name="tag"),
    path(f"{PROJECT}tags/undo/", list_views.undo_tags, name="undo-tags"),
    path(f"{PROJECT}views/save/", saved_view_pages.save, name="view-save"),
    path(f"{VIEW}rename/", saved_view_pages.rename, name="view-rename"),
    path(f"{VIEW}change/", saved_view_pages.change, name="view-change"),
    path(f"{VIEW}share/", saved_view_pages.share, name="view-share"),
    path(f"{VIEW}default/", saved_view_pages.make_default, name="view-default"),
    path(f"{VIEW}delete/", saved_view_pages.delete, name="view-delete"),
    path(f"{VIEW}restore/", saved_view_pages.restore, name="view-restore"),
    path(f"{PROJECT}suggest/", views.session_suggestions, name="suggest"),
    path(f"{ROOT}compare/", compare_views.compare_sessions, name="compare"),
    path(SESSION, views.session_detail, name="detail"),
    path(f"{SESSION}spans.json", views.session_spans, name="spans"),
    path(f"{SESSION}panel/", views.session_panel, name="panel"),
    path(f"{SESSION}steps/<slug:event_id>/", views.step_detail, name="step"),
    path(f"{SESSION}steps/<slug:event_id>/raw.json", views.step_raw, name="step-raw"),
]
