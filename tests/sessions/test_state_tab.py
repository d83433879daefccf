"""The state as the panel shows it: what became of it, and who gave each value."""

from __future__ import annotations

import re

import pytest

from apps.sessions.layout_cache import layout_of
from apps.sessions.state_tab import States, state_context
from apps.sessions.state_trail import Trail
from tests.sessions.factories import at, make_event, make_session


def set_by(trail: Trail, *path: str) -> int | None:
    for key in path:
        trail = trail.of(key)
    return trail.last


def test_a_value_leads_to_the_step_that_gave_it():
    trail = Trail(0).after({"a": {"b": 1, "c": 1}, "d": 1}, {"a": {"b": 2, "c": 1}, "d": 1}, 5)

    assert [set_by(trail, *path) for path in (("a", "b"), ("a", "c"), ("a",), ("d",))] == [
        5,
        0,
        5,
        0,
    ]


def test_what_moves_within_a_list_keeps_who_gave_it():
    trail = Trail(0).after(["x", "y"], ["new", "x", "y"], 3).after(["new", "x", "y"], ["x", "y"], 4)

    assert [set_by(trail, "0"), set_by(trail, "1")] == [0, 0]


def test_true_and_one_are_not_the_same_value():
    assert set_by(Trail(0).after({"a": 1}, {"a": True}, 2), "a") == 2


@pytest.fixture
def told(project):
    patch = [
        {"op": "replace", "path": "/order/status", "value": "refunded"},
        {"op": "add", "path": "/refunds/-", "value": "r1"},
        {"op": "remove", "path": "/note"},
    ]
    first = {"order": {"id": 7, "status": "paid"}, "refunds": [], "note": "<b>"}
    session = make_session(
        project,
        make_event(kind="state", started_at=at(0), state=first),
        make_event(kind="tool", started_at=at(1)),
        make_event(kind="state", started_at=at(2), state_patch=patch),
        make_event(kind="tool", started_at=at(3)),
    )
    return States(session, layout_of(session))


@pytest.mark.django_db
def test_a_step_says_what_it_added_removed_and_changed(told):
    [lane] = state_context(told, 2, None, view="tree")["lanes"]

    assert lane.drawn.changes == [
        ("~ changed", "/order/status"),
        ("+ added", "/refunds/0"),
        ("- removed", "/note"),
    ]
    assert "&lt;b&gt;" in lane.drawn.tree


@pytest.mark.django_db
def test_the_state_is_there_at_steps_that_say_nothing_about_it(told):
    [lane] = state_context(told, 3, None, view="tree")["lanes"]
    set_by = re.findall(r'data-to="(\d+)"', lane.drawn.tree)

    assert lane.drawn.count == 0
    assert set(set_by) == {"1", "3"}
    assert state_context(told, 1, None, view="tree")["lanes"][0].drawn.count == 0


@pytest.mark.django_db
def test_states_of_any_two_steps_are_compared(told):
    [lane] = state_context(told, 3, 1, view="tree")["lanes"]
    [since_nothing] = state_context(told, 3, 0, view="tree")["lanes"]

    assert lane.drawn.count == 3
    assert since_nothing.drawn.changes[0][0] == "+ added"
