"""What is said about lines of a version, by whom, and who is told of it."""

from __future__ import annotations

import pytest

from apps.prompts.commenting import add_comment
from apps.tenants.inbox_models import InboxEntry
from tests.prompts.factories import SYSTEM, acting, make_prompt

URL = "/api/v1/prompts/desk/triage/versions/1/comments"


@pytest.fixture
def version(project):
    return make_prompt(project, "desk/triage", "one\ntwo").versions.get()


def say(version, text, actor=SYSTEM, line=2):
    return add_comment(version, text=text, line=line, actor=actor)


def told(person):
    rows = InboxEntry.unscoped.filter(person=person).order_by("pk")
    return [(row.kind, row.about, row.anchor) for row in rows]


def test_whoever_is_named_and_may_read_prompts_is_told(version, member, viewer, stranger):
    comment = say(version, f"@{viewer.email} and @{stranger.email}: why?", acting(member))

    assert told(viewer) == [("mention", "desk/triage v1, line 2", f"comment-{comment.pk}")]
    assert (told(stranger), told(member)) == ([], [])


def test_a_mention_leads_to_the_comment(version, member, member_client):
    comment = say(version, f"@{member.email} see here")

    [row] = member_client.get("/api/v1/inbox").json()["results"]

    assert row["url"].endswith(f"/prompts/desk/triage/v/1/#comment-{comment.pk}")
    assert (row["kind"], row["session"], row["comment"]) == ("mention", None, None)


def test_comments_are_made_read_resolved_and_taken_back_over_the_api(version, key_client, project):
    client = key_client(project, "annotate", "prompts:read")
    sent = {"content_type": "application/json"}

    made = client.post(URL, {"text": "Too curt", "line": 2}, **sent)
    at = f"{URL}/{made.json()['id']}"
    resolved = client.patch(at, {"is_resolved": True}, **sent).json()

    assert (made.status_code, made.json()["line"], made.json()["text"]) == (201, 2, "Too curt")
    assert resolved["resolved_at"]
    assert client.get(URL).json() == {"results": [resolved], "next": None}
    assert client.delete(at).status_code == 409
    assert client.post(URL, {"text": "?", "line": 3}, **sent).json()["errors"][0]["path"] == "line"
    assert client.get("/api/v1/prompts/desk/triage/versions/2/comments").status_code == 404


def test_numbers_of_versions_are_read_over_the_api(version, key_client, project):
    client = key_client(project, "prompts:read")
    url = "/api/v1/prompts/desk/triage/-/metrics"

    [row] = client.get(url).json()["results"]

    assert (row["version"], row["uses"], row["error_share"], row["scores"]) == (1, 0, None, {})
    assert client.get(f"{url}?days=8").status_code == 400
