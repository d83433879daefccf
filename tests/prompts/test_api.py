"""The library over HTTP."""

from __future__ import annotations

import pytest

from apps.prompts import services
from apps.prompts.moving import move_label
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.prompts.factories import MESSAGES, SYSTEM, make_prompt, make_version

URL = "/api/v1/prompts"
JSON = "application/json"


@pytest.fixture
def client(key_client, project):
    return key_client(project, "prompts:write")


def sent(client, method, url, body=None, **headers):
    return getattr(client, method)(url, body, content_type=JSON, headers=headers)


def paths(answer) -> list[str]:
    return [error["path"] for error in answer.json()["errors"]]


def protect(project, *labels):
    services.protect_labels(project, labels=labels, allows_emergency=True, actor=SYSTEM)


def test_a_prompt_is_made_versioned_labelled_and_read_at_its_label(client, project):
    body = {"name": "support/triage", "text": "Sort {{ticket}}", "tags": ["b", "a"]}
    made = sent(client, "post", URL, body)
    sent(client, "post", f"{URL}/support/triage/versions", {"text": "Sort {{ticket}} now"})
    moved = sent(client, "post", f"{URL}/support/triage/labels", {"label": "live", "version": 1})

    found = client.get(f"{URL}/support/triage?label=live").json()

    assert (made.status_code, moved.json()["state"]) == (201, "moved")
    assert (found["name"], found["folder"], found["latest"]) == ("support/triage", "support", 2)
    assert (found["version"]["version"], found["version"]["text"]) == (1, "Sort {{ticket}}")
    assert found["tags"] == ["a", "b"]
    assert client.get(f"{URL}/support%2Ftriage").json()["version"]["version"] == 2


def test_an_answer_that_the_caller_has_is_not_sent_again(client, project):
    rules = make_prompt(project, "rules", "R1")
    make_version(rules, "R2")
    move_label(rules, label="production", number=1, actor=SYSTEM)
    make_prompt(project, "triage", "{{> rules@production}}")
    first = client.get(f"{URL}/triage")
    tag = first.headers["ETag"]

    again = client.get(f"{URL}/triage", headers={"If-None-Match": f'"x", W/{tag}'})
    move_label(rules, label="production", number=2, actor=SYSTEM)
    changed = client.get(f"{URL}/triage", headers={"If-None-Match": tag})

    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert first.json()["version"]["resolved"]["text"] == "R1"
    assert changed.json()["version"]["resolved"]["text"] == "R2"


def test_a_chat_is_kept_with_its_places(client, project):
    sent(client, "post", URL, {"name": "chat", "messages": MESSAGES, "parameters": {"n": 1}})

    version = client.get(f"{URL}/chat").json()["version"]

    assert (version["messages"], version["text"]) == (MESSAGES, None)
    assert version["resolved"]["placeholders"] == ["history"]


