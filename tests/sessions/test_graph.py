"""What leads to what in a session: forks, joins, tools, agents, services; how it is known."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.sessions import store
from apps.sessions.graph import graph_of
from apps.sessions.graph_flow import stages_of
from tests.sessions.factories import at, make_event, make_session

pytestmark = pytest.mark.django_db


def step(name, begins, lasts=1.0, *, kind="chain", parent=None, **fields):
    times = {} if begins is None else {"started_at": at(begins), "ended_at": at(begins + lasts)}
    return make_event(id=name, name=name, kind=kind, parent=parent, **times, **fields)


def edges_of(session, *, parents=False):
    """Return the edges by name; of those from parents only the ones that nothing else says."""
    graph = graph_of(session)
    names = [graph.layout.names[index] for index in range(len(graph.layout))]
    edges = (edge for index in range(len(names)) for edge in graph.edges_into(index))
    drawn = edges if parents else graph.edges
    return {
        (names[edge.source], names[edge.target], str(edge.tie), str(edge.why)) for edge in drawn
    }


def test_what_runs_at_once_forks_and_joins(project):
    session = make_session(
        project,
        step("agent", 0, 9, kind="agent"),
        step("plan", 1, kind="llm", parent="agent"),
        step("a", 3, 2, kind="tool", parent="agent"),
        step("b", 3.1, 1, kind="tool", parent="agent"),
        step("answer", 6, kind="llm", parent="agent"),
    )

    assert edges_of(session) == {
        ("agent", "plan", "inside", "parent"),
        ("plan", "a", "parallel", "overlap"),
        ("plan", "b", "parallel", "overlap"),
        ("a", "answer", "parallel", "overlap"),
        ("b", "answer", "parallel", "overlap"),
    }


def test_a_model_call_and_its_tool_are_a_chain(project):
    session = make_session(
        project,
        step("plan", 0, kind="llm"),
        step("look up", 2, kind="tool"),
        step("answer", 4, kind="llm"),
    )

    assert edges_of(session) == {
        ("plan", "look up", "tool_chain", "tool_call"),
        ("look up", "answer", "tool_chain", "tool_call"),
    }


def test_work_goes_on_from_the_last_step_inside_of_another(project):
    session = make_session(
        project,
        step("turn", 0, 3),
        step("inside", 1, parent="turn"),
        step("next turn", 4),
    )

    assert ("inside", "next turn", "sequence", "order") in edges_of(session)


def test_a_sub_agent_is_entered_and_left(project):
    session = make_session(
        project,
        step("desk", 0, 9, kind="agent", agent="desk"),
        step("plan", 1, kind="llm", parent="desk"),
        step("billing", 3, 2, kind="agent", parent="desk", agent="billing"),
        step("look", 3.5, kind="tool", parent="billing"),
        step("answer", 6, kind="llm", parent="desk"),
    )
    graph = graph_of(session)

    assert ("plan", "billing", "sub_agent", "order") in edges_of(session)
    assert ("look", "answer", "tool_chain", "tool_call") in edges_of(session)
    assert [graph.lanes.name(owner) for owner in graph.lanes.owner_of] == [
        "desk", "desk", "billing", "billing", "desk",
    ]  # fmt: skip


def test_every_step_is_tied_to_its_parent_whatever_else_leads_to_it(project):
    session = make_session(
        project, step("a", 0, 5), step("b", 1, parent="a"), step("c", 3, parent="a")
    )

    assert ("a", "c", "inside", "parent") in edges_of(session, parents=True)
    assert ("a", "c", "inside", "parent") not in edges_of(session)


def test_declared_inputs_are_lineage_and_the_same_content_is_guessed_at(project):
    session = make_session(
        project,
        step("look", 0, output={"order": 4411}),
        step("other", 1, output={"total": 5}),
        step("pass on", 2, input={"order": 4411}),
        step("decide", 3, kind="decision", inputs=["other"]),
        step("after", 4),
    )

    assert {
        ("look", "pass on", "lineage", "content"),
        ("other", "decide", "lineage", "inputs"),
        ("decide", "after", "branch", "decision"),
    } <= edges_of(session)


def test_a_hand_off_leads_to_the_agent_that_it_names(project):
    session = make_session(
        project,
        step("run", 0, 9),
        step("desk", 1, 2, kind="agent", parent="run"),
        step("handoff to billing", 2, kind="handoff", parent="desk"),
        step("billing", 4, 2, kind="agent", parent="run"),
    )
    graph = graph_of(session)

    assert ("handoff to billing", "billing", "hand_off", "named") in edges_of(session)
    assert graph.lanes.name(graph.lanes.owner_of[3]) == "billing"


def test_a_hand_off_that_names_nobody_leads_to_the_next_agent(project):
    session = make_session(
        project,
        step("ask", 0, kind="llm", agent="desk"),
        step("pass", 2, kind="handoff", agent="desk"),
        step("wait", 4, agent="desk"),
        step("refund", 6, kind="llm", agent="billing"),
    )

    assert ("pass", "refund", "hand_off", "agent") in edges_of(session)


def test_traces_of_a_session_follow_each_other(project):
    session = make_session(
        project,
        step("first", 0, trace="t1", session="chat"),
        step("second", 5, trace="t2", session="chat"),
    )

    assert edges_of(session) == {("first", "second", "sequence", "trace")}


def spans_of_two_services():
    def of(service):
        return {"trace": "t1", "extra": {"resource": {"a": {"b": 1}, "service.name": service}}}

    return [
        step("ask", 0, 5, kind="llm", session="chat", **of("shop")),
        step("call", 1, 3, kind="http", parent="ask", **of("shop")),
        step("serve", 2, 1, parent="call", **of("stock")),
    ]


def test_a_remote_call_joins_lanes_in_whatever_order_services_send(project):
    seen = set()
    for number, order in enumerate(permutations(spans_of_two_services())):
        for one in order:
            one.trace, one.session = f"t{number}", one.session and f"chat-{number}"
            store.append(project, [one])
        session = project.sessions.get(external_id=f"chat-{number}")
        graph = graph_of(session)
        lanes = [graph.lanes.name(owner) for owner in graph.lanes.owner_of]
        seen.add((frozenset(edges_of(session)), tuple(lanes)))

    calls = {("ask", "call", "tool_chain", "parent"), ("call", "serve", "remote_call", "parent")}
    assert seen == {(frozenset(calls), ("shop", "shop", "stock"))}


def test_loops_are_counted_in_one_node(project):
    turns = [
        step(f"{kind}-{turn}", turn * 2 + at_, 0.5, kind=kind, status=status)
        for turn in range(4)
        for kind, at_, status in (("llm", 0, "ok"), ("tool", 1, "error" if turn == 2 else "ok"))
    ]
    for one in turns:
        one.name = one.kind
    groups = graph_of(make_session(project, *turns)).groups

    assert [(one.name, one.count, one.errors) for one in groups.groups] == [
        ("llm", 4, 0),
        ("tool", 4, 1),
    ]
    assert [(one.source, one.target, one.count) for one in groups.bundles] == [(0, 1, 4), (1, 0, 3)]
    assert groups.groups[0].p50_ms == 500
    assert groups.groups[0].total_ms == 2000


def test_a_group_says_how_many_of_it_ran_at_once(project):
    tools = [step(f"t{n}", 1, 1 + n / 10, kind="tool", parent="plan") for n in range(12)]
    for one in tools:
        one.name = "search"
    groups = graph_of(make_session(project, step("plan", 0, 9, kind="llm"), *tools)).groups

    assert [(one.count, one.at_once) for one in groups.groups] == [(1, 1), (12, 12)]


def test_rare_kinds_of_steps_share_one_node_and_are_counted(project):
    steps = [step(f"{chr(97 + n % 26)}{chr(97 + n // 26)}", n) for n in range(150)]
    groups = graph_of(make_session(project, *steps)).groups

    assert len(groups) == 120
    assert (groups.groups[-1].count, groups.groups[-1].folded) == (31, 31)
    assert sum(one.count for one in groups.groups) == 150


intervals = st.lists(
    st.tuples(
        st.one_of(st.just(float("nan")), st.integers(0, 20).map(float)),
        st.one_of(st.just(float("nan")), st.integers(0, 5).map(lambda s: s * 1000.0)),
    ),
    max_size=12,
)


@given(intervals)
def test_branches_of_a_stage_never_overlap_themselves(timed):
    timed.sort(key=lambda one: (one[0] == one[0], one[0]))
    starts, lasts = [one[0] for one in timed], [one[1] for one in timed]

    stages = list(stages_of(range(len(timed)), starts, lasts))

    assert sorted(step for stage in stages for branch in stage for step in branch) == list(
        range(len(timed))
    )
    for branch in (branch for stage in stages for branch in stage):
        ends = [starts[one] + lasts[one] / 1000 for one in branch[:-1]]
        pairs = zip(ends, (starts[one] for one in branch[1:]), strict=True)
        assert not any(end > start for end, start in pairs)
