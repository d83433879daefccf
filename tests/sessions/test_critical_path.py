"""Which steps held a session up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.sessions.critical_path import Intervals, critical_path

UNKNOWN = math.nan


def path(*steps):
    """Return the indexes on the path of steps told as (start, end, parent)."""
    return [one.at for one in critical_path(times(steps))]


def times(steps):
    lasting = [UNKNOWN if end is None else (end - start) * 1000 for start, end, _ in steps]
    return Intervals([start for start, _, _ in steps], lasting, [up for _, _, up in steps])


def test_steps_after_each_other_are_all_on_the_path():
    assert path((0, 9, -1), (0, 3, 0), (3, 6, 0), (6, 9, 0)) == [0, 1, 2, 3]


def test_of_steps_beside_each_other_the_last_to_finish_is_on_the_path():
    assert path((0, 10, -1), (1, 4, 0), (1, 9, 0), (1, 6, 0)) == [0, 2]


def test_what_ran_before_the_last_to_finish_began_is_on_the_path_too():
    assert path((0, 10, -1), (0, 2, 0), (1, 3, 0), (3, 9, 0), (4, 8, 0)) == [0, 2, 3]


def test_the_path_goes_into_what_was_waited_for():
    assert path((0, 10, -1), (1, 9, 0), (2, 4, 1), (5, 8, 1), (0, 5, 0)) == [0, 1, 2, 3]


def test_what_outlives_its_parent_counts_until_the_parent_ends():
    [root, child] = critical_path(times([(0, 4, -1), (1, 90, 0)]))

    assert (root.own_ms, child.own_ms) == pytest.approx((1000, 3000))


def test_a_step_that_began_after_its_parent_had_ended_belongs_to_what_still_ran():
    assert path((0, 10, -1), (0, 2, 0), (3, 9, 1)) == [0, 1, 2]


def test_calls_that_are_each_the_child_of_the_one_before_are_all_on_the_path():
    assert path(*((at, at + 1, at - 1) for at in range(200))) == list(range(200))


def test_a_step_without_an_end_lasts_until_the_last_below_it():
    assert path((0, None, -1), (1, 5, 0), (6, 9, 0)) == [0, 1, 2]


def test_steps_without_a_time_are_passed_through():
    assert path((UNKNOWN, None, -1), (0, 3, 0), (3, 5, 0)) == [1, 2]


def test_instants_hold_nobody_up():
    assert path((0, 4, -1), (1, 1, 0), (2, None, 0)) == [0]


def test_a_step_may_begin_a_little_before_its_cause_has_ended():
    assert path((0, 2, -1), (0, 1.0004, 0), (1, 2, 0)) == [0, 1, 2]


def test_turns_after_each_other_are_one_path():
    assert path((0, 1, -1), (60, 61, -1), (60.1, 60.9, 1)) == [0, 1, 2]


# When each begins (21: unknown) and how long it lasts, and a number that says which is its parent.
told = st.tuples(st.integers(0, 21), st.none() | st.integers(0, 20), st.integers(0, 13))
sessions = st.lists(told, min_size=1, max_size=14).map(
    lambda steps: [step_of(index, *step) for index, step in enumerate(steps)]
)


def step_of(index, begin, lasts, parent):
    is_known = begin < 21
    end = begin + lasts if is_known and lasts is not None else None
    return (begin if is_known else UNKNOWN, end, parent % (index + 1) - 1)


def lasting(steps):
    """Return what the steps took together, in milliseconds: what overlaps is counted once."""
    known = {at: (start, end) for at, (start, end, _) in enumerate(steps) if start == start}
    # Where an end is unknown: until the last moment that anything is known of.
    last = max((start if end is None else end for start, end in known.values()), default=0)
    moments = set()
    for start, end in known.values():
        moments.update(range(int(start), int(last if end is None else end)))
    return len(moments) * 1000


@given(sessions)
@settings(max_examples=100)
def test_no_moment_is_on_the_path_twice(steps):
    timed = [end for start, end, _ in steps if start == start and end is not None]
    found = critical_path(times(steps))

    assert all(one.own_ms >= -1e-6 for one in found)
    if timed:
        assert sum(one.own_ms for one in found) <= lasting(steps) + 1e-6


@given(sessions)
@settings(max_examples=100)
def test_what_finishes_last_is_on_the_path_unless_it_was_an_instant(steps):
    roots = [step for step in steps if step[2] < 0 and step[1] is not None and step[1] > step[0]]
    flat = [(start, end, -1) for start, end, _ in roots]

    if flat:
        last = max(range(len(flat)), key=lambda at: (flat[at][1], -flat[at][0]))
        assert last in path(*flat)


def test_20000_steps_that_nest_are_walked_without_recursion():
    nested = [(at / 1000, (40_000 - at) / 1000, at - 1) for at in range(20_000)]

    assert len(path(*nested)) == 20_000
