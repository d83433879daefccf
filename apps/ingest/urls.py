"""URLs of ingest: fixed, since other programs are written against them."""

from django.urls import path

from apps.ingest import health_views, import_views, views
from apps.ingest.langfuse import prompts as langfuse_prompts
from apps.ingest.langfuse import views as langfuse

urlpatterns = [
    path("v1/traces", views.TraceCollection.as_view(), name="otlp_traces"),
    path("v1/logs", views.LogCollection.as_view(), name="otlp_logs"),
    path("api/v1/events", views.EventCollection.as_view(), name="ingest_events"),
    path("api/v1/ingest/health", health_views.IngestHealth.as_view(), name="ingest_health"),
    path("api/v1/quotas", health_views.QuotaDetail.as_view(), name="quotas"),
    path("api/v1/imports", import_views.ImportCollection.as_view(), name="imports"),
    path(
        "api/v1/imports/<uuid:import_id>",
        import_views.ImportDetail.as_view(),
        name="import_detail",
    ),
    path(
        "api/v1/imports/<uuid:import_id>/errors",
        import_views.ImportErrors.as_view(),
        name="import_errors",
    ),
    path(
        "api/v1/imports/<uuid:import_id>/cancel",
        import_views.CancelImport.as_view(),
        name="cancel_import",
    ),
    path(
        "api/v1/imports/<uuid:import_id>/resume",
        import_views.ResumeImport.as_view(),
        name="resume_import",
    ),
    path(
        "api/public/otel/v1/traces",
        langfuse.LangfuseTraceCollection.as_view(),
        name="langfuse_traces",
    ),
    path("api/public/scores", langfuse.ScoreCollection.as_view(), name="langfuse_scores"),
    path("api/public/ingestion", langfuse.IngestionCollection.as_view(), name="langfuse_batch"),
    path(
        "api/public/v2/prompts", langfuse_prompts.LangfusePrompts.as_view(), name="langfuse_prompts"
    ),
    path(
        "api/public/v2/prompts/<prompt:prompt_name>/versions/<int:number>",
        langfuse_prompts.LangfusePromptVersion.as_view(),
        name="langfuse_prompt_version",
    ),
    path(
        "api/public/v2/prompts/<prompt:prompt_name>",
        langfuse_prompts.LangfusePrompt.as_view(),
        name="langfuse_prompt",
    ),
    path("api/public/projects", langfuse.ProjectList.as_view(), name="langfuse_projects"),
]
