"""URLs of the session pages."""

from django.urls import path

from apps.sessions import (
    beside_views,
    compare_views,
    export_views,
    graph_views,
    list_views,
    panel_views,
    saved_view_pages,
    views,
)
from apps.sessions.agents import pages as agents
from apps.sessions.exporting import FORMS

app_name = "sessions"
ROOT = "o/<slug:organization_slug>/p/<slug:project_slug>/"
PROJECT = f"{ROOT}sessions/"
SESSION = f"{PROJECT}<uuid:session_id>/"
STEP = f"{SESSION}steps/<slug:event_id>/"
AGENTS = f"{ROOT}agents/"
VIEW = f"{PROJECT}views/<int:view_id>/"
urlpatterns = [
    path(PROJECT, views.session_list, name="list"),
    path(f"{PROJECT}newer/", list_views.newer_sessions, name="newer"),
    path(f"{PROJECT}compare/", list_views.compare_selected, name="compare-selected"),
    path(f"{PROJECT}export/", export_views.export_selected, name="export-selected"),
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
    path(AGENTS, agents.agent_list, name="agents"),
    path(f"{AGENTS}at/", agents.agent_at, name="agent-at"),
    path(f"{AGENTS}<int:agent_id>/", agents.agent_detail, name="agent"),
    path(f"{AGENTS}<int:agent_id>/v/<int:number>/", agents.agent_version, name="agent-version"),
    path(f"{ROOT}compare/", compare_views.compare_sessions, name="compare"),
    path(f"{ROOT}compare/rows.json", compare_views.compared_rows, name="compared-rows"),
    path(SESSION, views.session_detail, name="detail"),
    path(f"{SESSION}spans.json", views.session_spans, name="spans"),
    path(f"{SESSION}places.json", beside_views.step_places, name="places"),
    path(f"{SESSION}beside/", beside_views.session_beside, name="beside"),
    *(
        path(
            f"{SESSION}export.{form.suffix}",
            export_views.session_export,
            {"form": form.name},
            name=f"export-{form.suffix}",
        )
        for form in FORMS.values()
    ),
    path(f"{SESSION}graph.json", graph_views.graph_groups, name="graph-groups"),
    path(f"{SESSION}report/", export_views.session_report, name="report"),
    path(f"{SESSION}panel/", views.session_panel, name="panel"),
    path(f"{SESSION}find/", panel_views.session_find, name="find"),
    path(f"{SESSION}steps/<slug:event_id>/", views.step_detail, name="step"),
    path(f"{STEP}body/<slug:field>/", panel_views.step_body, name="body"),
    path(f"{STEP}body/<slug:field>/file/", panel_views.step_body_file, name="body-file"),
    path(f"{SESSION}steps/<slug:event_id>/raw.json", views.step_raw, name="step-raw"),
]
