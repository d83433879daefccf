"""URLs of the pages of regression runs; they are of the namespace of replays."""

from __future__ import annotations

from django.urls import path

from apps.replays.runs import pages, pages_list, pages_new, pages_report

RUNS = "o/<slug:organization_slug>/p/<slug:project_slug>/runs/"
RUN = f"{RUNS}<uuid:run_id>/"

urlpatterns = [
    path(RUNS, pages_list.run_list, name="runs"),
    path(f"{RUNS}new/", pages_new.new_run, name="run_new"),
    path(RUN, pages.run_detail, name="run"),
    path(f"{RUN}act/", pages.act_on, name="run_act"),
    path(f"{RUN}report/", pages_report.run_report, name="run_report"),
]
