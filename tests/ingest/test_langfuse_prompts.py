"""The library, asked for as Langfuse's SDKs do."""

from __future__ import annotations

import pytest

from apps.prompts import services
from apps.prompts.moving import move_label
from tests.prompts.factories import SYSTEM, make_prompt, make_version

URL = "/api/public/v2/prompts"


@pytest.fixture
def client(key_client, project):
    return key_client(project, "prompts:write")


def post(client, body):
    return client.post(URL, body, content_type="application/json")


def test_a_prompt_is_made_versioned_and_read_under_production(client, project):
    body = {"name": "team/movie", "prompt": "As a {{level}} critic", "config": {"model": "gpt"}}

    made = post(client, body | {"labels": ["production"], "tags": ["films"]})
    again = post(client, body)
    post(client, body | {"prompt": "Other", "commitMessage": "shorter"})
    found = client.get(f"{URL}/team%2Fmovie").json()
    newest = client.get(f"{URL}/team/movie?label=latest").json()

    assert (made.status_code, again.json()["version"]) == (201, 1)
    assert (found["version"], found["type"], found["prompt"]) == (1, "text", body["prompt"])
    assert (found["config"], found["labels"]) == ({"model": "gpt"}, ["production"])
    assert (newest["version"], newest["commitMessage"], newest["tags"]) == (2, "shorter", ["films"])


def test_messages_and_placeholders_come_back_as_they_were(client, project):
    messages = [
        {"type": "chatmessage", "role": "system", "content": "Hi {{name}}"},
        {"type": "placeholder", "name": "history"},
    ]

    answer = post(client, {"name": "chat", "type": "chat", "prompt": messages}).json()

    assert (answer["prompt"], answer["type"], answer["labels"]) == (messages, "chat", ["latest"])


def test_includes_are_put_in_unless_they_are_asked_for_as_written(client, project):
    make_prompt(project, "rules", "R")
    make_prompt(project, "triage", "{{> rules@1}} {{x}}")

    resolved = client.get(f"{URL}/triage?version=1").json()
    written = client.get(f"{URL}/triage?version=1&resolve=false").json()

    assert (resolved["prompt"], written["prompt"]) == ("R {{x}}", "{{> rules@1}} {{x}}")


def test_labels_are_put_on_a_version(client, project):
    prompt = make_prompt(project)
    make_version(prompt, "Two")
    body = {"newLabels": ["production", "latest"]}

    url = f"{URL}/triage/versions/1"
    answer = client.patch(url, body, content_type="application/json")

    assert answer.json()["labels"] == ["production"]
    services.protect_labels(project, labels=["live"], allows_emergency=True, actor=SYSTEM)
    refused = client.patch(url, {"newLabels": ["live"]}, content_type="application/json")
    assert (refused.status_code, "protected" in refused.json()["detail"]) == (400, True)


def test_prompts_are_listed_page_by_page(client, project):
    for name in ("a", "b", "c"):
        prompt = make_prompt(project, name)
    move_label(prompt, label="production", number=1, actor=SYSTEM)

    page = client.get(f"{URL}?page=2&limit=2").json()

    assert page["meta"] == {"page": 2, "limit": 2, "totalItems": 3, "totalPages": 2}
    assert page["data"][0]["name"] == "c"
    assert page["data"][0]["labels"] == ["production", "latest"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"name": 1},
        {"name": "a"},
        {"name": "a", "prompt": [1]},
        {"name": "a", "prompt": "{{ two words }}"},
        {"name": "a", "prompt": "x", "labels": "production"},
        {"name": "a", "prompt": "x", "config": [1]},
        {"name": "a", "prompt": "x", "commitMessage": 5},
    ],
)
def test_what_cannot_be_taken_is_refused(client, body):
    assert post(client, body).status_code == 400
