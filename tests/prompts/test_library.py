"""Prompts and versions: what is kept, what is refused, what includes what."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError, LimitError
from apps.prompts import queries, services
from apps.prompts.content import Content
from apps.prompts.models import PromptVersion
from apps.prompts.moving import move_label
from apps.prompts.resolving import UnresolvedError, resolve_version
from apps.prompts.services import About, SameVersionError
from tests.prompts.factories import MESSAGES, SYSTEM, make_prompt, make_version


def label(prompt, name, number):
    return move_label(prompt, label=name, number=number, actor=SYSTEM)


def text_of(prompt, number=1):
    return resolve_version(queries.find_version(prompt, number)).body


def test_versions_are_numbered_and_keep_all_that_a_model_is_sent(project):
    prompt = make_prompt(project, "support/triage", MESSAGES, parameters={"temperature": 0})
    make_version(prompt, MESSAGES, tools=[{"name": "find"}], note="Let it search")

    found = queries.find_version(prompt, 2)

    assert (found.number, found.note, found.author) == (2, "Let it search", "system")
    assert (found.body, found.tools) == (MESSAGES, [{"name": "find"}])
    assert [one["name"] for one in found.variables] == ["customer", "question"]


def test_the_newest_version_again_adds_nothing(project):
    prompt = make_prompt(project)

    with pytest.raises(SameVersionError, match="version 1"):
        make_version(prompt, "Sort this: {{ticket}}")

    assert prompt.versions.count() == 1


def test_an_older_version_again_is_a_new_version(project):
    prompt = make_prompt(project, body="One")
    make_version(prompt, "Two")

    assert make_version(prompt, "One").number == 3


def test_the_database_refuses_to_change_a_version(project):
    prompt = make_prompt(project)

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        PromptVersion.unscoped.filter(prompt=prompt).update(body="Other")


def test_a_name_is_given_once_in_a_project_and_again_in_another(project, other_project):
    make_prompt(project)
    make_prompt(other_project)

    with pytest.raises(ConflictError, match="triage"):
        make_prompt(project)


def test_the_database_refuses_a_label_on_another_projects_version(project, other_project):
    prompt, theirs = make_prompt(project), make_prompt(other_project)

    with pytest.raises(DatabaseError), transaction.atomic():
        project.prompt_labels.create(prompt=theirs, name="production", number=1, moved_by="x")
    with pytest.raises(DatabaseError), transaction.atomic():
        project.prompt_labels.create(prompt=prompt, name="production", number=2, moved_by="x")


def test_everything_is_in_the_trail(project):
    prompt = make_prompt(project)
    label(prompt, "production", 1)
    services.change_prompt(prompt, changes={"tags": ["b", "a"]}, actor=SYSTEM)

    acts = AuditEntry.unscoped.filter(project_id=project.pk, act__startswith="prompt.")
    assert sorted(acts.values_list("act", flat=True)) == [
        "prompt.change",
        "prompt.create",
        "prompt.label.move",
        "prompt.version",
    ]


def test_includes_are_put_in_by_version_and_by_label(project):
    rules = make_prompt(project, "rules", "Refund up to {{limit}}.")
    make_version(rules, "Refund nothing.")
    label(rules, "production", 2)
    prompt = make_prompt(project, "triage", "{{> rules@1}} {{> rules@production}} {{name}}")

    resolved = resolve_version(queries.find_version(prompt, 1))

    assert resolved.body == "Refund up to {{limit}}. Refund nothing. {{name}}"
    assert [one["name"] for one in resolved.variables] == ["name", "limit"]
    assert resolved.included == [("rules", 1), ("rules", 2)]


def test_an_include_that_is_not_there_is_refused_by_name(project):
    with pytest.raises(UnresolvedError, match=r"triage v1 includes rules@4, which does not exist"):
        make_prompt(project, "triage", "{{> rules@4}}")


def test_a_chat_cannot_be_included(project):
    make_prompt(project, "chat", MESSAGES)

    with pytest.raises(UnresolvedError, match="only texts"):
        make_prompt(project, "triage", "{{> chat@1}}")


def test_a_prompt_cannot_include_the_version_that_it_becomes(project):
    prompt = make_prompt(project, "a", "A")

    with pytest.raises(UnresolvedError, match="a v2 → a v2"):
        make_version(prompt, "{{> a@2}}")


def test_a_circle_through_labels_is_refused_when_the_label_moves(project):
    a = make_prompt(project, "a", "A")
    label(a, "production", 1)
    b = make_prompt(project, "b", "B {{> a@production}}")
    label(b, "production", 1)
    make_version(a, "{{> b@production}}")

    with pytest.raises(UnresolvedError, match="a v2 → b v1 → a v2"):
        label(a, "production", 2)

    assert text_of(b) == "B A"


def test_a_label_that_is_included_cannot_be_taken_away(project):
    rules = make_prompt(project, "rules", "R")
    label(rules, "production", 1)
    make_prompt(project, "triage", "{{> rules@production}}")

    with pytest.raises(UnresolvedError, match="triage v1 includes rules@production"):
        label(rules, "production", None)
    with pytest.raises(ConflictError, match="triage v1"):
        services.change_prompt(rules, changes={"is_archived": True}, actor=SYSTEM)


def test_includes_go_five_deep_and_no_deeper(project):
    make_prompt(project, "p0", "end")
    for depth in range(1, 6):
        make_prompt(project, f"p{depth}", f"{{{{> p{depth - 1}@1}}}}")

    with pytest.raises(UnresolvedError, match="at most 5 deep"):
        make_prompt(project, "p6", "{{> p5@1}}")


def test_a_bomb_of_includes_is_refused(project):
    make_prompt(project, "b0", "x" * 100_000)
    body = "{{> b0@1}}" * 30

    with pytest.raises(LimitError, match="1,048,576 characters"):
        make_prompt(project, "bomb", body)


def test_putting_includes_in_reads_few_rows_however_many(project, django_assert_max_num_queries):
    names = [make_prompt(project, f"part/{at}", f"Part {at}").name for at in range(20)]
    prompt = make_prompt(project, "all", " ".join(f"{{{{> {name}@1}}}}" for name in names))
    version = queries.find_version(prompt, 1)

    with django_assert_max_num_queries(3):
        resolve_version(version)


def test_where_a_prompt_is_used_is_known(project):
    rules = make_prompt(project, "rules", "R")
    prompt = make_prompt(project, "triage", "{{> rules@1}}")
    make_version(prompt, "No rules")

    assert [(row.prompt.name, row.number) for row in queries.users_of(rules)] == [("triage", 1)]
    assert queries.live_users_of(rules) == []


def test_an_archived_prompt_takes_no_version_and_is_still_found(project):
    prompt = make_prompt(project)
    services.change_prompt(prompt, changes={"is_archived": True}, actor=SYSTEM)

    with pytest.raises(ConflictError, match="archived"):
        make_version(prompt, "New")
    assert queries.find_prompt(project, "triage").archived_at is not None


def test_an_owner_must_be_somebody_who_may_read_prompts(project, stranger, member):
    prompt = make_prompt(project)

    with pytest.raises(InvalidError, match="owner"):
        services.change_prompt(prompt, changes={"owner": stranger}, actor=SYSTEM)
    services.change_prompt(prompt, changes={"owner": member}, actor=SYSTEM)

    assert queries.find_prompt(project, "triage").owner == member


def test_what_was_refused_leaves_nothing_behind(project):
    with pytest.raises(InvalidError, match="Line 1, column 1"):
        services.create_prompt(project, about=About("x"), content=Content("{{"), actor=SYSTEM)

    assert not project.prompts.exists()
