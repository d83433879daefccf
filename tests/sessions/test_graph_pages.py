"""The graph over HTTP: as a picture on the player's page, as a list, and as JSON."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.tenants.permissions import Role
from tests.browser import seed
from tests.factories import make_membership

SESSIONS = "/o/acme/p/support-bot/sessions/"
# Elements of the rest of the page, generously.
REST_OF_THE_PAGE = 500


@pytest.fixture
def hero(project):
    return seed.add(project, seed.refund_story())


def page_of(client, session, query=""):
    answer = client.get(f"{SESSIONS}{session.pk}/?view=graph{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def graph_of(client, session, **query):
    answer = client.get(f"/api/v1/sessions/{session.pk}/graph", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_each_node_of_the_picture_leads_to_its_step(hero, member_client):
    page = page_of(member_client, hero, "&graph=expanded&at=9")

    links = re.findall(r'<a class="gr-node[^>]*>', page)
    assert len(links) == 13
    assert sum('aria-current="step"' in link for link in links) == 1
    assert 'aria-label="step 9 of 13, tool refund_order, 1.31 s, error"' in links[8]
    assert sum("future" in link for link in links) == 4
    assert 'class="gr-line tie-branch gr-not-taken"' in page
    assert "escalate" in page


def test_steps_of_one_name_are_one_node_by_default(hero, member_client):
    page = page_of(member_client, hero)

    assert 'aria-label="tool refund_order, 2 times, total 2.41 s, median 1.21 s, 1 failed"' in page
    assert "×2" in page


def test_the_same_is_a_list_in_words(hero, member_client):
    page = page_of(member_client, hero, "&as=list")

    assert '<svg class="graph-svg' not in page
    assert "→ <bdi>lookup_order</bdi> (Parallel, inferred: it began next, and ran beside" in page
    assert "→ <bdi>escalate</bdi> (not chosen)" in page
    # Without scripts the next step is told in the same way.
    next_step = re.search(r'data-act="next"[^>]*href="([^"]+)"', page)
    assert next_step
    assert next_step[1].endswith("&amp;graph=aggregated&amp;as=list")


def test_who_may_not_read_content_sees_no_alternatives(project, hero, sign_in):
    auditor = sign_in(make_membership(project.organization, role=Role.AUDITOR).user)

    page = page_of(auditor, hero)

    assert "refund_order" in page
    assert "escalate" not in page


@pytest.mark.parametrize("query", ["&graph=round", "&as=song"])
def test_a_graph_that_is_not_offered_is_refused(hero, member_client, query):
    assert member_client.get(f"{SESSIONS}{hero.pk}/?view=graph{query}").status_code == 400


@pytest.mark.parametrize("query", ["", "&graph=expanded", "&graph=expanded&as=list"])
def test_a_long_session_is_a_small_picture_that_says_what_it_leaves_out(
    project, member_client, query
):
    session = seed.add(project, seed.long_story(1500))

    page = page_of(member_client, session, f"&at=700{query}")
    main = page[page.index("<ph-graph") : page.index("</ph-graph>")]

    assert len(re.findall(r"<[a-z]", main)) < 2500 - REST_OF_THE_PAGE
    assert ("earlier</a>" in main) == ("expanded" in query)


def test_the_picture_asks_as_much_for_500_steps_as_for_five(project, member_client):
    counts = []
    for count in (5, 500):
        session = seed.add(project, seed.long_story(count, f"of {count}"))
        page_of(member_client, session)
        with CaptureQueriesContext(connection) as queries:
            page_of(member_client, session)
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 16


def test_groups_of_all_steps_are_told_in_replay_order(hero, member_client):
    groups = member_client.get(f"{SESSIONS}{hero.pk}/graph.json").json()["groups"]

    assert len(groups) == 13
    # The call that failed and the one that did not.
    assert groups[8] == groups[9]


def test_the_api_tells_nodes_edges_and_lanes(project, hero, key_client):
    graph = graph_of(key_client(project, "read:content"), hero)

    assert [node["seq"] for node in graph["nodes"]] == list(range(1, 14))
    nodes = {node["id"]: node for node in graph["nodes"]}
    edges = [(nodes[e["source"]]["name"], nodes[e["target"]]["name"], e) for e in graph["edges"]]
    told = {(one, other): edge for one, other, edge in edges if not edge["explicit"]}
    assert told["plan", "lookup_payments"]["kind"] == "parallel"
    assert {edge["why"] for _, _, edge in edges if edge["explicit"]} == {"parent"}
    assert {lane["name"] for lane in graph["lanes"]} == {"support", "support (2)"}
    assert graph["nodes"][6]["alternatives"] == ["escalate", "refuse"]
    assert graph["next"] is None


def test_pages_of_the_api_hold_each_node_and_edge_once(project, hero, key_client):
    reads = key_client(project, "read:content")
    whole, nodes, edges, cursor = graph_of(reads, hero), [], [], ""
    while cursor is not None:
        page = graph_of(reads, hero, limit=5, cursor=cursor)
        nodes, edges, cursor = nodes + page["nodes"], edges + page["edges"], page["next"]

    assert (nodes, edges) == (whole["nodes"], whole["edges"])


def test_the_api_groups_steps_when_asked(project, hero, key_client):
    graph = graph_of(key_client(project, "read:content"), hero, graph="aggregated")

    [retried] = [node for node in graph["nodes"] if node["count"] == 2]
    loops = [e for e in graph["edges"] if e["source"] == e["target"] == retried["id"]]
    assert (retried["name"], retried["errors"], retried["p50_ms"]) == ("refund_order", 1, 1205)
    assert [edge["count"] for edge in loops] == [1]


def test_a_key_that_reads_no_content_learns_none(project, hero, key_client):
    graph = graph_of(key_client(project, "read:meta"), hero)

    assert {node["alternatives"] is None and node["chosen"] is None for node in graph["nodes"]} == {
        True
    }
    assert "content" not in {edge["why"] for edge in graph["edges"]}
    assert not AuditEntry.unscoped.filter(act="session.read").exists()


def test_what_the_api_does_not_know_is_refused(project, hero, key_client):
    reads = key_client(project, "read:content")

    for query in ("graph=round", "limit=0", "cursor=x", "colour=red"):
        answer = reads.get(f"/api/v1/sessions/{hero.pk}/graph?{query}")
        assert answer.status_code == 400
        assert query.partition("=")[0] in answer.content.decode()
