"""Two layers of one client report one call; its tokens are counted once."""

from __future__ import annotations

from itertools import permutations

import pytest

from apps.sessions import reader, store
from apps.sessions.events import Usage
from tests.sessions.factories import at, make_call
from tests.sessions.snapshots import expected, stored

pytestmark = pytest.mark.django_db

ALL = Usage(input=100, output=10)


def layers(**fields):
    """Return an outer call, the SDK's own inside of it, and a transport inside of that."""
    defaults = {"trace": "t", "session": "s", "usage": ALL, "response_id": "r"} | fields
    return [
        make_call(id="outer", started_at=at(0), ended_at=at(9), **defaults),
        make_call(id="inner", parent="outer", started_at=at(1), ended_at=at(8), **defaults),
        make_call(id="wire", parent="inner", started_at=at(2), ended_at=at(7), **defaults),
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_nested_layers_are_counted_once_in_any_order(project, order):
    events = layers()
    for place in order:
        store.append(project, [events[place]])

    session = project.sessions.get()
    assert (session.input_tokens, session.event_count) == (100, 3)
    assert stored(session) == expected(session)
    assert [step.is_counted for step in reader.outline(session).steps] == [True, False, False]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_inner_call_counts_where_the_outer_knows_no_usage(project, order):
    events = layers()
    events[0].usage = None
    for place in order:
        store.append(project, [events[place]])

    assert project.sessions.get().input_tokens == 100


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_call_that_failed_is_one_failure_in_any_order(project, order):
    events = layers(usage=None, response_id=None, status="error")
    for place in order:
        store.append(project, [events[place]])

    session = project.sessions.get()
    assert (session.counts, session.error_count, session.event_count) == ({"llm": 1}, 1, 3)
    assert stored(session) == expected(session)


def test_usage_that_arrives_later_takes_over_from_the_inner_call(project):
    events = layers()
    store.append(project, [*events[1:], make_call(**BARE)])
    assert project.sessions.get().input_tokens == 100

    store.append(project, [make_call(**BARE, usage=Usage(input=90))])

    session = project.sessions.get()
    assert session.input_tokens == 90
    assert stored(session) == expected(session)


BARE = {"id": "outer", "trace": "t", "session": "s", "response_id": "r", "started_at": at(0)}


def test_without_response_ids_the_same_model_and_time_make_one_call(project):
    store.append(project, layers(response_id=None))

    assert project.sessions.get().input_tokens == 100


def test_different_answers_are_different_calls(project):
    one, two, _ = layers()
    two.response_id = "another"

    store.append(project, [one, two])

    assert project.sessions.get().input_tokens == 200


def test_the_total_of_an_agent_is_not_added_to_its_calls(project):
    agent = make_call(id="agent", kind="agent", trace="t", session="s", usage=ALL)
    call = make_call(id="call", parent="agent", trace="t", session="s", usage=ALL)

    store.append(project, [agent, call])

    assert project.sessions.get().input_tokens == 100


def test_calls_that_name_each_other_as_parents_are_counted_once(project):
    one, two, three = layers(response_id="r")
    one.parent = "wire"
    for event in (two, three, one):
        store.append(project, [event])

    session = project.sessions.get()
    assert session.input_tokens == 100
    assert stored(session) == expected(session)


def test_thousands_of_nested_calls_are_settled_quickly(project):
    chain = [
        make_call(id=f"c{n}", parent=f"c{n - 1}", trace="t", session="s", response_id="r")
        for n in range(5000)
    ]
    chain[-1].usage = ALL

    store.append(project, chain)

    assert project.sessions.get().input_tokens == 100


def test_a_call_stays_inside_when_a_version_without_a_parent_completes_it(project):
    outer, inner, _ = layers()
    store.append(project, [outer, inner])

    store.append(project, [make_call(id="inner", trace="t", session="s", output="late")])

    session = project.sessions.get()
    assert session.input_tokens == 100
    assert stored(session) == expected(session)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_calls_beside_each_other_with_one_answer_are_one_in_any_order(project, order):
    agent = make_call(id="agent", kind="agent", trace="t", session="s")
    events = [agent, *beside()]
    for place in order:
        store.append(project, [events[place]])

    session = project.sessions.get()
    assert (session.input_tokens, session.counts) == (100, {"agent": 1, "llm": 1})
    assert stored(session) == expected(session)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_calls_beside_each_other_the_one_that_knows_its_usage_counts(project, order):
    outer, inner = beside()
    outer.usage, wire = None, layers(response_id="r")[2]
    events = [outer, inner, wire]
    for place in order:
        store.append(project, [events[place]])

    session = project.sessions.get()
    assert session.input_tokens == 100
    assert stored(session) == expected(session)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    "change",
    [{"response_id": "another"}, {"started_at": at(20), "ended_at": at(21)}, {"parent": "else"}],
    ids=["another answer", "another time", "another place"],
)
def test_calls_beside_each_other_are_two_where_anything_differs(project, order, change):
    outer, inner = beside()
    for name, value in change.items():
        setattr(inner, name, value)
    for place in order:
        store.append(project, [(outer, inner)[place]])

    assert project.sessions.get().input_tokens == 200


def beside():
    """Return a call and what the SDK says of it, which lies beside it and not inside."""
    outer, inner, _ = layers()
    outer.parent = inner.parent = "agent"
    return outer, inner


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_tool_call_that_is_passed_on_is_no_second_one_in_any_order(project, order):
    told = {"kind": "tool", "trace": "t", "session": "s", "model": None}
    events = [
        make_call(id="made", name="search", **told),
        make_call(id="sent", name="MCP send tools/call search", parent="made", **told),
        make_call(id="taken", name="tools/call search", parent="sent", **told),
    ]
    for place in order:
        store.append(project, [events[place]])

    session = project.sessions.get()
    assert (session.event_count, session.counts) == (3, {"tool": 1})
    assert stored(session) == expected(session)


@pytest.mark.parametrize("name", ["search", "tools/call other"])
def test_a_tool_that_calls_another_is_two_calls(project, name):
    told = {"kind": "tool", "trace": "t", "session": "s", "model": None}
    inner = make_call(id="inner", name=name, parent="outer", **told)

    store.append(project, [inner])
    store.append(project, [make_call(id="outer", name="search", **told)])

    assert project.sessions.get().counts == {"tool": 2}
