from __future__ import annotations

import re

import pytest

from apps.sessions.json_tree import NODE_LIMIT, SIZE_LIMIT, More, json_tree
from apps.sessions.panel import Trees
from apps.sessions.panel import sections as all_sections


def sections(step):
    return list(all_sections(step, Trees("/body/")))


def test_keys_and_values_are_escaped():
    drawn = json_tree({"<b>": ["<script>", {"\"'>": "a\n<i>"}]})

    assert "<b>" not in drawn
    assert "<script>" not in drawn
    assert "<i>" not in drawn


def test_what_is_not_drawn_is_counted():
    drawn = json_tree(list(range(NODE_LIMIT + 50)))

    assert drawn.count("<li>") == NODE_LIMIT
    assert "50 more not drawn here" in drawn


def test_deep_values_end_in_plain_json():
    value: object = "bottom"
    for _ in range(150):
        value = {"down": value}

    assert "bottom" in json_tree(value)


def test_empty_and_unknown_are_told_apart():
    assert "&quot;&quot;" in json_tree("")
    assert "null" in json_tree(None)
    assert "{}" in json_tree({"empty": {}})


def test_what_is_not_drawn_can_be_asked_for():
    drawn = json_tree({"a/b": list(range(NODE_LIMIT + 50))}, More("/body/output/"))

    assert 'href="/body/output/?as=tree&amp;path=/a~1b&amp;from=199"' in drawn
    assert "51 more" in drawn


def test_what_is_too_large_for_a_page_is_shown_by_its_beginning():
    (section,) = sections({"kind": "tool", "input": {"text": "x" * SIZE_LIMIT}})

    assert section.tree is None
    assert len(section.excerpt) < SIZE_LIMIT


def test_a_step_shows_only_what_it_holds():
    assert sections({"kind": "llm", "input": None, "output": None, "params": {}}) == []


def test_older_messages_of_a_long_history_are_folded():
    messages = [{"role": "user", "content": str(n)} for n in range(100)]
    (section,) = sections({"kind": "llm", "input": {"messages": messages}})

    assert (len(section.messages), len(section.earlier), section.left_out) == (3, 60, 37)


def test_a_decision_tells_what_was_chosen_how_surely_why_and_instead_of_what():
    decision = {"reason": "paid twice", "by": "rule 7", "alternatives": ["refuse"], "chosen": "pay"}
    (section,) = sections({"kind": "decision", "decision": decision, "confidence": 0.83})

    said = re.findall(r"<dt><bdi>(.*?)</bdi></dt>", section.facts)
    assert said == ["Chosen", "Confidence", "Reason", "Alternatives", "by"]
    assert "0.83" in section.facts


@pytest.mark.parametrize("value", ["[DROPPED]", {"diff": 7}, {"before": 1, "after": "x"}])
def test_a_decision_or_change_of_any_shape_is_shown(value):
    step = {"kind": "code_change", "code_change": value, "decision": value}

    assert all(section.tree or section.facts for section in sections(step))
