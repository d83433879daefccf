"""A model by rules: the same question, the same answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.core.errors import InvalidError
from apps.providers.calling import call
from apps.providers.protocol import Answer, Message, RateLimitedError, Text
from apps.providers.reading import request_of
from apps.providers.scripted import NOTHING_FITS, read_script
from tests.providers.conversations import CHAT
from tests.providers.factories import ask

RULES = [
    {"text": "weather", "model": "^good", "call": {"name": "get_weather", "arguments": {"c": 1}}},
    {"after": "get_weather", "say": "It rains."},
    {"system": "be short", "say": "Hi."},
    {"text": "coin", "say": ["heads", "tails"]},
    {"text": "busy", "fail": "rate_limited"},
]
WRONG = [
    ({}, "rules"),
    ([4], "rules[0]"),
    ([{"when": "x"}], "rules[0].when"),
    ([{"text": "("}], "rules[0].text"),
    ([{"text": "a" * 501}], "rules[0].text"),
    ([{"chance": 2}], "rules[0].chance"),
    ([{"chance": True}], "rules[0].chance"),
    ([{"fail": "sometimes"}], "rules[0].fail"),
    ([{"say": 3}], "rules[0].say"),
    ([{"call": {"arguments": {}}}], "rules[0].call"),
    ([{"call": {"name": "f", "arguments": []}}], "rules[0].call"),
    ([{"recorded": "yes"}], "rules[0].recorded"),
    ([{"recorded": True, "say": "Hi."}], "rules[0].recorded"),
]


def said(request, sample=0, seed=0):
    return read_script(RULES, seed=seed).ask(request, sample=sample, seconds=1)


def test_the_first_rule_that_fits_answers():
    called = said(ask("The weather?", model="good-1"))

    assert [(one.name, one.arguments) for one in called.message.tool_calls] == [
        ("get_weather", {"c": 1})
    ]
    assert called.finish_reason == "tool_calls"
    assert said(ask("The weather?", model="bad-1")).message.text == NOTHING_FITS
    assert said(request_of("m", CHAT[:2])).message.text == "Hi."
    assert said(request_of("m", CHAT[:5])).message.text == "It rains."


def test_samples_differ_and_runs_do_not():
    first = [said(ask("A coin"), sample).message.text for sample in range(64)]
    again = [said(ask("A coin"), sample).message.text for sample in range(64)]
    other = [said(ask("A coin"), sample, seed=1).message.text for sample in range(64)]

    assert first == again != other
    assert 16 < first.count("heads") < 48


def test_a_rule_with_a_chance_fits_as_often_as_it_says():
    script = read_script([{"chance": 0.25, "say": "yes"}, {"say": "no"}])
    told = [script.ask(ask(), sample=n, seconds=1).message.text for n in range(200)]

    assert 30 < told.count("yes") < 70


def test_a_rule_can_repeat_the_record_where_there_is_one():
    script = read_script([{"text": "weather", "recorded": True}, {"say": "Who knows."}])
    answered = Answer(Message("assistant", (Text("It snowed."),)))
    with_record = replace(script, recorded=answered)

    assert with_record.ask(ask("The weather?"), sample=0, seconds=1).message.text == "It snowed."
    assert script.ask(ask("The weather?"), sample=0, seconds=1).message.text == "Who knows."
    assert with_record.ask(ask("The time?"), sample=0, seconds=1).message.text == "Who knows."


def test_a_script_can_fail_as_providers_do(project):
    outcome = call(project, read_script(RULES), ask("Are you busy?"))

    assert isinstance(outcome.error, RateLimitedError)


@pytest.mark.parametrize(("rules", "path"), WRONG)
def test_a_script_that_is_wrong_says_where(rules, path):
    with pytest.raises(InvalidError) as refused:
        read_script(rules)

    assert refused.value.errors[0]["path"] == path
