from __future__ import annotations

import pytest

from apps.audit.actors import Actor
from apps.governance.choices import Action, Category
from apps.governance.policies import policy_of
from tests.governance.factories import set_policy

PAGE = "/o/acme/p/support-bot/settings/redaction/"
API = "/api/v1/redaction"
EMAIL = "jane.doe@example.org"
ACTIONS = dict.fromkeys(Category.values, "mask")
CHOSEN = {**ACTIONS, "system": "capture", "kinds": ["email"], "version": "0"}


def test_a_policy_is_chosen_on_the_page(owner_client, project):
    answer = owner_client.post(PAGE, CHOSEN, follow=True)

    policy = policy_of(project)
    assert "The policy counts from now on." in answer.content.decode()
    assert policy.actions[Category.INPUT] is Action.MASK
    assert policy.actions[Category.SYSTEM] is Action.CAPTURE
    assert (policy.kinds, policy.looks_at_names) == ({"email"}, False)


def test_a_page_that_was_open_while_somebody_else_changed_it_says_so(owner_client, project):
    set_policy(project, "hash")

    answer = owner_client.post(PAGE, CHOSEN)

    assert answer.status_code == 422
    assert "changed by somebody else" in answer.content.decode()
    assert policy_of(project).actions[Category.INPUT] is Action.HASH


@pytest.mark.parametrize("wrong", [{}, {"input": "burn"}, {"kinds": ["mood"]}, {"version": "x"}])
def test_a_choice_that_there_is_not_is_refused(owner_client, project, wrong):
    answer = owner_client.post(PAGE, {**CHOSEN, **wrong} if wrong else {})

    assert answer.status_code in {200, 422}
    assert policy_of(project).version == 0


def test_a_rule_is_added_and_removed(owner_client, project):
    rule = {"name": "Order number", "pattern": "ORD-[0-9]{6}", "action": "hash"}
    added = owner_client.post(f"{PAGE}rules/add/", rule, follow=True)
    [kept] = policy_of(project).rules

    owner_client.post(f"{PAGE}rules/remove/", {"name": "Order number"})

    assert "ORD-[0-9]{6}" in added.content.decode()
    assert (kept.name, kept.pattern, kept.action) == ("Order number", "ORD-[0-9]{6}", "hash")
    assert policy_of(project).rules == ()


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"name": "Order", "pattern": "("}, "missing )"),
        ({"name": "1", "pattern": "a"}, "a letter first"),
        ({"name": "", "pattern": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_with_a_rule_stands_at_its_field(owner_client, project, rule, told):
    answer = owner_client.post(f"{PAGE}rules/add/", rule)

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert policy_of(project).rules == ()


def test_removing_a_rule_that_is_gone_is_told(owner_client, project):
    answer = owner_client.post(f"{PAGE}rules/remove/", {"name": "gone"}, follow=True)

    assert "removed in the meantime" in answer.content.decode()


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["whole page", "fragment"])
def test_the_test_box_shows_what_is_kept_and_what_was_found(owner_client, project, headers):
    set_policy(project, "mask")
    fields = {"text": f'{{"to": "{EMAIL}", "b": "<b>bold</b>"}}', "category": "output"}

    answer = owner_client.post(f"{PAGE}try/", fields, headers=headers)

    page = answer.content.decode()
    assert "<mark>[EMAIL]</mark>" in page
    assert f"<bdi>{EMAIL}</bdi>" in page
    assert "<b>bold" not in page
    assert ("<html" in page) == (not headers)


def test_the_test_box_says_that_dropped_content_is_not_kept(owner_client, project):
    fields = {"text": EMAIL, "category": "input", "action": "drop"}

    page = owner_client.post(f"{PAGE}try/", fields).content.decode()

    assert "Nothing of it is kept" in page


def test_the_api_tells_the_policy_in_force(key_client, project, owner_client):
    place = "?project=acme/support-bot"

    told = owner_client.get(API + place).json()

    assert told["version"] == 0
    assert told["actions"] == dict.fromkeys(Category.values, "capture")
    assert "email" in told["kinds"]


def test_the_api_changes_the_policy(owner_client, project):
    rules = [{"name": "Order", "pattern": "ORD-[0-9]+", "action": ""}]
    body = {"version": 0, "actions": ACTIONS, "kinds": ["card"], "rules": rules}

    answer = owner_client.put(f"{API}?project=acme/support-bot", body, "application/json")

    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert answer.json() == policy_of(project).as_json()
    assert answer.json()["rules"] == rules


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "actions"),
        ([], ""),
        ({"actions": {}}, "actions.input"),
        ({"actions": {**ACTIONS, "input": "burn"}}, "actions.input"),
        ({"actions": ACTIONS, "kinds": ["mood"]}, "kinds.0"),
        ({"actions": ACTIONS, "rules": [{"name": "a", "pattern": "("}]}, "rules[0].pattern"),
        ({"actions": ACTIONS, "rules": "x"}, "rules"),
        ({"actions": ACTIONS, "version": -1}, "version"),
    ],
)
def test_the_api_names_the_field_that_it_refuses(owner_client, project, body, path):
    answer = owner_client.put(f"{API}?project=acme/support-bot", body, "application/json")

    assert answer.status_code == 400
    assert path in {error["path"] for error in answer.json()["errors"]} or not path
    assert policy_of(project).version == 0


def test_the_api_refuses_a_version_that_is_not_in_force(owner_client, project):
    set_policy(project, "hash")
    body = {"version": 0, "actions": ACTIONS}

    answer = owner_client.put(f"{API}?project=acme/support-bot", body, "application/json")

    assert answer.status_code == 409


def test_the_api_tries_the_policy_on_a_value(owner_client, project):
    set_policy(project, tool="mask")
    body = {"value": {"to": EMAIL, "n": 1}, "category": "tool"}

    answer = owner_client.post(f"{API}/test?project=acme/support-bot", body, "application/json")

    [found] = answer.json()["findings"]
    assert answer.json()["value"] == {"to": "[EMAIL]", "n": 1}
    assert found == {"kind": "email", "action": "mask", "value": EMAIL, "mark": "[EMAIL]"}


@pytest.mark.parametrize(
    "body", [{}, {"value": "x" * 300_000}, {"value": "a", "category": "b"}, {"value": None}]
)
def test_the_api_refuses_what_it_cannot_try(owner_client, project, body):
    answer = owner_client.post(f"{API}/test?project=acme/support-bot", body, "application/json")

    assert answer.status_code == 400


def test_a_key_of_another_project_changes_nothing_here(
    key_client, project, other_project, stranger
):
    actor = Actor(kind="user", id=str(stranger.pk), label=stranger.email)
    client = key_client(other_project, "admin", actor=actor)

    answer = client.put(API, {"actions": ACTIONS}, "application/json")

    assert answer.status_code == 200
    assert [policy_of(one).version for one in (project, other_project)] == [0, 1]
