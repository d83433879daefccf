"""Pages of the list join without gap or overlap, both ways, whatever is asked for."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain, combinations

import pytest

from apps.sessions import store
from apps.sessions.filters import SORTS, SessionFilters
from apps.sessions.queries import session_page
from tests.sessions.factories import at, make_event

SORTED = [f"{sign}{name}" for name in SORTS for sign in ("", "-")]
NARROWED = (
    {},
    {"facets": {"model": "m"}},
    {"facets": {"model": "m", "tag": "t"}},
    {"environment": "production"},
    {"status": "error"},
    {"min_cost": Decimal(0)},
    {"started_after": at(1)},
    {"started_before": at(2), "has_ticket": False},
)


@pytest.fixture
def tied(project):
    """Thirty sessions whose times, costs, durations and errors are often the same or unknown."""
    store.append(project, [tied_event(number) for number in range(30)])
    return project


def tied_event(number):
    started = at(number % 3) if number % 5 else None
    return make_event(
        session=f"s{number}",
        kind="llm",
        model="m" if number % 2 else "n",
        tags=["t"] if number % 3 else [],
        started_at=started,
        ended_at=at(10 + number % 2) if started else None,
        cost=Decimal(number % 2) if number % 4 else None,
        status="error" if number % 3 == 1 else "ok",
        environment="production" if number % 7 else "staging",
    )


def walk(project, filters, limit):
    """Return the pages from the first to the last, and then back to the first."""
    onward, back = [session_page(project, filters, cursor=None, limit=limit)], []
    while onward[-1].next:
        onward.append(session_page(project, filters, cursor=onward[-1].next, limit=limit))
    page = onward[-1]
    while page.previous:
        page = session_page(project, filters, cursor=page.previous, limit=limit)
        back.append(page)
    return [ids(page) for page in onward], [ids(page) for page in back]


def ids(page):
    return [session.pk for session in page.rows]


@pytest.mark.parametrize("sort", SORTED)
def test_walking_back_shows_the_same_pages(tied, sort):
    for first, second in [*combinations(NARROWED, 2), ({}, {})]:
        filters = SessionFilters(sort=sort, **(first | second))
        whole = ids(session_page(tied, filters, cursor=None, limit=100))

        onward, back = walk(tied, filters, 4)

        assert list(chain(*onward)) == whole, filters
        assert back[::-1] == onward[:-1], filters


@pytest.mark.parametrize("sort", SORTED)
def test_the_order_is_by_the_column_and_ends_with_the_same_sessions_turned(tied, sort):
    turned = sort[1:] if sort.startswith("-") else f"-{sort}"
    found, other = (
        ids(session_page(tied, SessionFilters(sort=one), cursor=None, limit=100))
        for one in (sort, turned)
    )

    assert len(found) == 30
    assert found == other[::-1]


def test_a_session_that_comes_in_between_moves_no_page(tied):
    filters = SessionFilters()
    first = session_page(tied, filters, cursor=None, limit=10)
    second = session_page(tied, filters, cursor=first.next, limit=10)
    store.append(tied, [make_event(session="newest", started_at=at(99))])

    assert ids(session_page(tied, filters, cursor=first.next, limit=10)) == ids(second)
    assert ids(session_page(tied, filters, cursor=second.previous, limit=10)) == ids(first)


def test_a_session_of_unknown_start_began_before_nothing(tied):
    before = session_page(tied, SessionFilters(started_before=at(99)), cursor=None, limit=100)

    assert len(before) == 24
    assert all(session.started_at for session in before.rows)
