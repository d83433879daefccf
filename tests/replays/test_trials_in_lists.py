"""Runs make sessions by the hundred: where these stand beside what users did, and where not."""

from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.replays.queries import ReplayFilters, replay_page
from apps.sessions import store
from apps.sessions.filters import SessionFilters
from apps.sessions.models import MetricDelta
from apps.sessions.queries import session_page
from apps.sessions.volume import count_volume, span_of
from tests.replays.running import make_run


def names(project, **query):
    page = session_page(project, SessionFilters.from_query(query), cursor=None, limit=50)
    return [session.external_id.partition("-")[0] for session in page.rows]


def calls_of(project):
    rows = MetricDelta.unscoped.filter(project_id=project.pk, kind="llm")
    return sum(rows.values_list("events", flat=True))


@pytest.fixture
def run(project):
    """Three recorded cases, tried on two sides."""
    return make_run(project)


@pytest.mark.parametrize("query", [{}, {"sort": "-cost"}, {"model": "gpt-4o"}])
def test_the_list_shows_what_was_recorded_and_no_trials(run, project, query):
    assert names(project, **query) == ["asked"] * 3


def test_who_asks_for_replays_is_shown_trials(run, project):
    assert names(project, origin="replay") == ["replay"] * 6


def test_a_search_finds_no_trials(run, project, key_client):
    found = key_client(project, "read:content").get("/api/v1/sessions?q=refund").json()

    assert [one["external_id"][:5] for one in found["results"]] == ["asked"] * 3


def test_the_volume_counts_no_trials(run, project):
    span = span_of(project, SessionFilters(), None)

    assert (
        sum(
            bar.count
            for bar in count_volume(project, SessionFilters(), span, also_total=False).bars
        )
        == 3
    )


def test_sums_count_no_trials_and_stay_when_one_is_erased(run, project):
    assert calls_of(project) == 3

    trial = run.trials.select_related("replay__session").first().replay.session
    trial.project = project
    store.erase(trial, actor=SYSTEM)

    assert calls_of(project) == 3


def test_the_page_of_replays_leaves_trials_to_their_runs(run, project):
    found = replay_page(project, ReplayFilters(), cursor=None, limit=50, with_trials=False)

    assert list(found.rows) == []
