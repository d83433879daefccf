from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.canonical import canonical_json
from apps.core.value_diff import difference, text_change

TEXT = st.text(alphabet="ab \n注文.", max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)


def told(a, b):
    return [(change.path, change.op) for change in difference(a, b).changes]


def spoken(a: str, b: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in text_change(a, b, "").pieces]


def test_changed_arguments_are_told_by_their_paths():
    a = {"order": {"id": 4411, "notify": True}, "items": ["a", "b", "c"], "gone": 1}
    b = {"order": {"id": 4412, "notify": True}, "items": ["a", "c", "d"], "new": 2}

    assert told(a, b) == [
        ("order.id", "replace"),
        ("items.1", "remove"),
        ("items.2", "add"),
        ("gone", "remove"),
        ("new", "add"),
    ]


def test_a_message_is_told_by_who_speaks():
    a, b = ([{"role": "user", "content": text}] for text in ("one order", "two orders"))

    assert told(a, b) == [("0 (user).content", "replace")]


def test_texts_are_compared_word_by_word():
    assert spoken("Always apologise twice.", "Always apologise once.") == [
        ("same", "Always apologise "),
        ("del", "twice"),
        ("ins", "once"),
        ("same", "."),
    ]


def test_an_id_that_changed_is_another_id_as_a_whole():
    assert spoken("B-3605", "B-5119") == [("del", "B-3605"), ("ins", "B-5119")]


def test_scripts_without_spaces_are_compared_letter_by_letter():
    assert spoken("注文は届いた", "注文は遅れた") == [
        ("same", "注文は"),
        ("del", "届い"),
        ("ins", "遅れ"),
        ("same", "た"),
    ]


@pytest.mark.parametrize("pair", [(1, True), (0, False), (1, 1.5), (None, ""), ([], {})])
def test_values_of_other_types_differ(pair):
    assert told(*pair) == [("", "replace")]


def test_a_truth_value_inside_of_a_list_is_no_number():
    assert told({"x": [1]}, {"x": [True]}) == [("x.0", "replace")]


@given(JSON)
def test_a_value_does_not_differ_from_itself(value):
    assert difference(value, value).changes == []


@given(JSON, JSON)
def test_values_without_a_change_are_equal(a, b):
    assert (difference(a, b).changes == []) == (canonical_json(a) == canonical_json(b))


@given(TEXT, TEXT)
def test_the_words_put_together_are_both_texts(a, b):
    pieces = text_change(a, b, "").pieces

    assert "".join(piece.text for piece in pieces if piece.kind != "ins") == a
    assert "".join(piece.text for piece in pieces if piece.kind != "del") == b


def test_long_equal_passages_are_folded_and_counted():
    a = "word " * 1000 + "one" + " word" * 1000

    pieces = text_change(a, a.replace("one", "two"), "").pieces

    assert [piece.kind for piece in pieces] == ["gap", "same", "del", "ins", "same", "gap"]
    assert sum(piece.count or len(piece.text) for piece in pieces if piece.kind != "ins") == len(a)


@pytest.mark.parametrize(
    "pair",
    [
        ("a " * 19_000, "b " * 19_000),
        ("a b " * 9_000, "b a " * 9_500),
        ("x\n" * 15_000, "y\nx\n" * 9_000),
        ("x" * 3_000_000, "y" * 3_000_000),
        (list(range(20_000)), list(range(1, 20_001))),
        ([0, 1] * 5_000, [1, 0, 0] * 5_000),
    ],
)
def test_values_of_any_size_are_compared_within_a_moment(pair):
    before = time.process_time()

    found = difference(*pair)

    assert found.changes
    assert time.process_time() - before < 2
