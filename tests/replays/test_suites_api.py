"""Suites over HTTP."""

from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.audit.models import Reading
from apps.sessions.saved_views import save_view
from tests.replays.gathering import make_run, make_suite

SUITES = "/api/v1/suites"
JSON = {"content_type": "application/json"}
CONTAINS = {"kind": "contains", "words": ["parcel"]}


@pytest.fixture
def client(project, key_client):
    return key_client(project, "replays:run", "read:content")


@pytest.fixture
def run(project):
    return make_run(project, "run 1", tools=["find"])


def test_a_suite_is_made_from_a_sample_and_read_again(client, project, run):
    body = {"name": "Refunds", "choose": {"filter": "tool:find", "sample": {"size": 5, "seed": 7}}}

    made = client.post(SUITES, body, **JSON)

    assert made.status_code == 201
    suite = made.json()
    assert (suite["cases"], suite["version"]) == (1, 1)
    assert client.get(f"{SUITES}/{suite['id']}").json() == suite
    assert client.get(SUITES).json()["results"] == [suite]
    [version] = client.get(f"{SUITES}/{suite['id']}/versions").json()["results"]
    assert version["chosen_by"]["filters"] == {"tool": "find"}
    assert version["chosen_by"]["sample"]["seed"] == 7


def test_a_saved_view_of_the_project_chooses_cases(client, project, run):
    view = save_view(project, name="found", query="tool=find", owner=None, actor=SYSTEM)

    made = client.post(SUITES, {"name": "Of a view", "choose": {"view": view.pk}}, **JSON)

    assert made.json()["cases"] == 1


def test_words_choose_cases_and_who_searched_is_written_down(client, project, run):
    make_run(project, "parcel 9")

    made = client.post(SUITES, {"name": "Words", "choose": {"filter": '"run 1"'}}, **JSON)

    assert made.json()["cases"] == 1
    assert Reading.unscoped.filter(project_id=project.pk, session_id=str(run.pk)).exists()


def test_a_version_adds_changes_and_takes_away_in_one_act(client, project, run):
    other = make_run(project, "run 2")
    suite = make_suite(project, run)
    url = f"{SUITES}/{suite.pk}"
    [case] = client.get(f"{url}/cases").json()["results"]
    body = {
        "add": [{"session": str(other.pk), "tags": ["hard"], "expectations": [CONTAINS]}],
        "change": [{"case": case["id"], "pinned": True}],
        "version": 1,
    }

    made = client.post(f"{url}/versions", body, **JSON)

    assert made.status_code == 201
    assert (made.json()["number"], made.json()["added"], made.json()["changed"]) == (2, 1, 1)
    cases = client.get(f"{url}/cases").json()["results"]
    assert [(one["pinned"], one["tags"]) for one in cases] == [(True, []), (False, ["hard"])]
    assert cases[1]["expectations"] == [CONTAINS]
    diff = client.get(f"{url}/diff?from=1&to=2").json()
    assert [len(diff[name]) for name in ("added", "removed", "changed")] == [1, 0, 1]
    assert client.post(f"{url}/versions", body, **JSON).status_code == 409


def test_expectations_are_for_readers_of_content(project, key_client, run):
    suite = make_suite(project, run, expectations=[CONTAINS])
    meta = key_client(project, "read:meta")

    [case] = meta.get(f"{SUITES}/{suite.pk}/cases").json()["results"]

    assert (case["expectations"], case["expected"]) == (None, 1)
    [version] = meta.get(f"{SUITES}/{suite.pk}/versions").json()["results"]
    assert version["chosen_by"] is None


def test_who_may_run_but_not_read_chooses_nothing_by_what_it_is(project, key_client, run):
    client = key_client(project, "replays:run")

    chosen = client.post(SUITES, {"name": "A", "choose": {"filter": "tool:find"}}, **JSON)
    named = client.post(SUITES, {"name": "B", "add": [{"session": str(run.pk)}]}, **JSON)

    assert (chosen.status_code, named.status_code) == (403, 201)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": "x", "cases": []}, "cases"),
        ({"name": "x" * 200}, "name"),
        ({"name": "\x00"}, "name"),
        ({"name": "x", "choose": {}}, "choose"),
        ({"name": "x", "choose": {"filter": "modle:x"}}, "filter"),
        ({"name": "x", "choose": {"filters": {"modle": "x"}}}, "modle"),
        ({"name": "x", "choose": {"filter": "model:none"}}, "filter"),
        ({"name": "x", "choose": {"view": 99}}, "choose.view"),
        ({"name": "x", "choose": {"filter": "", "sample": {"size": 0}}}, "choose.sample.size"),
        ({"name": "x", "add": [{"session": "chat-1"}]}, "add.0.session"),
        ({"name": "x", "owner": "nobody@example.com"}, "owner"),
        ({"name": "x", "add": {"session": 1}}, "add"),
    ],
)
def test_bad_input_is_refused_with_its_place(client, body, path):
    refused = client.post(SUITES, body, **JSON)

    assert refused.status_code == 400
    assert path in [error["path"] for error in refused.json().get("errors", [])] or path in str(
        refused.json()
    )


@pytest.mark.parametrize(
    "query", ["?sort=name", "?archived=yes", "?cursor=x", "?limit=0", "?cursor=WzFd"]
)
def test_unknown_or_odd_queries_are_refused(client, query):
    assert client.get(f"{SUITES}{query}").status_code == 400


def test_suites_are_listed_page_by_page(client, project):
    names = [f"suite {at}" for at in range(5)]
    for name in names:
        make_suite(project, name=name)

    first = client.get(f"{SUITES}?limit=3").json()
    rest = client.get(f"{SUITES}?limit=3&cursor={first['next']}").json()

    listed = [suite["name"] for suite in first["results"] + rest["results"]]
    assert (listed, rest["next"]) == (names[::-1], None)


def test_archived_suites_are_out_of_the_list_and_come_back(client, project):
    suite = make_suite(project)

    assert client.delete(f"{SUITES}/{suite.pk}").json()["archived_at"]
    assert client.get(SUITES).json()["results"] == []
    assert client.post(f"{SUITES}/{suite.pk}/restore").status_code == 200
    assert client.patch(f"{SUITES}/{suite.pk}", {"name": "New"}, **JSON).json()["name"] == "New"


def test_coverage_tells_kinds_without_a_case(client, project, run):
    suite = make_suite(project)

    told = client.get(f"{SUITES}/{suite.pk}/coverage").json()

    assert (told["share"], told["sessions"]) == (0.0, 1)
    assert [(one["path"], one["cases"]) for one in told["strata"]] == [("find", 0)]
