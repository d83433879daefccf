"""URLs of schedules: pages, which are of the namespace ``replays``, and API."""

from __future__ import annotations

from django.urls import path

from apps.replays.schedules import api, pages, pages_edit

SCHEDULES = "o/<slug:organization_slug>/p/<slug:project_slug>/schedules/"
SCHEDULE = f"{SCHEDULES}<uuid:schedule_id>/"
API = "api/v1/schedules"
API_SCHEDULE = f"{API}/<uuid:schedule_id>"

page_patterns = [
    path(SCHEDULES, pages.schedule_list, name="schedules"),
    path(f"{SCHEDULES}new/", pages_edit.new_schedule, name="schedule_new"),
    path(f"{SCHEDULES}times/", pages_edit.preview_times, name="schedule_times"),
    path(SCHEDULE, pages.schedule_detail, name="schedule"),
    path(f"{SCHEDULE}change/", pages_edit.change_schedule, name="schedule_change"),
    path(f"{SCHEDULE}act/", pages.act_on, name="schedule_act"),
]
api_patterns = [
    path(API, api.Schedules.as_view(), name="schedules"),
    path(API_SCHEDULE, api.ScheduleDetail.as_view(), name="schedule"),
    path(f"{API_SCHEDULE}/pause", api.PauseSchedule.as_view(), name="schedule_pause"),
    path(f"{API_SCHEDULE}/resume", api.ResumeSchedule.as_view(), name="schedule_resume"),
    path(f"{API_SCHEDULE}/run-now", api.RunSchedule.as_view(), name="schedule_run"),
    path(f"{API_SCHEDULE}/next", api.ScheduleTimes.as_view(), name="schedule_next"),
    path(f"{API_SCHEDULE}/firings", api.ScheduleFirings.as_view(), name="schedule_firings"),
]
