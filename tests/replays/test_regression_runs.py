"""Runs of suites against candidates: started, gone on with, judged."""

from __future__ import annotations

import pytest

from apps.replays.runs import queries
from tests.replays.running import RUDE, SCRIPT, make_asked_suite, make_run, run_on


def test_a_run_ends_with_a_verdict(project):
    run = make_run(project)

    assert (run.state, run.result) == ("done", "fail")
    verdict = run.verdicts.get()
    assert verdict.candidate == "rude"
    assert verdict.judgement["gates"][0]["worse"] == 3
    progress = queries.progress_of(run)
    assert (progress.failed, progress.changed, progress.left) == (3, 3, 0)


ADDRESS = "/api/v1/regression-runs"


@pytest.fixture
def api(project, key_client):
    """Plans, starts and reads runs with a key."""
    client = key_client(project, "replays:run", "read:meta")

    def ask(method, rest="", **body):
        if method == "get":
            return client.get(ADDRESS + rest)
        return client.post(ADDRESS + rest, body, content_type="application/json")

    return ask


def test_a_run_is_planned_started_and_read_over_http(project, api):
    make_asked_suite(project)
    sent = {"suite": "refunds", "provider": "scripted", "script": SCRIPT, "candidates": [RUDE]}

    plan = api("post", "/plan", **sent).json()
    assert plan["cases"] == {"all": 3, "tried": 3, "skipped": 0}
    assert (plan["trials"], plan["expected"]["calls"]) == (6, 6)
    assert "99" in plan["hints"][0]
    started = api("post", **sent, plan_hash=plan["plan_hash"])
    assert started.status_code == 202, started.content
    run_on(project.regression_runs.get())

    told = api("get", f"/{started.json()['id']}").json()
    assert (told["state"], told["result"], told["progress"]["failed"]) == ("done", "fail", 3)
    assert told["verdicts"][0]["gates"][0]["metric"] == "success"
    cases = api("get", f"/{started.json()['id']}/cases?only=worse").json()["results"]
    assert [len(side) for side in cases[0]["sides"]] == [1, 1]
    assert api("get", "?result=pass").json()["results"] == []
