"""The line of an agent's versions: on its pages, and over the API."""

from __future__ import annotations

import pytest

from apps.sessions.agents.assigning import read_session
from tests.sessions.factories import at, make_call, make_session

TOOL = {"name": "refund", "parameters": {"type": "object"}}


@pytest.fixture
def line(project):
    """Three sessions of an agent: its prompt is edited, then it is given a tool."""
    states = [("Be kind to Ann Lee.", []), ("Be terse to Ann Lee.", [])]
    states.append((states[1][0], [TOOL]))
    for number, (system, tools) in enumerate(states):
        call = make_call(
            session=f"s-{number}",
            agent="desk/support",
            started_at=at(number * 60),
            ended_at=at(number * 60 + 2),
            input={"messages": [{"role": "system", "content": system}]},
            tools=tools,
            params={"temperature": 0.5},
        )
        read_session(make_session(project, call))
    return project.agents.get()


def place(project):
    return f"/o/{project.organization.slug}/p/{project.slug}/"


def test_the_api_tells_what_changed_with_each_version(line, key_client, project):
    client = key_client(project, "read:meta")

    [agent] = client.get("/api/v1/agents").json()["results"]
    rows = client.get(f"/api/v1/agents/{agent['name']}/versions").json()["results"]

    assert (agent["versions"], agent["newest"]) == (3, 3)
    assert [row["number"] for row in rows] == [3, 2, 1]
    assert [change["says"] for change in rows[0]["changes"]] == ["tool refund added"]
    assert [change["what"] for change in rows[1]["changes"]] == ["prompt"]
    assert (rows[2]["changes"], rows[2]["sessions"]) == (None, 1)
    assert rows[0]["numbers"]["duration_ms"]["value"] == 2000


def test_words_are_told_to_whoever_may_read_content(line, key_client, project):
    url = "/api/v1/agents/desk/support/versions/2"
    told = key_client(project, "read:content").get(url).json()

    assert told["prompts"][0]["diff"].splitlines()[1:] == [
        "-Be kind to Ann Lee.",
        "+Be terse to Ann Lee.",
    ]
    assert "Lee" not in key_client(project, "read:meta").get(url).content.decode()


def test_sessions_and_versions_lead_to_each_other(line, member_client, key_client, project):
    client = key_client(project, "read:meta")
    [row] = client.get("/api/v1/sessions?agent_version=desk/support@2").json()["results"]
    assert row["stamps"]["agent_versions"] == ["desk/support@2"]

    page = member_client.get(f"{place(project)}sessions/{row['id']}/").content.decode()
    assert "agents/at/?version=desk%2Fsupport%402" in page
    answer = member_client.get(f"{place(project)}agents/at/?version=desk/support@2")
    assert answer.headers["Location"] == f"{place(project)}agents/{line.pk}/v/2/"
    shown = member_client.get(answer.headers["Location"]).content.decode()
    assert "?agent_version=desk%2Fsupport%402" in shown
    assert f"sessions/{row['id']}/" in shown


def test_pages_of_agents_take_few_queries(
    line, member_client, project, django_assert_max_num_queries
):
    for path, most in (("", 10), (f"{line.pk}/", 12), (f"{line.pk}/v/2/", 20)):
        member_client.get(f"{place(project)}agents/{path}")
        with django_assert_max_num_queries(most):
            assert member_client.get(f"{place(project)}agents/{path}").status_code == 200


def test_what_is_no_agent_or_version_is_not_found(line, key_client, member_client, project):
    client = key_client(project, "read:meta")

    for path in ("nobody/versions", "desk/support/versions/9", "desk/support/versions/99999999999"):
        assert client.get(f"/api/v1/agents/{path}").status_code == 404
    assert client.get("/api/v1/agents?sort=x").status_code == 400
    assert client.get("/api/v1/agents?cursor=x").status_code == 400
    for path in ("agents/at/?version=x", "agents/99999999999999999999/", f"agents/{line.pk}/v/9/"):
        assert member_client.get(f"{place(project)}{path}").status_code == 404
