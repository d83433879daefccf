"""URLs of ingest: fixed, since other programs are written against them."""

from django.urls import path

from apps.ingest import health_views, views
from apps.ingest.langfuse import views as langfuse

urlpatterns = [
    path("v1/traces", views.TraceCollection.as_view(), name="otlp_traces"),
    path("v1/logs", views.LogCollection.as_view(), name="otlp_logs"),
    path("api/v1/events", views.EventCollection.as_view(), name="ingest_events"),
    path("api/v1/ingest/health", health_views.IngestHealth.as_view(), name="ingest_health"),
    path("api/v1/quotas", health_views.QuotaDetail.as_view(), name="quotas"),
    path(
        "api/public/otel/v1/traces",
        langfuse.LangfuseTraceCollection.as_view(),
        name="langfuse_traces",
    ),
    path("api/public/scores", langfuse.ScoreCollection.as_view(), name="langfuse_scores"),
    path("api/public/ingestion", langfuse.IngestionCollection.as_view(), name="langfuse_batch"),
    path("api/public/projects", langfuse.ProjectList.as_view(), name="langfuse_projects"),
]
