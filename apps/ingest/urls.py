"""URLs of ingest: fixed, since other programs are written against them."""

from django.urls import path

from apps.ingest import views

urlpatterns = [
    path("v1/traces", views.TraceCollection.as_view(), name="otlp_traces"),
    path("v1/logs", views.LogCollection.as_view(), name="otlp_logs"),
    path("api/v1/events", views.EventCollection.as_view(), name="ingest_events"),
    path("api/v1/ingest/health", views.IngestHealth.as_view(), name="ingest_health"),
]
