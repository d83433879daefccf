from __future__ import annotations

import json

import pytest

from apps.governance.redaction import ProjectMarks
from tests.governance.factories import redacted

KEY = "phk_live_" + "a1B2" * 9
EMAIL, OTHER = "jane.doe@example.org", "joe@example.org"
HASHED = ProjectMarks(1).hashed("email", EMAIL)


@pytest.mark.parametrize(
    ("action", "kept"),
    [
        ("capture", f"Ask {EMAIL}."),
        ("mask", "Ask [EMAIL]."),
        ("hash", f"Ask {HASHED}."),
        # Nothing can be given back where there is no session to keep it.
        ("pseudonymise", "Ask [EMAIL]."),
        ("drop", "Ask [EMAIL]."),
    ],
)
def test_each_action_leaves_what_it_says(action, kept):
    assert redacted(f"Ask {EMAIL}.", action) == kept


@pytest.mark.parametrize("action", ["capture", "pseudonymise", "hash", "mask", "drop"])
def test_secrets_are_masked_whatever_the_action(action):
    assert redacted(f"The key is {KEY}.", action) == "The key is [PLAYHEAD_KEY]."


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"to": [EMAIL, {"cc": OTHER}]}, {"to": ["[EMAIL]", {"cc": "[EMAIL]"}]}),
        ({EMAIL: 1, OTHER: 2}, {"[EMAIL]": 1, "[EMAIL] 2": 2}),
        ({"card": 4111111111111111}, {"card": "[CARD]"}),
        ({"password": "correct horse"}, {"password": "[PASSWORD]"}),
        ({"credentials": {"user": "jane.doe"}}, {"credentials": {"user": "[SECRET]"}}),
        ({"password": None, "pin": ""}, {"password": None, "pin": ""}),
        ("jane.doe@\u200bexample.org", "[EMAIL]"),
    ],
)
def test_values_are_found_wherever_they_stand(value, kept):
    assert redacted(value) == kept


@pytest.mark.parametrize(
    "inside",
    [{"password": "correct horse"}, {"to": EMAIL}, {"cards": [4111111111111111]}],
)
def test_json_that_is_carried_as_text_is_opened(inside):
    text = json.dumps({"arguments": json.dumps(inside)})

    assert json.loads(json.loads(redacted(text))["arguments"]) == redacted(inside)


def test_escapes_in_json_text_hide_nothing():
    assert json.loads(redacted('{"to": "jane.doe\\u0040example.org"}')) == {"to": "[EMAIL]"}


def test_half_a_character_in_json_text_stays_the_escape_that_it_was():
    made = redacted(f'{{"half": "\\ud800", "to": "{EMAIL}"}}')

    assert made == '{"half": "\\ud800", "to": "[EMAIL]"}'
    assert made.encode()


def test_json_text_that_breaks_off_is_treated_as_text():
    assert redacted(f'{{"to": "{EMAIL}", "subj') == '{"to": "[EMAIL]", "subj'


def test_words_of_a_text_with_their_probabilities_are_no_secrets():
    token = {"token": " swordfish", "logprob": -0.1}

    assert redacted(token, "capture") is token


def test_the_name_of_a_session_is_no_secret():
    value = {"session_id": "chat-4711-support"}

    assert redacted(value, "capture") == value


def test_what_holds_nothing_stays_the_same_object():
    value = {"messages": [{"role": "user", "content": "Where is my parcel?"}], "n": 12, "x": [1.5]}

    assert redacted(value) is value


def test_redacting_twice_changes_nothing_more():
    for action in ("mask", "hash", "pseudonymise"):
        once = redacted({"to": f"{EMAIL}, {KEY}", "password": "correct horse"}, action)
        assert redacted(once, action) is once


def test_the_given_value_is_not_changed():
    value = {"to": [EMAIL], "and": {"deeper": EMAIL}}
    before = json.dumps(value)

    redacted(value)

    assert json.dumps(value) == before


def test_the_same_value_has_the_same_hash_in_a_project_and_another_in_others():
    here, elsewhere = ProjectMarks(1), ProjectMarks(2)

    assert here.hashed("phone", "+49 30 901820") == here.hashed("phone", "+4930901820")
    assert here.hashed("email", "Jane@Example.org") == here.hashed("email", "jane@example.org")
    assert here.hashed("email", EMAIL) != elsewhere.hashed("email", EMAIL)


def test_only_the_chosen_kinds_are_looked_for():
    kept = redacted(f"{EMAIL} 4111 1111 1111 1111", kinds=frozenset({"card"}))

    assert kept == f"{EMAIL} [CARD]"


def test_names_can_be_left_out_of_account():
    assert redacted({"password": "horse"}, looks_at_names=False) == {"password": "horse"}


@pytest.mark.parametrize(
    ("rule", "action", "kept"),
    [
        (("Order number", "ORD-[0-9]{6}"), "capture", "[ORDER_NUMBER] is late."),
        (("Order number", "ORD-[0-9]{6}", ""), "capture", "ORD-123456 is late."),
        (("Order number", "ORD-[0-9]{6}", ""), "mask", "[ORDER_NUMBER] is late."),
    ],
)
def test_a_rule_of_a_projects_own_says_itself_what_becomes_of_it(rule, action, kept):
    assert redacted("ORD-123456 is late.", action, rules=[rule]) == kept


def test_json_of_any_depth_that_may_come_in_is_treated():
    value = EMAIL
    for _ in range(99):
        value = {"deeper": [value]}

    assert EMAIL not in json.dumps(redacted(value))
    assert EMAIL not in redacted("[" * 5000 + f'"{EMAIL}"' + "]" * 5000)
