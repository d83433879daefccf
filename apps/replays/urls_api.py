"""URLs of the API of replays."""

from __future__ import annotations

from django.urls import path

from apps.replays import api
from apps.replays.live import api as live
from apps.replays.server import api as server

app_name = "replays_api"
REPLAYS = "api/v1/replays"
REPLAY = f"{REPLAYS}/<uuid:replay_id>"
urlpatterns = [
    path(REPLAYS, server.ServerReplays.as_view(), name="replays"),
    path(f"{REPLAYS}/reports", api.ReplayReports.as_view(), name="reports"),
    path(f"{REPLAYS}/plan", server.ReplayPlans.as_view(), name="plan"),
    path(f"{REPLAYS}/summary", api.ReplaySummary.as_view(), name="summary"),
    path(REPLAY, server.ServerReplayDetail.as_view(), name="replay"),
    path(f"{REPLAY}/events", live.ReplayEvents.as_view(), name="events"),
    path(f"{REPLAY}/pause", server.PauseReplay.as_view(), name="pause"),
    path(f"{REPLAY}/resume", server.ResumeReplay.as_view(), name="resume"),
    path(f"{REPLAY}/cancel", server.CancelReplay.as_view(), name="cancel"),
]
