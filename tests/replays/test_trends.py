"""How replays came out over time, and how much of what is recorded was ever replayed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.replays.trends import trend
from tests.replays.reporting import make_original, make_replay
from tests.sessions.factories import at, make_event, make_session

SUMMARY = "/api/v1/replays/summary"


def on(project, day, **fields):
    """Report a replay on a day."""
    replay = make_replay(project, **fields)
    project.replays.filter(pk=replay.pk).update(reported_at=at(day * 86_400))


def scored(coverage, **fields):
    return {"report": {"coverage": coverage, "fidelity": 0.99, "decisions": 1.0}} | fields


@pytest.fixture
def replayed(project):
    make_original(project, agent="support")
    make_session(project, make_event(session="never", started_at=at(5)))
    on(project, 0, **scored(0.5))
    on(project, 0, **scored(1.0))
    on(project, 2, **scored(0.9, error={"type": "ValueError"}))
    on(project, 2, status="running", report=None, session="unknown")
    return project


def test_each_day_tells_its_bands_medians_and_successes(replayed):
    found = trend(replayed, at(0), at(3 * 86_400))

    days = [(one.starts_on.day, one.replays, one.median_coverage) for one in found.buckets]
    assert days == [(20, 2, 0.75), (21, 0, None), (22, 2, 0.9), (23, 0, None)]
    assert [one.success_rate for one in found.buckets] == [1.0, None, 0.0, None]
    assert (found.total.replays, found.total.running, found.total.failed) == (4, 1, 1)
    assert (found.total.median_coverage, found.total.success_rate) == (0.9, 2 / 3)
    assert found.total.share("faithful") == 1.0


def test_weeks_begin_on_mondays_and_other_projects_count_for_nothing(replayed, other_project):
    found = trend(replayed, at(0), at(3 * 86_400 + 86_400), by="week")

    assert [one.starts_on for one in found.buckets] == [date(2026, 11, 16), date(2026, 11, 23)]
    assert trend(other_project, at(0), at(86_400)).total.replays == 0


def test_sessions_are_told_by_class_and_whether_they_were_ever_replayed(replayed):
    sessions = trend(replayed, at(0), at(3 * 86_400)).sessions

    assert (sessions.count, sessions.replayed, sessions.replay_coverage) == (2, 1, 0.5)
    assert sessions.by_class == {"E0": 1, "E1": 1, "E2": 0, "E3": 0}


def test_an_agent_has_the_replays_of_its_sessions(replayed):
    found = trend(replayed, at(0), at(3 * 86_400), agent="support")

    assert (found.total.replays, found.sessions.count) == (3, 1)
    assert trend(replayed, at(0), at(86_400), agent="nobody").total.replays == 0


def test_the_summary_is_of_the_last_thirty_days_unless_it_is_said(project, key_client):
    make_replay(project)

    told = key_client(project, "read:meta").get(SUMMARY).json()

    assert told["total"]["replays"] == sum(one["replays"] for one in told["buckets"]) == 1
    assert len(told["buckets"]) == 31
    assert told["recorded"]["replay_coverage"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2020-01-01"},
        {"from": "yesterday"},
        {"from": "2026-11-20", "to": "2026-11-19"},
        {"to": "0001-01-02"},
        {"by": "year"},
        {"agent": "a\x00"},
        {"colour": "red"},
    ],
)
def test_a_summary_of_no_or_endless_time_is_refused(project, key_client, query):
    assert key_client(project, "read:meta").get(SUMMARY, query).status_code == 400


def test_a_year_is_told_by_week(project, key_client):
    since = (timezone.now() - timedelta(days=365)).date()
    told = key_client(project, "read:meta").get(SUMMARY, {"from": since, "by": "week"}).json()

    assert len(told["buckets"]) in (53, 54)
