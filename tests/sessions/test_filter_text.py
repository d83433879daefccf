"""The text of the filter box: one reading, one writing, and errors that name the word."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import InvalidError
from apps.sessions.filter_text import COMPARED, COMPARED_BY, KEYS, parse, render
from apps.sessions.filters import FACET_FILTERS, READERS, SessionFilters


def test_every_filter_of_the_list_can_be_said_in_the_box():
    assert {*KEYS, *COMPARED_BY, "q", "sort"} == {*READERS, *FACET_FILTERS}


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", {}),
        ("  status:error\tmodel:gpt-4o ", {"status": "error", "model": "gpt-4o"}),
        ('tool:"a b"', {"tool": "a b"}),
        (r'tool:"say \"hi\" \\ \n"', {"tool": 'say "hi" \\ \n'}),
        ("tool:a:b>c", {"tool": "a:b>c"}),
        (
            "STATUS:error env:test id:7",
            {"status": "error", "environment": "test"} | {"external_id": "7"},
        ),
        ("cost>0.10 cost<=$5", {"min_cost": "0.10", "max_cost": "5"}),
        ("duration>10s duration<1.5m", {"min_duration_ms": "10000", "max_duration_ms": "90000"}),
        ("duration>250ms duration<2h", {"min_duration_ms": "250", "max_duration_ms": "7200000"}),
        ("started>2026-11-20", {"started_after": "2026-11-20T00:00Z"}),
        (
            "started>-24h started<2026-11-21T10:30",
            {"started_after": "-24h"} | {"started_before": "2026-11-21T10:30Z"},
        ),
        ('refund status:ok "late order" 4711', {"status": "ok", "q": 'refund "late order" 4711'}),
        ('"colour:red" 12:30', {"q": '"colour:red" 12:30'}),
        ('q:"a  \\"b"', {"q": 'a  "b'}),
    ],
    ids=str,
)
def test_the_box_says_filters_and_words(text, parameters):
    assert parse(text) == parameters


@pytest.mark.parametrize(
    ("text", "word", "advice"),
    [
        ("refund colour:red", "colour:red", "status, model, tool"),
        ("http://example.com", "http://example.com", '"http://example.com"'),
        ("status:broken", "status:broken", "open, closed, ok, error"),
        ("origin:mars", "origin:mars", "live, import, replay, fork, demo"),
        ("status>error", "status>error", "status:error"),
        ("cost:5", "cost:5", "cost>0.10"),
        ("cost>much", "cost>much", "a number"),
        ("duration>5", "duration>5", "10s"),
        ("started>yesterday", "started>yesterday", "-24h"),
        ("model:", "model:", "a value must follow"),
        ("model:a tag:x model:b", "model:b", "once"),
        ("-tool:refund", "-tool:refund", "leave something out"),
        ('tool:"a b', 'tool:"a b', "not closed"),
        ('"late order', '"late order', "not closed"),
        ('tool:"a"b', 'tool:"a"', "blank"),
        ("q:a b", "b", "q:"),
        (f"colour:{'x' * 500}", "colour:xxx", "there is no filter"),
    ],
    ids=str,
)
def test_a_word_that_cannot_be_read_is_named_with_what_is_allowed(text, word, advice):
    with pytest.raises(InvalidError) as refused:
        parse(text)

    message = str(refused.value)
    assert message.startswith(word)
    assert advice in message
    assert len(message) < 600


@pytest.mark.parametrize("text", ["a\x00b", "x" * 5000, "word " * 200])
def test_text_that_is_too_long_or_holds_nul_is_refused(text):
    with pytest.raises(InvalidError):
        parse(text)


VALUES = st.one_of(
    st.text(st.characters(exclude_characters="\x00", codec="utf-8"), min_size=1, max_size=20),
    st.text(' "\\:<>-\n\r\tab', min_size=1, max_size=12),
)
WORDS = st.lists(st.text(string.ascii_letters + "äß中🚲", min_size=1), min_size=1, max_size=4)
PLAIN = [name for name, says in KEYS.items() if name in {*FACET_FILTERS, "user", "external_id"}]
CHOSEN = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(PLAIN, VALUES),
        "status": st.sampled_from(["open", "closed", "ok", "error"]),
        "has_ticket": st.sampled_from(["true", "false"]),
        "min_cost": st.decimals(0, 999, places=4).map(str),
        "max_duration_ms": st.decimals(0, 10**9, places=3).map(str),
        "started_after": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
        "started_before": st.sampled_from(["-30m", "-24h", "-7d", "2026-11-20T00:00Z"]),
        "q": st.one_of(VALUES, WORDS.map(" ".join)),
    },
)


@given(CHOSEN)
def test_what_the_address_says_survives_the_box(parameters):
    again = parse(render(parameters))

    relative = {"started_before"}
    assert {key: again[key] for key in relative & set(again)} == {
        key: parameters[key] for key in relative & set(parameters)
    }
    absolute = [{k: v for k, v in one.items() if k not in relative} for one in (parameters, again)]
    first, second = map(SessionFilters.from_query, absolute)
    assert first == second


@given(CHOSEN)
def test_writing_what_was_read_says_the_same_words(parameters):
    text = render(parameters)

    assert render(parse(text)) == text


@given(st.text(st.characters(exclude_characters="\x00"), max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        parameters = parse(text)
    except InvalidError:
        return
    assert parse(render(parameters)) == parameters


@pytest.mark.parametrize("key", COMPARED)
def test_what_cannot_be_read_in_the_address_is_still_shown(key):
    parameters = dict.fromkeys(COMPARED[key], 'no"number')

    assert render(parameters) == f'{key}>"no\\"number" {key}<"no\\"number"'
