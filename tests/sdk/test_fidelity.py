"""The numbers of a replay: what counts how much, and that none of them can be talked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playhead.comparing import (
    calls_likeness,
    error_likeness,
    json_likeness,
    text_likeness,
    texts_in,
    tool_calls,
)
from playhead.fidelity import (
    Scored,
    Step,
    answer_score,
    band,
    fidelity_of,
    is_same_decision,
    step_score,
    weight_of,
)

SHARES = st.floats(0, 1)
SCORED = st.lists(st.builds(Scored, st.sampled_from([1.0, 2.0, 4.0]), SHARES), min_size=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab ", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy", max_size=2), inner),
    max_leaves=6,
)


def called(name: str, text: str | None = None, **arguments):
    call = {"id": "1", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": text, "tool_calls": [call]}


@given(SCORED)
def test_fidelity_is_a_share(steps):
    assert 0 <= fidelity_of(steps) <= 1 + 1e-9


@given(SCORED, st.data())
def test_one_more_divergence_never_makes_it_higher(steps, data):
    at = data.draw(st.integers(0, len(steps) - 1))
    worse = Scored(steps[at].weight, steps[at].score * data.draw(SHARES))
    changed = [*steps[:at], worse, *steps[at + 1 :]]

    assert fidelity_of(changed) <= fidelity_of(steps) + 1e-9
    assert fidelity_of([*steps, Scored(2.0, 0.0)]) <= fidelity_of(steps)


@given(JSON, JSON)
def test_likeness_is_symmetric_and_full_only_for_the_same(left, right):
    assert json_likeness(left, right) == pytest.approx(json_likeness(right, left))
    assert 0 <= json_likeness(left, right) <= 1
    assert json_likeness(left, left) == 1
    assert json_likeness(left, right) < 1 or left == right


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((1.0, 1.0, 1.0, 1.0), "identical"),
        ((None, None, None, None), "identical"),
        ((1.0, 0.9, 1.0, 1.0), "faithful"),
        ((0.98, 1.0, 1.0, 1.0), "faithful"),
        ((0.99, 1.0, 1.0, 0.5), "drifted"),
        ((0.8, 1.0, 1.0, 1.0), "drifted"),
        ((0.79, 1.0, 1.0, 1.0), "diverged"),
    ],
)
def test_bands_are_those_that_are_written_down(numbers, expected):
    assert band(*numbers) == expected


@pytest.mark.parametrize(
    ("kind", "output", "is_final", "weight"),
    [
        ("llm", "done", True, 4.0),
        ("llm", called("pay"), False, 2.0),
        ("llm", "words", False, 1.0),
        ("tool", 1, False, 2.0),
        ("retriever", [], False, 2.0),
        ("memory", None, False, 2.0),
        ("http", None, False, 1.0),
    ],
)
def test_what_decides_weighs_more(kind, output, is_final, weight):
    assert weight_of(kind, output, is_final=is_final) == weight


def test_a_decision_is_seven_parts_calls_and_three_parts_words():
    then = Step("llm", output=called("pay", "Paying now.", amount=5))

    same_call = Step("llm", output=called("pay", "zzz", amount=5))
    same_words = Step("llm", output=called("wait", "Paying now."))
    assert answer_score(then, same_call) == pytest.approx(0.7)
    assert answer_score(then, same_words) == pytest.approx(0.3)


def test_a_stub_proves_nothing():
    then = Step("tool", asked={"a": 1}, output=7)

    assert step_score(then, then) == 1
    assert step_score(then, Step("tool", {"a": 1}, 7, is_tainted=True)) == 0


def test_errors_are_compared_by_type_and_status():
    busy = {"type": "RateLimitError", "code": "429", "message": "at 10:00"}

    assert error_likeness(busy, busy | {"message": "at 11:00"}) == 1
    assert error_likeness(busy, busy | {"code": "500"}) == 0.5
    assert error_likeness(busy, None) == 0


def test_the_order_of_calls_at_one_time_is_no_decision():
    both = [called("a", x=1), called("b", y=2)]

    assert is_same_decision(both, both[::-1]) is True
    assert is_same_decision(both, both[:1]) is False
    assert is_same_decision(called("a", x=1), called("a", x=2)) is False
    assert is_same_decision("words", "others") is None


@pytest.mark.parametrize(
    "output",
    [
        called("pay", "Yes.", n=1),
        {"role": "assistant", "content": [
            {"type": "text", "text": "Yes."},
            {"type": "tool_use", "name": "pay", "input": {"n": 1}},
        ]},
        {"messages": [{"role": "assistant", "parts": [
            {"type": "text", "content": "Yes."},
            {"type": "tool_call", "name": "pay", "arguments": {"n": 1}},
        ]}]},
        [
            {"type": "message", "content": [{"type": "output_text", "text": "Yes."}]},
            {"type": "function_call", "name": "pay", "arguments": '{"n": 1}'},
        ],
    ],
)  # fmt: skip
def test_calls_and_words_are_read_in_every_form(output):
    assert tool_calls(output) == [("pay", {"n": 1})]
    assert texts_in(output) == "Yes."


def test_calls_are_paired_by_name_and_then_by_arguments():
    then = [("a", {"x": 1}), ("a", {"x": 2})]

    assert calls_likeness(then, then[::-1]) == 1
    assert calls_likeness(then, then[:1]) == 0.5
    assert calls_likeness(then, []) == 0


def test_texts_are_alike_by_words_and_by_runs_of_characters():
    assert text_likeness("it rains in Oslo", "it rains in Oslo") == 1
    assert 0.5 < text_likeness("it rains in Oslo", "it rains in Bergen") < 1
    assert text_likeness("a b", "b a") < 1
    assert text_likeness("rain", "sun!") < 0.2
