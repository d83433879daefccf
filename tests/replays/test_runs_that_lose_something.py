"""Runs whose sessions are erased, whose workers are killed, or come at once."""

from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.replays import tasks
from apps.replays.runs import queries, sweeping
from apps.sessions import store
from tests.replays.running import (
    make_asked_suite,
    make_run,
    make_started,
    run_on,
    waiting_replays,
)


@pytest.fixture
def suite(project):
    """One case."""
    return make_asked_suite(project, 1)


def test_an_erased_session_leaves_the_numbers_of_its_case(project, suite):
    run = make_run(project, suite)
    session = suite.cases.first().session
    session.project = project
    store.erase(session, actor=SYSTEM)

    page = queries.case_page(queries.find_run(project, run.pk), cursor=None, limit=10)
    trials = [trial for row in page.rows for side in row.sides.values() for trial in side]
    assert [trial.replay_id is None for trial in trials].count(True) == 2
    assert all(trial.measures for trial in trials)
    assert queries.progress_of(run).changed == 1


def test_a_session_that_is_erased_while_it_is_tried_is_left_out(project, suite):
    run = make_started(project, suite)
    tasks.advance_run(project.pk, str(run.pk))
    session = suite.cases.first().session
    session.project = project
    store.erase(session, actor=SYSTEM)

    run_on(run)
    run.refresh_from_db()
    assert (run.state, run.reason.startswith("No case could be tried.")) == ("failed", True)
    assert run.trials.filter(state="skipped", reason="Its session was erased.").count() == 2


def test_workers_at_once_do_not_start_more_than_may_be_under_way(project, suite, settings):
    settings.REPLAY_TRIALS = 1
    run = make_started(project, suite)

    tasks.advance_run(project.pk, str(run.pk))
    tasks.advance_run(project.pk, str(run.pk))

    assert len(waiting_replays(run)) == 1
    assert run_on(run).state == "done"


def test_a_trial_whose_worker_was_killed_before_it_was_measured_is_measured_by_the_next(
    project, suite
):
    run = make_started(project, suite)
    tasks.advance_run(project.pk, str(run.pk))
    for replay in waiting_replays(run):
        tasks.work(project.pk, str(replay))
    assert set(run.trials.values_list("state", flat=True)) == {"started"}
    assert sweeping.waiting_runs() == [(project.pk, run.pk)]
    assert sweeping.stopped_runs(project.pk) == [run.pk]

    tasks.advance_run(project.pk, str(run.pk))
    assert set(run.trials.values_list("state", flat=True)) == {"done"}
