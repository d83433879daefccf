"""Clocks that disagree, and what is drawn then."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.sessions.critical_path import Intervals
from apps.sessions.drawing import drawing_of
from apps.sessions.layout_cache import layout_of
from apps.sessions.skew import Origin, shifts_of
from tests.sessions.factories import at, make_event, make_session

HERE = Origin(service="shop", is_client=True)
THERE = Origin(service="stock", is_server=True)
QUEUE = Origin(service="worker")


def shifts(*steps):
    """Return the shifts of steps told as (start, end, parent, origin)."""
    lasting = [math.nan if end is None else (end - start) * 1000 for start, end, _, _ in steps]
    times = Intervals([one[0] for one in steps], lasting, [one[2] for one in steps])
    return shifts_of(times, lambda asked: {index: steps[index][3] for index in asked})


def test_a_child_of_another_clock_before_its_parent_is_put_into_the_middle_of_it():
    assert shifts((10, 20, -1, HERE), (5, 9, 0, THERE)) == {1: pytest.approx(8)}


def test_a_child_after_a_parent_that_waited_for_its_answer_is_put_into_the_middle_of_it():
    assert shifts((10, 20, -1, HERE), (25, 29, 0, THERE)) == {1: pytest.approx(-12)}


def test_work_that_nobody_waited_for_may_outlive_what_sent_it():
    producer = Origin(service="shop")

    assert shifts((10, 20, -1, producer), (19, 28, 0, QUEUE), (30, 35, 0, QUEUE)) == {}


def test_work_that_nobody_waited_for_cannot_begin_before_it_was_sent():
    assert shifts((10, 20, -1, Origin(service="shop")), (4, 8, 0, QUEUE)) == {1: pytest.approx(9)}


def test_a_child_longer_than_its_parent_is_moved_to_its_beginning_at_most():
    assert shifts((10, 12, -1, HERE), (5, 25, 0, THERE)) == {1: pytest.approx(5)}


def test_a_child_longer_than_its_parent_may_go_on_after_it():
    assert shifts((10, 12, -1, HERE), (11, 25, 0, THERE)) == {}


def test_steps_of_one_clock_are_drawn_as_they_were_recorded():
    same = Origin(host="a", service="shop"), Origin(host="a", service="stock")

    assert shifts((10, 20, -1, same[0]), (5, 9, 0, same[1])) == {}


def test_steps_that_do_not_say_where_they_ran_are_drawn_as_they_were_recorded():
    assert shifts((10, 20, -1, Origin()), (5, 9, 0, Origin())) == {}
    assert shifts((10, 20, -1, HERE), (5, 9, 0, Origin())) == {}


def test_two_machines_of_one_service_have_two_clocks():
    one, other = Origin(host="a", service="shop"), Origin(host="b", service="shop")

    assert shifts((10, 20, -1, one), (5, 9, 0, other)) == {1: pytest.approx(8)}


def test_all_below_moves_along_until_the_first_clock_is_asked_back():
    moved = shifts(
        (10, 20, -1, HERE),
        (5, 9, 0, THERE),
        (6, 8, 1, THERE),
        (6, 7, 1, Origin()),
        (14, 15, 2, Origin(service="shop")),
    )

    assert moved == {1: pytest.approx(8), 2: pytest.approx(8), 3: pytest.approx(8)}


def test_less_than_a_millisecond_is_no_skew():
    assert shifts((10, 20, -1, HERE), (9.9995, 15, 0, THERE)) == {}


def test_a_parent_that_has_not_ended_moves_its_child_to_its_beginning():
    assert shifts((10, None, -1, HERE), (5, 9, 0, THERE)) == {1: pytest.approx(5)}


origins = st.sampled_from([Origin(), HERE, THERE, QUEUE])
moments = st.integers(0, 30)
told = st.tuples(moments, moments, origins, st.integers(0, 9))


@given(st.lists(told, min_size=1, max_size=10))
@settings(max_examples=100)
def test_nothing_is_left_before_what_caused_it_on_another_clock(told):
    steps = [
        (start, start + lasts, parent % (index + 1) - 1, origin)
        for index, (start, lasts, origin, parent) in enumerate(told)
    ]
    moved = shifts(*steps)

    for index, (start, _, up, origin) in enumerate(steps):
        if up >= 0 and origin.has_other_clock(steps[up][3]):
            assert start + moved.get(index, 0) >= steps[up][0] + moved.get(up, 0) - 0.0011


def remote(service, kind, **fields):
    sent = [{"of": "span", "kind": kind}]
    return make_event(trace="t", extra={"resource": {"service.name": service}}, sent=sent, **fields)


@pytest.mark.django_db
def test_a_session_of_two_services_is_drawn_right_and_recorded_as_it_was_sent(project):
    session = make_session(
        project,
        remote("shop", 3, id="a", session="s", started_at=at(10), ended_at=at(20)),
        remote("stock", 2, id="b", parent="a", started_at=at(5), ended_at=at(9)),
    )
    layout = layout_of(session)
    drawing = drawing_of(session, layout)

    child, parent = layout.starts[0] - at(0).timestamp(), layout.starts[1] - at(0).timestamp()
    assert (child, parent) == pytest.approx((5, 10))
    assert drawing.shifts == {0: pytest.approx(8)}
    assert drawing.left_ms(0) == pytest.approx(3000)
    assert drawing.total_ms == pytest.approx(10_000)


def asking(steps, asked):
    """Return what notes which steps were asked where they ran."""

    def origins_of(indexes):
        asked.extend(indexes)
        return {index: steps[index] for index in indexes}

    return origins_of


def test_a_session_of_one_clock_is_not_read_whole_because_its_steps_outlive_each_other():
    count, asked = 5000, []
    times = Intervals(range(count), [2000.0] + [1500.0] * (count - 1), [-1] + [0] * (count - 1))

    assert shifts_of(times, asking([Origin(service="shop")] * count, asked)) == {}
    assert len(asked) < 100


def test_a_session_of_two_clocks_is():
    origins = [HERE, *[THERE, Origin(service="shop")] * 300]
    times = Intervals(range(601), [2000.0] + [1500.0] * 600, [-1] + [0] * 600)

    moved = shifts_of(times, asking(origins, []))

    assert len(moved) == 300
    assert moved[1] == pytest.approx(-0.75)