def test_the_same_post_with_one_idempotency_key_adds_one_version(client, project):
    make_prompt(project)
    url, body = f"{URL}/triage/versions", {"text": "New"}

    answers = [sent(client, "post", url, body, **{"Idempotency-Key": "a"}) for _ in range(2)]

    assert [answer.json()["version"] for answer in answers] == [2, 2]
    assert sent(client, "post", url, body).status_code == 409


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "a", "text": "x", "paramters": {}}, "paramters"),
        ({"name": "a/versions", "text": "x"}, "name"),
        ({"name": "a"}, "text"),
        ({"name": "a", "kind": "chat", "text": "x"}, "text"),
        ({"name": "a", "messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"name": "a", "messages": [{"role": "user", "content": "a\n{{b"}]}, "messages.0.content"),
        ({"name": "a", "text": "{{b}", "kind": "text"}, "text"),
        ({"name": "a", "text": "x", "variables": [{"name": "a"}, {"name": "a"}]}, "variables"),
        ({"name": "a", "text": "x", "owner": "nobody@example.com"}, "owner"),
        ({"name": 5, "text": ["x"]}, "text"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(client, body, path):
    answer = sent(client, "post", URL, body)

    assert answer.status_code == 400
    assert path in paths(answer)


def test_template_errors_name_the_line_and_the_variable(client, project):
    make_prompt(project)

    answer = sent(client, "post", f"{URL}/triage/versions", {"text": "one\ntwo {{bad name}}"})

    assert "Line 2, column 5: bad name is no name" in answer.json()["detail"]


def test_a_prompt_of_a_megabyte_is_refused_with_the_limit(client):
    answer = sent(client, "post", URL, {"name": "big", "text": "x" * 1024**2})

    assert (answer.status_code, "256 KiB" in answer.json()["detail"]) == (413, True)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?label=production", 404),
        ("?version=2", 404),
        ("?version=x", 400),
        ("?version=1&label=a", 400),
        ("?bogus=1", 400),
        ("?label=Bad", 400),
        ("?version=99999999999999999999", 400),
    ],
)
def test_what_is_not_there_and_what_is_no_question(client, project, query, status):
    make_prompt(project)

    assert client.get(f"{URL}/triage{query}").status_code == status


def test_lists_go_on_by_keys_and_are_narrowed(client, project, django_assert_max_num_queries):
    for name in ("a/one", "a/two", "b/three", "four"):
        make_prompt(project, name)
    with django_assert_max_num_queries(7):
        first = client.get(f"{URL}?limit=3").json()

    rest = client.get(f"{URL}?limit=3&cursor={first['next']}").json()
    found = client.get(f"{URL}?folder=a&q=tw").json()

    assert [row["name"] for row in first["results"] + rest["results"]] == [
        *("a/one", "a/two", "b/three", "four"),
    ]
    assert [row["name"] for row in found["results"]] == ["a/two"]
    assert client.get(f"{URL}?colour=red").status_code == 400


def test_versions_are_listed_with_their_labels(client, project):
    prompt = make_prompt(project)
    for at in range(3):
        make_version(prompt, f"Version {at}")
    move_label(prompt, label="live", number=2, actor=SYSTEM)

    first = client.get(f"{URL}/triage/versions?limit=3").json()
    rest = client.get(f"{URL}/triage/versions?cursor={first['next']}").json()

    assert [row["version"] for row in first["results"] + rest["results"]] == [4, 3, 2, 1]
    assert [row["labels"] for row in first["results"]] == [["latest"], [], ["live"]]


def test_the_difference_of_two_versions(client, project):
    prompt = make_prompt(project, body="a\nb\nc", parameters={"temperature": 0.2})
    make_version(prompt, "a\nB\nc", parameters={"temperature": 0}, tools=[{"name": "find"}])

    diff = client.get(f"{URL}/triage/diff?from=1&to=2").json()

    assert diff["unified"].splitlines() == ["@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"]
    assert diff["parameters"]["changes"] == [
        {"path": "temperature", "op": "replace", "before": 0.2, "after": 0}
    ]
    assert diff["tools"]["changes"][0]["path"] == "find"
    assert client.get(f"{URL}/triage/diff?from=1").status_code == 400


def test_a_protected_label_waits_for_a_second_person(client, project, sign_in):
    prompt = make_prompt(project)
    protect(project, "production")
    body = {"label": "production", "version": 1, "why": "better"}
    asked = sent(client, "post", f"{URL}/triage/labels", body)
    request = asked.json()["request"]
    url = f"{URL}/triage/labels/requests/{request['id']}"
    admin = sign_in(make_membership(project.organization, role=Role.ADMIN).user)

    by_key = sent(client, "post", url, {"decision": "approve"})
    decided = sent(admin, "post", f"{url}?project=acme/support-bot", {"decision": "approve"})

    assert (asked.status_code, by_key.status_code, decided.status_code) == (202, 403, 200)
    assert {row.name: row.number for row in prompt.labels.all()} == {"production": 1}
    [move] = client.get(f"{URL}/triage/labels").json()["results"]
    assert (move["by"], move["why"], move["to"]) == ("a key", "better", 1)
    assert move["approved_by"].endswith("@example.com")


def test_a_label_is_rolled_back_and_taken_away(client, project):
    prompt = make_prompt(project)
    make_version(prompt, "Two")
    for body in (
        {"label": "live", "version": 1},
        {"label": "live", "version": 2},
        {"label": "live", "rollback": True},
    ):
        assert sent(client, "post", f"{URL}/triage/labels", body).status_code == 200
    again = sent(client, "post", f"{URL}/triage/labels", {"label": "live", "rollback": True})
    gone = sent(client, "post", f"{URL}/triage/labels", {"label": "live", "version": None})

    history = client.get(f"{URL}/triage/labels").json()

    assert (again.status_code, gone.status_code) == (409, 200)
    assert [(row["from"], row["to"]) for row in history["results"]] == [
        *((1, None), (2, 1), (1, 2), (None, 1)),
    ]


def test_what_is_said_of_a_prompt_is_changed_and_it_is_archived(client, project, member):
    make_prompt(project)

    body = {"description": "Sorts", "owner": member.email, "is_archived": True}
    answer = sent(client, "patch", f"{URL}/triage", body)

    assert (answer.json()["owner"], answer.json()["description"]) == (member.email, "Sorts")
    assert client.get(URL).json()["results"] == []
    assert client.get(f"{URL}/triage").status_code == 200


def test_a_reading_key_writes_nothing(key_client, project):
    make_prompt(project)
    client = key_client(project, "prompts:read")

    assert client.get(f"{URL}/triage").status_code == 200
    assert sent(client, "post", f"{URL}/triage/versions", {"text": "x"}).status_code == 403
