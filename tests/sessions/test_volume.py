"""The strip above the list: bars that count what the filters find, with bounded work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.sessions import store, volume
from apps.sessions.filters import SessionFilters
from apps.sessions.queries import session_page
from apps.sessions.volume import MOST_BARS, SIZES, Span, count_volume, cut, span_of
from tests.sessions.factories import START, at, make_event
from tests.sessions.test_list_paging import NARROWED, tied_event

MINUTE = timedelta(minutes=1)
TEN_SECONDS = Span(at(0), at(10), timedelta(seconds=1))


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(seconds=31), timedelta(days=100 * 365)),
)
def test_a_span_has_thirty_to_sixty_bars_that_begin_at_round_times(begins, long):
    span = cut(begins, begins + long)

    edges = span.edges
    assert 30 <= len(edges) - 1 <= MOST_BARS
    assert (edges[0], edges[-1]) == (span.begins, span.ends)
    assert all(before < after <= before + span.size for before, after in pairwise(edges))


def test_each_size_of_bar_is_at_most_twice_the_one_before():
    assert all(larger <= 2 * smaller for smaller, larger in pairwise(SIZES))


@pytest.mark.django_db
@pytest.mark.parametrize("asked", NARROWED, ids=str)
def test_bars_count_what_the_list_shows(project, asked):
    store.append(project, [tied_event(number) for number in range(30)])
    filters = SessionFilters(**asked)
    shown = session_page(project, filters, cursor=None, limit=100).rows

    begins, ends = filters.started_after or at(0), filters.started_before or at(10)
    span = Span(begins, ends, timedelta(seconds=1))

    counted = count_volume(project, filters, span, also_total=True)

    for bar in counted.bars:
        inside = [one for one in shown if bar.begins <= one.sort_started < bar.ends]
        assert bar.count == len(inside)
        assert bar.errors == len([one for one in inside if one.error_count])
        assert not bar.is_cut
    assert (counted.total.count, counted.total.is_cut) == (len(shown), False)


@pytest.fixture
def busy(project):
    times = [at(number / 10) for number in range(20)]
    store.append(
        project,
        [
            make_event(session=f"s{number}", started_at=time, model="m", cost=Decimal(1))
            for number, time in enumerate(times)
        ],
    )
    return project


@pytest.mark.parametrize("asked", [{}, {"facets": {"model": "m"}}, {"min_cost": Decimal(1)}])
def test_counting_stops_where_it_has_looked_at_enough_and_says_so(busy, monkeypatch, asked):
    for name in ("LOOKED_AT", "LOOKED_UP"):
        monkeypatch.setattr(volume, name, 4 * 10)
    for name in ("MOST_COUNTED", "MOST_LOOKED_UP"):
        monkeypatch.setattr(volume, name, 7)

    counted = count_volume(busy, SessionFilters(**asked), TEN_SECONDS, also_total=True)

    assert [(bar.count, bar.is_cut) for bar in counted.bars[:3]] == [
        (4, True),
        (4, True),
        (0, False),
    ]
    assert (counted.total.count, counted.total.is_cut) == (7, True)


def test_counting_is_one_statement_over_indexes(busy, django_assert_num_queries):
    filters = SessionFilters(facets={"model": "m", "kind": "event"}, min_cost=Decimal(1))

    with django_assert_num_queries(1):
        count_volume(busy, filters, TEN_SECONDS, also_total=True)


def test_the_strip_shows_the_last_day_that_has_sessions(project):
    store.append(project, [make_event(started_at=START - timedelta(days=300))])

    span = span_of(project, SessionFilters(), None)

    assert span.ends == START - timedelta(days=300) + 30 * MINUTE
    assert span.begins == span.ends - timedelta(days=1, minutes=30)


def test_the_strip_shows_the_span_that_the_filters_leave(project):
    chosen = SessionFilters(started_after=at(7), started_before=at(100))
    never = SessionFilters(started_after=datetime.now(UTC) + MINUTE)
    nothing = span_of(project, SessionFilters(), None)

    assert span_of(project, chosen, None).edges[0] == at(7)
    assert span_of(project, chosen, None).edges[-1] == at(100)
    assert span_of(project, never, None) is None
    assert nothing.begins < datetime.now(UTC) <= nothing.ends
