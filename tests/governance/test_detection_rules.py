"""Rules of a project's own."""

from __future__ import annotations

import pytest

from apps.core.errors import InvalidError
from apps.governance.detection import Rule, compile_rule, find
from apps.governance.detection.rules import MATCH_LIMIT, PATTERN_LIMIT

NONE: frozenset[str] = frozenset()


def test_a_rule_finds_under_its_own_name() -> None:
    rule = compile_rule(Rule("order number", r"ORD-\d{6}"))

    (hit,) = find("see ORD-123456 please", NONE, [rule])

    assert hit == ("rule:order number", 4, 14)


def test_a_rule_tells_the_places_of_text_in_any_script() -> None:
    rule = compile_rule(Rule("name", "ミラー|Müller"))
    text = "😀\u200bHerr Müller・ミラー"

    hits = find(text, NONE, [rule])

    assert [text[hit.start : hit.end] for hit in hits] == ["Müller", "ミラー"]


def test_a_rule_takes_text_with_half_characters() -> None:
    rule = compile_rule(Rule("word", "secret"))

    (hit,) = find("\ud800 secret", NONE, [rule])

    assert (hit.start, hit.end) == (2, 8)


@pytest.mark.parametrize(
    ("rule", "field", "reason"),
    [
        (Rule("", "a"), "name", "1 to 40"),
        (Rule("x" * 41, "a"), "name", "1 to 40"),
        (Rule("x", ""), "pattern", "1 to 500"),
        (Rule("x", "a" * (PATTERN_LIMIT + 1)), "pattern", "1 to 500"),
        (Rule("x", "a*"), "pattern", "empty"),
        (Rule("x", r"\b|a"), "pattern", "empty"),
        (Rule("x", "("), "pattern", "missing )"),
        (Rule("x", "(?=a)b"), "pattern", "invalid perl operator"),
        (Rule("x", r"(a)\1"), "pattern", "invalid escape"),
        (Rule("x", "(?:a{1,1000}){1,1000}"), "pattern", "repetition"),
        (Rule("x", "((a{100}){10}){10}"), "pattern", "cannot be used"),
        (Rule("x", "\ud800"), "pattern", "half a character"),
    ],
)
def test_a_rule_is_refused_with_its_field_and_the_reason(
    rule: Rule, field: str, reason: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        compile_rule(rule)

    assert refused.value.errors[0]["path"] == field
    assert reason in refused.value.errors[0]["message"]


def test_a_rule_that_finds_too_much_takes_all_the_rest() -> None:
    rule = compile_rule(Rule("letter", "a"))
    text = "a " * (MATCH_LIMIT + 50)

    hits = find(text, NONE, [rule])

    assert len(hits) == MATCH_LIMIT + 1
    assert hits[-1].end == len(text)
