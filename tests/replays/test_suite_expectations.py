"""What can be expected of a case: what holds, what does not, and what is refused at once."""

from __future__ import annotations

import pytest

from apps.core.errors import InvalidError
from apps.replays.suite_expectations import Produced, check, read_expectations

ANSWER = Produced(
    output='{"total": 12.004, "lines": [{"id": 1, "name": "bag"}], "paid": true}',
    text='{"total": 12.004, "lines": [{"id": 1, "name": "bag"}], "paid": true}',
    tools=("find", "look", "pay"),
)
SAID = Produced(
    output="Your refund of 1,000.50 USD comes.", text="Your refund of 1,000.50 USD comes."
)
SCHEMA = {
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"$ref": "#/$defs/money"}},
    "$defs": {"money": {"type": "number", "minimum": 0}},
}


@pytest.mark.parametrize(
    ("expectation", "produced", "holds"),
    [
        ({"kind": "exact", "value": SAID.text}, SAID, True),
        ({"kind": "exact", "value": "your refund of 1000.5 usd comes."}, SAID, False),
        (
            {"kind": "exact", "value": "your refund of 1000.5 usd comes.", "normalised": True},
            SAID,
            True,
        ),
        ({"kind": "json", "value": {"paid": True, "lines": [{"name": "bag"}]}}, ANSWER, True),
        ({"kind": "json", "value": {"total": 12}}, ANSWER, False),
        ({"kind": "json", "value": {"total": 12}, "tolerance": {"/total": 0.01}}, ANSWER, True),
        ({"kind": "json", "value": {"total": 9, "paid": True}, "ignore": ["/total"]}, ANSWER, True),
        ({"kind": "json", "value": {"paid": 1}}, ANSWER, False),
        ({"kind": "schema", "schema": SCHEMA}, ANSWER, True),
        ({"kind": "schema", "schema": {"type": "array"}}, ANSWER, False),
        ({"kind": "schema", "schema": {"type": "string", "pattern": "^(a+)+$"}}, SAID, False),
        ({"kind": "contains", "words": ["REFUND", "usd"]}, SAID, True),
        ({"kind": "contains", "words": ["REFUND"], "case": True}, SAID, False),
        ({"kind": "contains", "words": ["parcel", "refund"], "any": True}, SAID, True),
        ({"kind": "absent", "words": ["sorry"]}, SAID, True),
        ({"kind": "absent", "words": ["refund"]}, SAID, False),
        ({"kind": "regex", "pattern": r"\d,\d{3}\.50"}, SAID, True),
        ({"kind": "regex", "pattern": "sorry", "absent": True}, SAID, True),
        ({"kind": "tools", "names": ["find", "look", "pay"]}, ANSWER, True),
        ({"kind": "tools", "names": ["find", "pay"]}, ANSWER, False),
        ({"kind": "tools", "names": ["find", "pay"], "order": "within"}, ANSWER, True),
        ({"kind": "tools", "names": ["pay", "find"], "order": "within"}, ANSWER, False),
        ({"kind": "tools", "names": ["pay", "find"], "order": "any"}, ANSWER, True),
        ({"kind": "judge", "rubric": "Is it kind?"}, SAID, None),
    ],
)
def test_an_expectation_holds_or_does_not(expectation, produced, holds):
    [read] = read_expectations([expectation])

    told = check(read, produced)

    assert told.holds is holds
    assert told.says


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({"kind": "exact"}, "e.0.value"),
        ({"kind": "guess"}, "e.0.kind"),
        ("words", "e.0.kind"),
        ({"kind": "exact", "value": 1, "size": 2}, "e.0.size"),
        ({"kind": "contains", "words": []}, "e.0.words"),
        ({"kind": "contains", "words": [""]}, "e.0.words"),
        ({"kind": "regex", "pattern": "(["}, "e.0.pattern"),
        ({"kind": "regex", "pattern": r"(a)\1"}, "e.0.pattern"),
        ({"kind": "json", "value": {}, "tolerance": {"/a": -1}}, "e.0.tolerance"),
        ({"kind": "json", "value": {}, "ignore": ["a"]}, "e.0.ignore"),
        ({"kind": "tools", "names": ["a"], "order": "first"}, "e.0.order"),
        ({"kind": "judge", "rubric": " "}, "e.0.rubric"),
        ({"kind": "exact", "value": "x" * 30_000}, "e.0"),
        ({"kind": "exact", "value": "\x00"}, "e.0"),
        ({"kind": "schema", "schema": {"type": "nothing"}}, "e.0.schema.type"),
        ({"kind": "schema", "schema": {"$ref": "https://example.com/x"}}, "e.0.schema"),
        ({"kind": "schema", "schema": {"patternProperties": {}}}, "e.0.schema"),
        (
            {
                "kind": "schema",
                "schema": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
            },
            "e.0.schema",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused_with_its_place(sent, path):
    with pytest.raises(InvalidError) as refused:
        read_expectations([sent], "e")

    assert refused.value.errors[0]["path"] == path


def test_a_schema_that_unfolds_without_bound_is_refused():
    twice = {f"s{at}": {"allOf": [{"$ref": f"#/$defs/s{at + 1}"}] * 2} for at in range(30)}
    schema = {"$ref": "#/$defs/s0", "$defs": twice | {"s30": {"type": "string"}}}

    with pytest.raises(InvalidError, match="parts"):
        read_expectations([{"kind": "schema", "schema": schema}])


def test_a_pattern_made_to_run_for_ever_ends_at_once():
    told = check({"kind": "regex", "pattern": "(a+)+$"}, Produced("", "a" * 100_000 + "!"))

    assert told.holds is False
