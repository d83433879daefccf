"""The tree of a session, whatever its events say about parents and times."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.sessions import queries, reader, store
from apps.sessions.filters import SessionFilters
from apps.sessions.outlines import COLUMNS, steps_of
from tests.sessions.factories import at, make_event, make_session

names = st.sampled_from("abcdef")


def row(event_id, **fields):
    defaults = dict.fromkeys(COLUMNS) | {"id": Id(event_id), "client_id": event_id, "kind": "tool"}
    defaults |= {"is_counted": True, "parent_id": None}
    return defaults | fields


class Id(str):
    @property
    def hex(self):
        return str(self)


@given(parents=st.lists(st.none() | names | st.just("missing"), min_size=6, max_size=6))
@settings(max_examples=300)
def test_rings_and_missing_parents_still_make_a_tree(parents):
    rows = [
        row(name, parent_id=parent and Id(parent))
        for name, parent in zip("abcdef", parents, strict=True)
    ]

    steps = {step.id: step for step in steps_of(rows)}

    assert [step.seq for step in steps.values()] == [1, 2, 3, 4, 5, 6]
    for step in steps.values():
        assert step.depth == (steps[step.parent].depth + 1 if step.parent else 0)
    assert sum(step.children for step in steps.values()) == sum(
        step.parent is not None for step in steps.values()
    )


def test_a_ring_is_cut_at_its_first_step():
    steps = steps_of([row("b", parent_id=Id("a")), row("a", parent_id=Id("b"))])

    assert [(step.id, step.parent, step.depth) for step in steps] == [("b", None, 0), ("a", "b", 1)]


def lanes(*rows):
    return [step.lane for step in steps_of(rows)]


def test_steps_after_each_other_stay_in_their_parents_lane():
    child = {"parent_id": Id("root")}
    rows = [row("root"), row("a", started_at=at(0), ended_at=at(1), **child)]
    rows += [row("b", started_at=at(1), ended_at=at(2), **child)]

    assert lanes(*rows) == ["main", "main", "main"]


def test_overlapping_siblings_take_branches_and_free_ones_are_used_again():
    child = {"parent_id": Id("root")}
    rows = [row("root"), row("a", started_at=at(0), ended_at=at(9), **child)]
    rows += [row("b", started_at=at(1), ended_at=at(2), **child)]
    rows += [row("c", started_at=at(3), ended_at=at(4), **child)]
    rows += [row("inside", parent_id=Id("b"))]

    assert lanes(*rows) == ["main", "main", "main.1", "main.1", "main.1"]


def test_a_sub_agent_has_a_lane_of_its_own_and_a_sent_lane_stands():
    rows = [row("root", kind="agent"), row("sub", kind="agent", parent_id=Id("root"))]
    rows += [row("sent", lane="0.7", parent_id=Id("root"))]

    assert lanes(*rows) == ["main", "main.1", "0.7"]


@pytest.mark.django_db
def test_steps_come_by_start_then_position_and_unknown_times_first(project):
    events = [
        make_event(id="late", started_at=at(2)),
        make_event(id="early", started_at=at(1), position=9),
        make_event(id="tied", started_at=at(1), position=3),
        make_event(id="unknown-2", position=2),
        make_event(id="unknown-1", position=1),
    ]

    steps = reader.outline(make_session(project, *events)).steps

    order = ["unknown-1", "unknown-2", "tied", "early", "late"]
    assert [step.client_id for step in steps] == order


@pytest.mark.django_db
@pytest.mark.parametrize("sort", ["started", "-started", "-duration", "-cost", "errors"])
def test_sessions_without_times_page_correctly(project, sort):
    for number in range(9):
        start = at(number) if number % 3 == 0 else None
        store.append(project, [make_event(session=f"s{number}", started_at=start)])
    filters, seen, cursor = SessionFilters(sort=sort), [], None

    for _ in range(5):
        page = queries.session_page(project, filters, cursor=cursor, limit=2)
        seen += [session.external_id for session in page.rows]
        cursor = page.next

    assert cursor is None
    assert sorted(seen) == [f"s{number}" for number in range(9)]
