"""What is said of a candidate, and what is not said of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from apps.replays.statistics_paired import holm, mcnemar, sign_flip
from apps.replays.statistics_sequential import Watch
from apps.replays.verdict import judge
from apps.replays.verdict_shapes import Gate, Paired, Result, Scale
from tests.bench.verdicts import power, sequential, several_gates_red

SUCCESS = Gate("success")


def pairs(*sides: tuple[float | None, float | None], times: int = 1, **fields) -> list[Paired]:
    return [
        Paired(f"case {at}", [baseline], [candidate], **fields)
        for at, (baseline, candidate) in enumerate(list(sides) * times)
    ]


def verdict(cases: list[Paired], gate: Gate = SUCCESS):
    return judge([gate], {gate.metric: cases})


def test_an_unchanged_candidate_passes_once_there_are_enough_sessions():
    told = verdict(pairs((1, 1), (0, 0), times=100))

    assert told.result == Result.PASS
    assert told.gates[0].difference == 0


def test_a_candidate_that_fails_a_tenth_more_is_caught():
    told = verdict(pairs((1, 0), *[(1, 1)] * 9, times=30))

    [gate] = told.gates
    assert told.result == Result.FAIL
    assert gate.difference == pytest.approx(-0.1)
    assert gate.lower < -0.1 < gate.upper < 0
    assert gate.test == "exact McNemar"


def test_one_case_that_got_worse_among_few_fails_nothing():
    told = verdict(pairs((1, 0), *[(1, 1)] * 9))

    assert told.result == Result.INCONCLUSIVE
    assert told.gates[0].more_sessions > 50


def test_harm_within_the_margin_passes_and_says_so():
    cases = pairs((1, 0), *[(1, 1)] * 99, times=6)

    told = verdict(cases)

    assert told.result == Result.PASS
    assert "less than the margin" in told.gates[0].says


@pytest.mark.parametrize(
    "cases",
    [
        [],
        pairs((1, 0)),
        pairs((None, None), times=9),
        pairs((math.nan, 1), (math.inf, 0), times=9),
        pairs((1, 1), times=3, cluster="one user"),
        pairs((0.5, 1e300), times=20),
        [Paired("empty", [], [])],
    ],
)
@pytest.mark.parametrize("scale", list(Scale))
def test_too_little_to_tell_is_inconclusive_with_a_reason_and_never_an_error(cases, scale):
    told = verdict(cases, Gate("m", scale=scale))

    assert told.result in (Result.INCONCLUSIVE, Result.FAIL)
    assert told.gates[0].says
    assert told.gates[0].found == Result.INCONCLUSIVE


def test_sessions_without_a_result_are_counted_and_too_many_decide_nothing():
    few = verdict(pairs((1, 1), times=190) + pairs((1, None), times=10))
    many = verdict(pairs((1, 1), times=190) + pairs((1, None), times=60))

    assert (few.result, few.gates[0].missing) == (Result.PASS, 10)
    assert many.result == Result.INCONCLUSIVE
    assert "60 of 250" in many.gates[0].says


def test_a_pinned_case_fails_a_run_by_itself():
    cases = [*pairs((1, 1), times=200), Paired("pinned", [1] * 4, [1, 1, 0, 1], is_pinned=True)]

    told = verdict(cases)

    assert told.gates[0].result == Result.PASS
    assert told.result == Result.FAIL
    assert "3 of 4" in told.broken[0].says


def test_a_pinned_case_without_a_result_decides_nothing():
    cases = [*pairs((1, 1), times=200), Paired("pinned", [1], [None], is_pinned=True)]

    assert verdict(cases).result == Result.INCONCLUSIVE


def test_a_flaky_case_is_named_and_cannot_fail_a_gate_alone():
    steady = [Paired(f"steady {at}", [1] * 20, [1] * 20) for at in range(4)]
    flaky = Paired("flaky", [1, 0] * 10, [0] * 20, known=(10, 20))
    fails = Gate("success", alpha=0.49, margin=0.01)

    told = verdict([*steady, flaky], fails)

    assert told.flaky[0].case == "flaky"
    assert told.gates[0].found == Result.INCONCLUSIVE


def test_sessions_of_one_user_are_not_independent_evidence():
    worse = [Paired(f"w {at}", [1], [0], cluster="one user") for at in range(10)]
    same = [Paired(f"s {at}", [1], [1], cluster=f"user {at}") for at in range(60)]

    assert verdict(worse + same).result == Result.INCONCLUSIVE
    assert verdict(
        [Paired(one.case, one.baseline, one.candidate) for one in worse + same]
    ).result == (Result.FAIL)


def test_latency_is_compared_as_a_ratio():
    rng = np.random.default_rng(1)
    slow = [(value, value * 1.3) for value in rng.lognormal(5, 1, 60).tolist()]
    gate = Gate("latency", scale=Scale.RATIO, higher_is_better=False, margin=0.1)

    told = verdict(pairs(*slow), gate)

    assert told.result == Result.FAIL
    assert told.gates[0].difference == pytest.approx(0.3)


def test_several_gates_are_held_to_one_error_and_informational_ones_decide_nothing():
    shared = pairs((1, 0), *[(1, 1)] * 9, times=6)
    gates = [Gate(f"m{at}", is_informational=at > 0) for at in range(3)]
    all_deciding = [Gate(f"m{at}") for at in range(3)]
    measured = {gate.metric: shared for gate in gates} | {"m1": pairs((0, 0), times=60)}

    alone, together = judge(gates, measured), judge(all_deciding, measured)

    assert alone.gates[0].adjusted_p == alone.gates[0].p
    assert together.gates[0].adjusted_p > alone.gates[0].adjusted_p
    assert alone.result == Result.FAIL


def test_what_is_inconclusive_counts_as_the_gate_says():
    told = verdict(pairs((1, 0), (1, 1)), Gate("success", on_inconclusive=Result.PASS))

    assert (told.gates[0].found, told.result) == (Result.INCONCLUSIVE, Result.PASS)


def test_the_same_samples_give_the_same_verdict():
    cases = pairs((1, 0), (0.5, 1), (0.3, 0.2), times=20)

    assert verdict(cases).as_json() == verdict(cases).as_json()


def test_a_gate_that_could_never_decide_is_refused():
    for wrong in ({"margin": 0}, {"margin": 1.5}, {"alpha": 0.9}):
        with pytest.raises(ValueError, match="must"):
            Gate("success", **wrong)


def test_tests_agree_with_known_values():
    assert mcnemar(better=2, worse=8) == pytest.approx(0.0546875)
    assert sign_flip(np.array([-1.0] * 8 + [1.0] * 2), np.random.default_rng(0)) == pytest.approx(
        0.0546875
    )
    assert sign_flip(np.array([-0.7310586, 0.1]), np.random.default_rng(0)) == pytest.approx(
        0.5, abs=0.05
    )
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_harm_is_found_where_it_is_and_seldom_where_it_is_not():
    null, harm = power(12, 100, 0.0, seed=3), power(12, 100, 0.1, seed=3)

    assert null.get("fail", 0) <= 0.17
    assert harm["fail"] >= 0.8
    assert harm["4x4"] > harm["1x1"]
    assert several_gates_red(3, 50, seed=3) <= 0.34


def test_looking_after_every_session_raises_no_more_false_alarms():
    null, harm = sequential(40, 0.0, seed=2, most=300), sequential(20, 0.1, seed=2, most=300)

    assert null.get("fail", 0) <= 0.1
    assert harm["fail"] >= 0.9


def test_a_watch_goes_on_until_it_knows():
    watch = Watch(margin=0.03, alpha=0.05)

    assert watch.see([0.0] * 20) is None
    assert watch.see([-1.0] * 50) == "fail"
    assert watch.see([1.0] * 500) == "fail"
    with pytest.raises(ValueError, match="between"):
        Watch(margin=0.03, alpha=0.05).see([2.0])
