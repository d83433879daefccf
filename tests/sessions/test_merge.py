"""Merging versions of an event: the same in any order, grouping and repetition."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.sessions.merge import merge
from apps.sessions.models import UNKNOWN_TIME
from apps.sessions.rows import EventRow
from tests.sessions.factories import at

times = st.none() | st.integers(0, 5).map(at)
words = st.none() | st.sampled_from(["a", "b", "c"])
numbers = st.none() | st.integers(0, 2)

rows = st.builds(
    EventRow,
    id=st.just(b"i" * 16),
    client_id=st.just("i"),
    kind=st.sampled_from(["llm", "tool"]),
    name=words,
    lane=words,
    started_at=times,
    ended_at=times,
    position=st.integers(0, 2),
    status=st.sampled_from([None, "ok", "error"]),
    model=words,
    input_tokens=numbers,
    output_tokens=numbers,
    ttft_ms=st.none() | st.floats(0, 2),
    ends_session=st.booleans(),
    schema=st.integers(1, 2),
    stamps=st.none() | st.dictionaries(st.sampled_from(["x", "y.z"]), st.sampled_from("ab")),
    input_digest=st.none() | st.sampled_from([b"1", b"2"]),
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.dictionaries(st.sampled_from(["m", "n.o"]), words, max_size=2),
        "tags": st.lists(st.sampled_from("xy"), max_size=2),
        "state": st.sampled_from([0, False, {"a": 1}, {}]),
    },
)


@st.composite
def versions(draw):
    row, cost = draw(rows), draw(st.none() | st.sampled_from([Decimal("1"), Decimal("1.50")]))
    row.order_at = row.started_at or UNKNOWN_TIME
    return msgspec.structs.replace(row, cost=cost, is_cost_sent=cost is not None), draw(bodies)


def together(a, b):
    return merge(*a, *b)


@given(a=versions(), b=versions(), c=versions())
@settings(max_examples=500, deadline=None)
def test_merging_commutes_associates_and_repeats(a, b, c):
    both = together(a, b)

    assert both == together(b, a)
    assert together(both, c) == together(a, together(b, c))
    assert together(both, b) == both
    assert together(a, a) == a


def row(**fields):
    return EventRow(id=b"i" * 16, client_id="i", kind="llm", **fields)


@pytest.mark.parametrize(
    ("field", "one", "other", "kept"),
    [
        ("started_at", at(1), at(2), at(1)),
        ("ended_at", at(1), at(2), at(2)),
        ("status", "ok", "error", "error"),
        ("model", "gpt-4o", None, "gpt-4o"),
        ("name", "a", "b", "b"),
    ],
)
def test_which_value_is_kept(field, one, other, kept):
    merged, _ = merge(row(**{field: one}), {}, row(**{field: other}), {})

    assert getattr(merged, field) == kept


def test_of_two_values_that_of_the_later_end_is_kept():
    late, early = row(name="a", ended_at=at(5)), row(name="z", ended_at=at(1))

    assert merge(late, {}, early, {})[0].name == "a"


def test_metadata_of_two_versions_is_joined_by_key():
    _, body = merge(row(), {"metadata": {"a": 1}}, row(), {"metadata": {"b": None}})

    assert body == {"metadata": {"a": 1, "b": None}}
