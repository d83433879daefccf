"""Which cases are tried in which order, which count together, and when enough is known."""

from __future__ import annotations

from uuid import UUID

import pytest

from apps.replays.runs import cases, watching
from apps.replays.runs.hints import hints_of
from apps.replays.runs.samples import DECIDED, Sample, SampledCase, paired
from apps.replays.runs.settings import read_run_settings
from apps.replays.runs.sides import Kept, Side
from apps.replays.server.settings import Overrides
from apps.replays.suite_changes import Added, Change
from apps.replays.verdict_shapes import Result
from tests.replays.gathering import make_suite
from tests.replays.running import make_asked, make_asked_suite, make_run

NAMES = {"suite": "s", "provider": "recorded", "candidates": [{"name": "a", "model": "m"}]}


def settings_of(**more):
    return read_run_settings(NAMES | more)


def kept(**more):
    sides = [Side(name=name, provider="recorded", overrides=Overrides()) for name in "ba"]
    return Kept(settings=settings_of(**more), sides=sides)


def sample(success, state="done", reason=""):
    return Sample(state, reason, {"success": success})


def sampled(*pairs, clusters=()):
    """Cases by what the baseline and the candidate came to; None: not ended yet."""
    return [
        SampledCase(
            UUID(int=at),
            clusters[at] if clusters else None,
            False,
            {side: [sample(one, "queued" if one is None else "done")] for side, one in both},
        )
        for at, both in enumerate(list(enumerate(pair)) for pair in pairs)
    ]


def test_a_candidate_that_fails_everywhere_is_decided_long_before_the_end():
    told = watching.decide(sampled(*[(1.0, 0.0)] * 12, *[(None, None)] * 100), kept())

    assert told == {"a": {"success": Result.FAIL}}
    assert watching.is_decided(told, kept())


def test_a_candidate_that_is_the_same_passes_once_enough_cases_have_ended():
    few, many = ([(1.0, 1.0)] * count for count in (60, 900))

    assert watching.decide(sampled(*few), kept()) == {"a": {}}
    assert watching.decide(sampled(*many), kept()) == {"a": {"success": Result.PASS}}


def test_cases_after_one_that_has_not_ended_are_not_looked_at():
    first_waits = sampled((1.0, None), *[(1.0, 0.0)] * 30)

    assert watching.decide(first_waits, kept()) == {"a": {}}


def test_cases_that_count_together_are_one_difference():
    together = sampled(*[(1.0, 0.0)] * 30, clusters=["task:1"] * 30)

    assert watching.decide(together, kept()) == {"a": {}}


def test_a_gate_on_a_ratio_cannot_end_a_run_early_by_passing():
    gates = [{"metric": "success"}, {"metric": "latency_ms"}]
    told = watching.decide(sampled(*[(1.0, 1.0)] * 900), kept(gates=gates))

    assert not watching.is_decided(told, kept(gates=gates))


def test_what_was_left_out_because_it_was_decided_counts_for_nothing():
    [one] = sampled((1.0, 0.0))
    left_out = SampledCase(
        one.case, None, False, {0: one.sides[0], 1: [sample(None, "skipped", DECIDED)]}
    )

    assert len(paired([one, left_out], 1, "success", {})) == 1


def test_a_run_that_is_decided_leaves_out_the_trials_that_are_left(project, monkeypatch, settings):
    monkeypatch.setattr(watching, "BATCH", 1)
    monkeypatch.setattr(watching, "SHARE", 0.9999)
    settings.REPLAY_TRIALS = 2
    gates = [{"metric": "success", "margin": 0.3, "alpha": 0.49}]

    run = make_run(project, make_asked_suite(project, 5), sequential=True, gates=gates)

    assert run.result == "fail"
    assert run.trials.filter(state="skipped", reason=DECIDED).exists()
    assert run.environment["sequential"]["decided"] == {"rude": {"success": "fail"}}
    assert "on the way" in run.verdicts.get().judgement["gates"][0]["says"]


@pytest.fixture
def tagged(project):
    """Six cases of three tasks."""
    sessions = [make_asked(project, number) for number in range(6)]
    added = [Added(one.pk, tags=[f"task:{at % 3}"]) for at, one in enumerate(sessions)]
    return make_suite(project, change=Change(add=added))


def test_cases_of_one_task_come_one_after_the_other_in_an_order_of_the_seed(tagged):
    orders = {
        seed: [row.tags[0] for row in cases.cases_of(tagged, 1, settings_of(seed=seed))]
        for seed in range(6)
    }

    assert all(order[::2] == order[1::2] for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) > 1
    assert cases.clustering(cases.cases_of(tagged, 1, settings_of())) == "task"


def test_a_limit_draws_a_sample_of_the_cases_by_the_seed(tagged):
    drawn = {
        tuple(row.case_id for row in cases.cases_of(tagged, 1, settings_of(limit={"cases": 2})))
        for _ in range(3)
    }

    assert [len(one) for one in drawn] == [2]


def test_sessions_of_one_user_count_together_only_where_there_are_enough_users(project):
    def clustering(users):
        sessions = [
            make_asked(project, 100 * users + at, user=f"u{at % users}") for at in range(users + 2)
        ]
        suite = make_suite(project, *sessions, name=f"of {users}")
        return cases.clustering(cases.cases_of(suite, 1, settings_of()))

    assert clustering(10) == "user"
    assert clustering(3) == ""


def test_a_plan_says_which_margin_so_few_sessions_could_hold():
    [hint] = hints_of(settings_of(), 40)

    assert "40 sessions a margin of 3.0% cannot pass" in hint
    assert "A margin of 7.3% could" in hint
    assert hints_of(settings_of(), 99) == []
    assert "10 sessions are the least" in hints_of(settings_of(gates=[{"metric": "cost"}]), 4)[0]
