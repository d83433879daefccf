"""The library as a file, out and in."""

from __future__ import annotations

import json

import pytest

from apps.core.errors import InvalidError
from apps.prompts import services
from apps.prompts.files import export_lines, import_prompts
from apps.prompts.moving import move_label
from tests.prompts.factories import MESSAGES, SYSTEM, make_prompt, make_version


def exported(project) -> bytes:
    return b"".join(export_lines(project))


def brought_in(project, document, **more):
    if isinstance(document, bytes):
        document = json.loads(document)
    return import_prompts(project, document, **{"moves_labels": False, "actor": SYSTEM} | more)


@pytest.fixture
def library(project):
    """Prompts whose file names what includes before what is included."""
    rules = make_prompt(project, "z/rules", "Refund {{limit}}", variables=[{"name": "limit"}])
    make_version(rules, "Refund nothing", note="Stricter")
    move_label(rules, label="production", number=2, actor=SYSTEM)
    chat = make_prompt(project, "a/chat", MESSAGES, parameters={"temperature": 0.5})
    make_version(chat, [*MESSAGES, {"role": "user", "content": "{{> z/rules@production}}"}])
    move_label(chat, label="live", number=1, actor=SYSTEM)
    old = make_prompt(project, "old", "Old")
    services.change_prompt(old, changes={"is_archived": True, "tags": ["x"]}, actor=SYSTEM)
    return project


def test_what_goes_out_and_comes_in_elsewhere_is_the_same(library, other_project):
    file = exported(library)

    done = brought_in(other_project, file)

    assert (done.prompts_added, done.versions_added, done.labels_moved) == (3, 5, 2)
    assert done.left_out == []
    assert exported(other_project) == file


def test_the_same_file_again_changes_nothing(library):
    file = exported(library)

    done = brought_in(library, file)

    assert (done.versions_added, done.labels_moved, done.left_out) == (0, 0, [])
    assert exported(library) == file


def test_later_versions_are_added_and_labels_stay_unless_asked(library, other_project):
    brought_in(other_project, exported(library))
    prompt = library.prompts.get(name="z/rules")
    make_version(prompt, "Third")
    move_label(prompt, label="production", number=3, actor=SYSTEM)

    added = brought_in(other_project, exported(library))
    moved = brought_in(other_project, exported(library), moves_labels=True)

    assert (added.versions_added, added.labels_moved, moved.labels_moved) == (1, 0, 1)
    assert exported(other_project) == exported(library)


def test_a_version_that_says_something_else_here_is_left_out_and_told(library, other_project):
    make_prompt(other_project, "z/rules", "Mine")

    done = brought_in(other_project, exported(library))

    assert [row["path"] for row in done.left_out] == ["a/chat v2", "z/rules"]
    assert "says something else" in done.left_out[1]["message"]
    assert other_project.prompts.get(name="z/rules").last_number == 1


def test_a_protected_label_is_asked_for(library, other_project):
    services.protect_labels(other_project, labels=["live"], allows_emergency=True, actor=SYSTEM)

    done = brought_in(other_project, exported(library))

    assert (done.labels_moved, done.labels_asked) == (1, 1)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"format": "other"},
        {"format": "playhead-prompts", "version": 2, "prompts": []},
        {"format": "playhead-prompts", "version": 1, "prompts": {}},
        {"format": "playhead-prompts", "version": 1, "prompts": [{"name": "a"}]},
        {"format": "playhead-prompts", "version": 1, "prompts": [{"name": 1, "versions": [1]}]},
        {
            "format": "playhead-prompts",
            "version": 1,
            "prompts": [{"name": "a", "versions": [{"version": 2, "text": "x"}]}],
        },
    ],
)
def test_a_file_that_is_none_is_refused_whole(project, document):
    with pytest.raises(InvalidError):
        brought_in(project, document)


def test_a_bad_prompt_is_told_and_the_others_come_in(project):
    versions = [{"version": 1, "text": "fine"}]
    document = {
        "format": "playhead-prompts",
        "version": 1,
        "prompts": [
            {"name": "bad", "versions": [{"version": 1, "text": "{{"}]},
            {"name": "wor/versions", "versions": versions},
            {"name": "good", "versions": versions, "labels": {"live": 7}},
        ],
    }

    done = brought_in(project, document)

    assert [row["path"] for row in done.left_out] == ["bad v1", "wor/versions v1", "good: live"]
    assert project.prompts.get().name == "good"


def test_files_travel_over_the_api(library, other_project, key_client):
    ours, theirs = key_client(library, "prompts:read"), key_client(other_project, "prompts:write")

    file = b"".join(ours.get("/api/v1/prompts/-/export").streaming_content)
    answer = theirs.post("/api/v1/prompts/-/import", file, content_type="application/json")

    assert answer.json()["versions_added"] == 5
    assert exported(other_project) == file
