from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.db import connection, transaction

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.governance import services
from apps.governance.choices import Action, Category
from apps.governance.policies import compiled_policy, policy_of
from tests.governance.factories import make_policy, set_policy


def test_a_project_that_chose_nothing_keeps_everything_but_secrets(project):
    policy = policy_of(project)

    assert policy.version == 0
    assert set(policy.actions.values()) == {Action.CAPTURE}
    assert policy.looks_at_names


def test_a_policy_is_kept_as_it_was_chosen(project):
    chosen = make_policy(
        "hash",
        input="drop",
        kinds=frozenset({"email"}),
        looks_at_names=False,
        rules=[("Order number", "ORD-[0-9]+", "")],
    )

    services.change_policy(project, policy=chosen, actor=SYSTEM)

    assert policy_of(project) == replace(chosen, version=1)


def test_each_change_raises_the_version_and_stands_in_the_trail(project):
    set_policy(project, "mask")
    set_policy(project, "hash")

    entries = AuditEntry.unscoped.filter(act="redaction.change").order_by("pk")
    told = [(entry.detail["before"], entry.detail["after"]) for entry in entries]
    assert [(before["version"], after["version"]) for before, after in told] == [(0, 1), (1, 2)]
    assert told[1][0]["actions"]["input"] == "mask"
    assert told[1][1]["actions"]["input"] == "hash"


def test_choosing_what_is_in_force_changes_nothing(project):
    set_policy(project, "mask")
    set_policy(project, "mask")

    assert policy_of(project).version == 1
    assert AuditEntry.unscoped.filter(act="redaction.change").count() == 1


def test_a_change_of_what_somebody_else_changed_is_a_conflict(project):
    set_policy(project, "mask")

    with pytest.raises(ConflictError):
        services.change_policy(project, policy=make_policy("drop"), seen_version=0, actor=SYSTEM)

    assert policy_of(project).actions[Category.INPUT] is Action.MASK


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"kinds": frozenset({"mood"})}, "kinds"),
        ({"kinds": frozenset({"password"})}, "kinds"),
        ({"rules": [("", "a")]}, "rules[0].name"),
        ({"rules": [("9 lives", "a")]}, "rules[0].name"),
        ({"rules": [("<i>", "a")]}, "rules[0].name"),
        ({"rules": [("a b", "a"), ("A-B", "b")]}, "rules[1].name"),
        ({"rules": [("Email", "a")]}, "rules[0].name"),
        ({"rules": [("a", "(")]}, "rules[0].pattern"),
        ({"rules": [("a", "(?=b)")]}, "rules[0].pattern"),
        ({"rules": [("a", "b*")]}, "rules[0].pattern"),
        ({"rules": [("a", "x" * 5_000)]}, "rules[0].pattern"),
        ({"rules": [("a", "b", "burn")]}, "rules[0].action"),
        ({"rules": [(f"a{at}", "b") for at in range(51)]}, "rules"),
    ],
)
def test_what_cannot_be_applied_is_refused_with_its_place(project, fields, path):
    with pytest.raises(InvalidError) as refused:
        set_policy(project, **fields)

    assert refused.value.errors[0]["path"] == path
    assert policy_of(project).version == 0


def test_a_process_that_has_the_policy_ready_sees_a_change_at_once(project, other_project):
    before = compiled_policy(project)
    untouched = compiled_policy(other_project)
    assert compiled_policy(project) is before

    set_policy(project, "mask")

    assert compiled_policy(project).actions[Category.INPUT] is Action.MASK
    assert compiled_policy(other_project) is untouched


def test_the_policy_that_is_ready_costs_one_look_at_its_version(project, django_assert_num_queries):
    set_policy(project, "mask")
    compiled_policy(project)

    with django_assert_num_queries(1):
        compiled_policy(project)


@pytest.mark.django_db(transaction=True)
def test_two_first_changes_at_once_are_made_one_after_the_other(project):
    def change(action: str) -> None:
        set_policy(project, action)
        connection.close()

    threads = [threading.Thread(target=change, args=(action,)) for action in ("mask", "hash")]
    with transaction.atomic():
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()

    assert policy_of(project).version == 2
