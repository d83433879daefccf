"""What real frameworks sent, as a graph: its edges were checked by hand against their programs."""

from __future__ import annotations

import pytest

from tests.ingest.captures.replay import send_captured

pytestmark = pytest.mark.django_db

BRANCHES = """
trip-planner > plan: inside, parent
plan > ChatOpenAI: inside, parent
ChatOpenAI > hotels: parallel, overlap
ChatOpenAI > trains: parallel, overlap
ChatOpenAI > weather: parallel, overlap
hotels > find_hotels: inside, parent
trains > find_trains: inside, parent
weather > get_weather: inside, parent
find_hotels > answer: parallel, overlap
find_trains > answer: parallel, overlap
get_weather > answer: parallel, overlap
answer > ChatOpenAI: inside, parent
"""
HAND_OFF = """
Agent workflow > Agent workflow: inside, parent
Agent workflow > desk: sub_agent, parent
desk > turn: inside, parent
turn > response: inside, parent
response > handoff to billing: tool_chain, tool_call
handoff to billing > billing: hand_off, named
billing > turn: inside, parent
turn > response: inside, parent
"""
PARALLEL_TOOLS = """
Agent workflow > Agent workflow: inside, parent
Agent workflow > weather: sub_agent, parent
weather > turn: inside, parent
turn > response: inside, parent
response > get_weather: parallel, overlap
response > get_weather: parallel, overlap
get_weather > turn: parallel, overlap
get_weather > turn: parallel, overlap
turn > response: inside, parent
"""
RUNS = [
    ("langgraph_branches", "branches", BRANCHES, {"main"}),
    ("openaiagents", "handoff", HAND_OFF, {"main", "desk", "billing"}),
    ("openaiagents", "parallel", PARALLEL_TOOLS, {"main", "weather"}),
]


@pytest.mark.parametrize(("client", "run", "edges", "lanes"), RUNS)
def test_a_run_of_a_framework_is_drawn_as_it_ran(project, key_client, client, run, edges, lanes):
    send_captured(key_client(project, "ingest"), client)
    session = project.sessions.get(external_id=run)

    reads = key_client(project, "read:content")
    graph = reads.get(f"/api/v1/sessions/{session.pk}/graph").json()

    names = {node["id"]: node["name"] for node in graph["nodes"]}
    flow = [edge for edge in graph["edges"] if is_flow(edge, graph["edges"])]
    assert sorted(told(edge, names) for edge in flow) == sorted(edges.split("\n")[1:-1])
    assert {lane["agent"] or "main" for lane in graph["lanes"]} == lanes


def is_flow(edge, edges):
    """Leave out lineage, and the parents of steps that follow another."""
    others = [one for one in edges if one["target"] == edge["target"] and one["kind"] != "lineage"]
    follows = any(one["why"] != "parent" for one in others)
    return edge["kind"] != "lineage" and (edge["why"] != "parent" or not follows)


def told(edge, names):
    return f"{names[edge['source']]} > {names[edge['target']]}: {edge['kind']}, {edge['why']}"
