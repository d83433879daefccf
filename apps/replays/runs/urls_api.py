"""URLs of the API of runs; they are of the namespace of the API of replays."""

from __future__ import annotations

from django.urls import path

from apps.replays.runs import api

RUNS = "api/v1/regression-runs"
RUN = f"{RUNS}/<uuid:run_id>"

urlpatterns = [
    path(RUNS, api.RunCollection.as_view(), name="runs"),
    path(f"{RUNS}/plan", api.RunPlans.as_view(), name="run_plan"),
    path(RUN, api.RunDetail.as_view(), name="run"),
    path(f"{RUN}/cases", api.RunCases.as_view(), name="run_cases"),
    path(f"{RUN}/pause", api.PauseRun.as_view(), name="run_pause"),
    path(f"{RUN}/resume", api.ResumeRun.as_view(), name="run_resume"),
    path(f"{RUN}/cancel", api.CancelRun.as_view(), name="run_cancel"),
]
