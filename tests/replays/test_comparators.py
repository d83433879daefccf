"""How alike two answers are, and that every comparator keeps its word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playhead.alignment import signature

from apps.replays.comparators import exact
from apps.replays.comparators_json import Structure, Tolerance, structural
from apps.replays.comparators_judge import (
    LEAST_LABELS,
    Choice,
    Rubric,
    Ruling,
    agreement,
    judged,
)
from apps.replays.comparators_normal import Spelling, normalised
from apps.replays.comparators_semantic import semantic
from apps.replays.comparators_steps import ToolCall, decision, sequence, tool_call, tool_calls
from apps.replays.comparators_text import text

LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "b c", "é"])
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)
CALLS = st.lists(st.builds(ToolCall, st.sampled_from(["find", "pay"]), JSON), max_size=4)
STEPS = st.lists(st.builds(signature, st.just("tool"), st.sampled_from("ab"), JSON), max_size=5)
WORDS = st.text(alphabet="ab é.,中1", max_size=20)
OF_JSON = [exact, normalised, structural]
PAIRS = st.one_of(
    *(st.tuples(st.just(compare), JSON, JSON) for compare in OF_JSON),
    st.tuples(st.just(text), WORDS, WORDS),
    st.tuples(st.just(tool_calls), CALLS, CALLS),
    st.tuples(st.just(sequence), STEPS, STEPS),
)
RUBRIC = Rubric("tone", "Which is kinder?", "gpt-4o", "pairwise@3")


@settings(max_examples=80, deadline=None)
@given(PAIRS)
def test_every_comparator_stays_between_0_and_1_is_symmetric_and_knows_the_same(drawn):
    compare, a, b = drawn

    score = compare(a, b).score

    assert 0.0 <= score <= 1.0
    assert compare(b, a).score == pytest.approx(score)
    assert compare(a, a).score == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Refund of 1,000.50 USD", "refund of  1000.5 usd"),
        ("November 21st, 2026", "21 Nov 2026"),
        ("at 2026-11-21T04:12:00+01:00", "at 2026-11-21T03:12:00Z"),
        ("Cafe\u0301", "Café"),
        ({"total": 2.0}, {"total": 2}),
    ],
)
def test_spelling_does_not_matter_once_normalised(one, other):
    assert normalised(one, other).score == 1.0
    assert exact(one, other).score == 0.0 or one == {"total": 2.0}


@pytest.mark.parametrize(
    ("one", "other"),
    [("version 1.2.3", "version 1.23"), ("007", "7"), ("4/3/2026", "2026-03-04"), ("-5", "5")],
)
def test_what_may_mean_something_else_is_not_the_same_by_spelling(one, other):
    assert normalised(one, other).score == 0.0


def test_dates_with_slashes_are_read_once_it_is_said_how():
    assert normalised("4/3/2026", "2026-03-04", Spelling(day_first=True)).score == 1.0


def test_leaves_that_agree_are_counted_from_both_sides():
    found = structural({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": "2"})

    assert found.score == pytest.approx(2 / 5)
    assert {one.path for one in found.differences} == {"/b", "/c"}


def test_numbers_may_be_near_places_may_be_ignored_and_lists_unordered():
    structure = Structure(
        ignored=("/items/*/id",),
        unordered=("/items",),
        tolerances={"/items/*/price": Tolerance(absolute=0.01)},
    )
    a = {"items": [{"name": "bag", "price": 10.0}, {"name": "bell", "price": 3}]}
    b = {"items": [{"name": "bell", "price": 3}, {"name": "bag", "price": 10.005}]}

    assert structural(a, b, Structure(unordered=("/items",))).score == pytest.approx(0.75)
    assert structural(a, b, structure).score == 1.0
    assert structural({"items": [{"id": 1}]}, {"items": [{"id": 2}]}, structure).score == 1.0


def test_a_text_that_says_the_opposite_is_not_the_same():
    assert text("The refund was approved", "The refund was not approved").score < 0.95
    assert text("Refund approved", "approved  refund").score > text("Refund", "parcel").score


def test_a_call_of_another_tool_has_nothing_in_common():
    asked = ToolCall.asked("refund", '{"order": 4411, "amount": 10}')

    assert tool_call(asked, ToolCall("refund", {"order": 4411, "amount": 9})).score == 0.5
    assert tool_call(asked, ToolCall("cancel", {"order": 4411})).score == 0.0


def test_parallel_calls_are_paired_whatever_their_order():
    one, other = ToolCall("find", {"id": 1}), ToolCall("find", {"id": 2})

    assert tool_calls([one, other], [other, one]).score == 1.0
    assert tool_calls([one, other], [other]).score == 0.5


def test_a_decision_is_seven_parts_of_what_was_chosen_and_three_of_what_was_said():
    calls = [ToolCall("refund", {"order": 1})]

    assert decision((calls, "abc"), (calls, "xyz")).score == pytest.approx(0.7)
    assert decision((calls, "same"), ([], "same")).score == pytest.approx(0.3)


def test_a_step_that_is_missing_costs_more_than_one_with_other_arguments():
    steps = [signature("tool", name, {"a": 1}) for name in "xyz"]
    other = [*steps[:2], signature("tool", "z", {"a": 2})]

    assert sequence(steps, steps[:2]).score == pytest.approx(0.5)
    assert 0.5 < sequence(steps, other).score < 1.0


@pytest.mark.parametrize(
    ("answers", "score"),
    [
        (("second", "first"), 1.0),
        (("first", "second"), 0.0),
        (("tie", "tie"), 0.5),
        (("first", "first"), None),
        (("second", "abstain"), None),
    ],
)
def test_a_judge_is_believed_only_if_changing_the_sides_changes_nothing(answers, score):
    told = iter(answers)

    found = judged(lambda *_: Ruling(Choice(next(told))), RUBRIC, "task", "old", "new")

    assert found.score == score


def test_agreement_of_a_judge_is_what_is_more_than_chance():
    labels = (
        [("yes", "yes")] * 20 + [("no", "no")] * 15 + [("yes", "no")] * 5 + [("no", "yes")] * 10
    )

    found = agreement(labels)

    assert found.kappa == pytest.approx(0.4)
    assert found.may_gate
    assert found.interval[0] < 0.4 < found.interval[1]


def test_a_judge_decides_nothing_before_people_judged_enough():
    few = agreement([("yes", "yes"), ("no", "no")] * 10)

    assert not few.may_gate
    assert f"{LEAST_LABELS - 20} more" in few.says
    assert agreement([]).kappa is None
    assert agreement([("yes", "yes")] * 40).kappa is None


@pytest.mark.parametrize(
    ("vectors", "score"),
    [
        ([[1, 0], [1, 0]], 1.0),
        ([[1, 0], [1, 1]], 0.7071),
        ([[1, 0], [-1, 0]], 0.0),
        ([[0, 0], [1, 0]], None),
        ([[1], [1, 0]], None),
    ],
)
def test_meaning_is_the_cosine_of_what_embeds(vectors, score):
    found = semantic("a refund", "money back", lambda texts: vectors)

    assert found.score == (None if score is None else pytest.approx(score, abs=1e-4))


def test_another_wording_is_another_judge():
    other = Rubric("tone", "Which is kinder, and why?", "gpt-4o", "pairwise@3")

    assert RUBRIC.version != other.version
