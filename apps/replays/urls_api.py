"""URLs of the API of replays."""

from __future__ import annotations

from django.urls import path

from apps.replays import api

app_name = "replays_api"
REPLAYS = "api/v1/replays"
urlpatterns = [
    path(REPLAYS, api.ReplayCollection.as_view(), name="replays"),
    path(f"{REPLAYS}/reports", api.ReplayReports.as_view(), name="reports"),
    path(f"{REPLAYS}/summary", api.ReplaySummary.as_view(), name="summary"),
    path(f"{REPLAYS}/<uuid:replay_id>", api.ReplayDetail.as_view(), name="replay"),
]
