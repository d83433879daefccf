"""URLs of the pages of replays."""

from __future__ import annotations

from django.urls import path

from apps.replays import pages, pages_beside, pages_list
from apps.replays.live import pages as live_pages
from apps.replays.runs.page_urls import urlpatterns as of_runs
from apps.replays.schedules.urls import page_patterns as of_schedules
from apps.replays.server import pages as server_pages
from apps.replays.server import start_page

app_name = "replays"
ROOT = "o/<slug:organization_slug>/p/<slug:project_slug>/"
SESSION = f"{ROOT}sessions/<uuid:session_id>/"
REPLAYS = f"{ROOT}replays/"
REPLAY = f"{REPLAYS}<uuid:replay_id>/"

urlpatterns = [
    path(REPLAYS, pages_list.replay_list, name="list"),
    path(REPLAY, pages.replay_detail, name="detail"),
    *(
        path(f"{REPLAY}{act}/", server_pages.act_on, {"act": act}, name=act)
        for act in server_pages.ACTS
    ),
    path(f"{REPLAY}progress-events", live_pages.replay_events, name="events"),
    path(f"{ROOT}runs/<uuid:run_id>/events", live_pages.run_events, name="run_events"),
    path(f"{REPLAY}against/", pages.replay_against, name="against"),
    path(f"{SESSION}replays/", pages.session_replays, name="session"),
    path(f"{SESSION}replay/", pages.replay_code, name="code"),
    path(f"{SESSION}replay/server/", start_page.start, name="server"),
    path(f"{ROOT}compare/replay/", pages_beside.replay_beside, name="beside"),
    *of_runs,
    *of_schedules,
]
