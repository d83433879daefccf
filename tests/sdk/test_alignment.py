"""Alignment: the same steps of two sessions stand beside each other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playhead.alignment import Alignment, Signature, align, fill_band, signature
from playhead.lanes import align_lanes

WORDS = st.sampled_from("look up the order and refund it once please".split())
ARGUMENTS = st.lists(WORDS, max_size=5).map(" ".join)
STEP = st.builds(signature, st.sampled_from(["llm", "tool"]), st.sampled_from("ab"), ARGUMENTS)
STEPS = st.lists(STEP, max_size=14)
LANED = st.lists(st.tuples(st.sampled_from(["main", "main.1", "main.2"]), STEP), max_size=14)


def call(query: str, name: str = "search") -> Signature:
    return signature("tool", name, {"query": query, "limit": 10})


def statuses(found: Alignment, a, b) -> list[str]:
    return [status(a, b, *pair) for pair in found.pairs]


def status(a, b, i, j) -> str:
    if i is None or j is None:
        return "only_b" if i is None else "only_a"
    return "identical" if a[i] == b[j] else "changed"


def told(found: Alignment, side: int) -> list[int]:
    return [pair[side] for pair in found.pairs if pair[side] is not None]


@given(STEPS)
def test_a_session_is_identical_with_itself(steps):
    found = align(steps, steps)

    assert found == Alignment([(at, at) for at in range(len(steps))])


@given(STEPS, STEPS)
def test_every_step_is_told_once_and_in_order(a, b):
    found = align(a, b)

    assert told(found, 0) == list(range(len(a)))
    assert told(found, 1) == list(range(len(b)))
    assert all(a[i].name == b[j].name for i, j in found.pairs if None not in (i, j))


@given(STEPS, STEPS)
def test_turning_the_sessions_round_turns_the_pairs_round(a, b):
    there, back = align(a, b), align(b, a)

    both = {pair for pair in there.pairs if None not in pair}
    assert both == {(i, j) for j, i in back.pairs if None not in (i, j)}


@given(STEPS, STEPS, st.integers(0, 60))
def test_a_small_bound_loses_no_step_and_says_so(a, b, cells):
    found = align(a, b, cells=cells)

    assert told(found, 0) == list(range(len(a)))
    assert told(found, 1) == list(range(len(b)))
    assert not found.is_optimal or score(found, a, b) == score(align(a, b), a, b)


@given(STEPS, STEPS)
def test_no_wider_search_finds_a_better_pairing(a, b):
    found = align(a, b)

    assert found.is_optimal
    assert score(found, a, b) == fill_band(a, b, len(a) + len(b))[0]


def score(found: Alignment, a, b) -> int:
    """Return what the pairs score by the table of a search without any bound."""
    single = [
        fill_band([a[i]], [b[j]], 1)[0] if None not in (i, j) else -50 for i, j in found.pairs
    ]
    return sum(single)


def test_one_changed_word_changes_exactly_that_step():
    a = [call(f"order {number}") for number in range(300)]
    b = [*a[:120], call("order twelve"), *a[121:]]

    found = align(a, b)

    assert found.pairs == [(at, at) for at in range(300)]
    assert [at for at, kind in enumerate(statuses(found, a, b)) if kind != "identical"] == [120]


def test_a_removed_and_an_added_step_stay_alone():
    a = [call("one"), call("two"), call("two", name="open"), call("three")]
    b = [call("one"), call("two"), call("now", name="ask"), call("three")]

    found = align(a, b)

    assert statuses(found, a, b) == ["identical", "identical", "only_a", "only_b", "identical"]


def test_a_step_is_paired_with_the_one_that_it_resembles_most():
    a = [call("weather in Oslo tomorrow")]
    b = [call("trains to Rome"), call("weather in Oslo today"), call("hotels")]

    assert (0, 1) in align(a, b).pairs


def test_random_ids_of_calls_make_no_difference():
    asked = [
        {"role": "assistant", "tool_calls": [{"id": name, "function": {"name": "search"}}]}
        for name in ("call_1", "call_2")
    ]

    assert signature("llm", "chat", asked[:1]) == signature("llm", "chat", asked[1:])


@pytest.mark.parametrize("size", [2_000, 50_000])
def test_long_sessions_with_equal_ends_are_aligned_whole(size):
    a = [Signature("tool", "search", str(number)) for number in range(size)]
    middle = size // 2
    b = [*a[:middle], Signature("tool", "open", "x"), *a[middle + 1 :]]

    found = align(a, b)

    assert found.is_optimal
    assert len([pair for pair in found.pairs if None not in pair]) == size - 1


def test_beyond_the_bound_steps_that_occur_once_still_meet():
    a = [Signature("tool", "search", str(number)) for number in range(3_000)]
    b = [step for pair in pairwise(a) for step in (pair[0], Signature("tool", "other", "x"))]

    found = align(a, b, cells=100_000)

    assert not found.is_optimal
    assert len([pair for pair in found.pairs if None not in pair]) == 2_999


@given(LANED, LANED)
def test_lanes_keep_every_step_once_and_their_own_order(a, b):
    found = align_lanes(a, b)

    assert told(found, 0) == list(range(len(a)))
    assert sorted(told(found, 1)) == list(range(len(b)))
    for lane in {lane for lane, _ in b}:
        in_lane = [j for j in told(found, 1) if b[j][0] == lane]
        assert in_lane == sorted(in_lane)


@given(LANED)
def test_a_session_with_lanes_is_identical_with_itself(steps):
    assert align_lanes(steps, steps) == Alignment([(at, at) for at in range(len(steps))])


def test_parallel_agents_are_paired_by_what_they_do():
    flights, hotels = call("flights"), call("hotels")
    spawn = signature("agent", "scout", None)
    a = [("1", spawn), ("2", spawn), ("1", flights), ("2", hotels)]
    b = [("1", spawn), ("2", spawn), ("1", hotels), ("2", flights)]

    found = align_lanes(a, b)

    assert {pair for pair in found.pairs if None not in pair} == {(0, 1), (1, 0), (2, 3), (3, 2)}
