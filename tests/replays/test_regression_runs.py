"""Runs of suites against candidates: started, gone on with, judged."""

from __future__ import annotations

from apps.replays.runs import queries
from tests.replays.running import make_run


def test_a_run_ends_with_a_verdict(project):
    run = make_run(project)

    assert (run.state, run.result) == ("done", "fail")
    verdict = run.verdicts.get()
    assert verdict.candidate == "rude"
    assert verdict.judgement["gates"][0]["worse"] == 3
    progress = queries.progress_of(run)
    assert (progress.failed, progress.changed, progress.left) == (3, 3, 0)
