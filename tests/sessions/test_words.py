"""Words and terms: whatever a text says, each of its words finds it, at its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.core.canonical import canonical_json
from apps.sessions.search_places import excerpt, places_in
from apps.sessions.search_query import Item, read_query
from apps.sessions.terms import Terms
from apps.sessions.words import words

TERMS = Terms(b"k" * 32)
ALPHABET = (
    "aAbBzZ019 _-.,\"'\\nrtu/äßéÅﬁＡｶ東京。한국ไทم رحבא"
    "\uff8a\uff9f\u314e\u314f\u0b95\u0bc6\u0bbe\u0301\u200d👩💻🇩🇪\n\t…"
)
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=60) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=40
)


def item_of(text):
    ((item),) = read_query(f'"{text}"').items
    return item


@settings(deadline=None)
@given(TEXTS)
@example("C:\\new \\u00e9t\\u00e9")
@example("getUserName HTTPServer")
def test_every_word_of_a_text_finds_it(text):
    content = canonical_json({"said": text})
    terms = TERMS.of_contents([content])

    for word in words(text):
        for said in (word.text, *word.parts):
            row = words(said)
            assert TERMS.of_words(row) <= terms, said
            if len(row) == 1:
                assert list(places_in(content, Item(tuple(row)))), said


@settings(deadline=None)
@given(TEXTS)
def test_words_are_cut_from_the_text_in_order(text):
    found = words(text)

    assert all(0 <= word.start <= word.end <= len(text) for word in found)
    assert [word.start for word in found] == sorted(word.start for word in found)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_an_excerpt_gives_back_the_text(before, after):
    text = f"{before} walrus {after}"[:150]
    items = [item_of("walrus")]
    (place, *_) = places_in(canonical_json([text]), items[0])

    parts = excerpt(place, items)

    said = "".join(part.text for part in parts)
    assert "walrus" in [part.text for part in parts if part.is_match]
    assert said.strip("…") in text


@pytest.mark.parametrize("at", [10, 16_380, 16_384, 17_400, 40_000])
@pytest.mark.parametrize("filling", ["x ", "é ", "\\u00e9 "])
def test_a_phrase_deep_in_a_long_text_is_found(at, filling):
    before = (filling * at)[: at - at % len(filling)]
    text = f"{before}order is late {filling * 9000}"

    (place,) = places_in(canonical_json([text]), item_of("order is late"))

    assert place.start == len(before)


def test_json_within_text_is_read_as_it_was_meant():
    text = json.dumps({"city": "Genève", "note": "one\ntwelve"})

    for q in ("genève", "twelve", "one"):
        assert list(places_in(canonical_json([text]), item_of(q))), q


def test_a_long_word_is_found_by_all_of_it_and_not_by_its_beginning():
    word = "a1" * 200
    content = canonical_json([word])

    assert TERMS.of_words(words(word)) <= TERMS.of_contents([content])
    assert list(places_in(content, item_of(word)))
    assert not list(places_in(content, item_of(word[:64])))
