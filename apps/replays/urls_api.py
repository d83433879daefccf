"""URLs of the API of replays."""

from __future__ import annotations

from django.urls import path

from apps.replays import api
from apps.replays.live import api as live
from apps.replays.runs import gate_api, report_api
from apps.replays.runs.urls_api import urlpatterns as of_runs
from apps.replays.schedules.urls import api_patterns as of_schedules
from apps.replays.server import api as server

app_name = "replays_api"
REPLAYS = "api/v1/replays"
REPLAY = f"{REPLAYS}/<uuid:replay_id>"
RUNS = "api/v1/regression-runs"
RUN = f"{RUNS}/<uuid:run_id>"
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
    path(f"{RUNS}/gate", gate_api.GateReading.as_view(), name="gate"),
    path(f"{RUN}/events", live.RunEvents.as_view(), name="run_events"),
    path(f"{RUN}/report", report_api.RunReportDetail.as_view(), name="run_report"),
    path(f"{RUN}/junit", report_api.RunJUnit.as_view(), name="run_junit"),
    *of_runs,
    *of_schedules,
]
