"""Match keys: the same request is found again, a different one is not."""

from __future__ import annotations

import copy
import hashlib
import json
import struct

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from playhead import matching
from playhead.matching import canonical, match_hashes, normalised

TURN = {
    "messages": [
        {"role": "user", "content": "Weather in Oslo?"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "call_x81",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Oslo", "days": 2}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_x81", "content": "rain"},
    ]
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def test_random_ids_of_tool_calls_do_not_matter():
    again = copy.deepcopy(TURN)
    again["messages"][1]["tool_calls"][0]["id"] = "toolu_9"
    again["messages"][2]["tool_call_id"] = "toolu_9"

    assert match_hashes(again) == match_hashes(TURN)


def test_which_call_a_result_answers_does_matter():
    mixed_up = copy.deepcopy(TURN)
    mixed_up["messages"][2]["tool_call_id"] = "another"

    assert match_hashes(mixed_up) != match_hashes(TURN)


def test_arguments_are_compared_by_what_they_say_and_not_by_their_spaces():
    again = copy.deepcopy(TURN)
    again["messages"][1]["tool_calls"][0]["function"]["arguments"] = '{"days":2,"city":"Oslo"}'

    assert match_hashes(again) == match_hashes(TURN)


@pytest.mark.parametrize(
    "changed",
    [{"model": "gpt-4o-mini"}, {"params": {"temperature": 1}}, {"tools": [{"name": "x"}]}],
)
def test_how_an_answer_was_to_be_made_changes_the_exact_hash_only(changed):
    one, other = match_hashes(TURN), match_hashes(TURN, **changed)

    assert one.request != other.request
    assert one.loose == other.loose


def test_an_id_among_arguments_is_no_id_of_a_call():
    assert match_hashes({"id": 7}) != match_hashes({"id": 8})


def test_trace_headers_and_idempotency_keys_do_not_matter():
    headers = {"traceparent": "00-4bf9", "Idempotency-Key": "1", "accept": "text/plain"}

    assert match_hashes({"headers": headers}) == match_hashes({"headers": {"accept": "text/plain"}})


def test_large_media_are_compared_by_their_content():
    image = {"image_url": {"url": "data:image/png;base64," + "A" * 100_000}}

    assert len(canonical(image)) < 200
    assert match_hashes(image) != match_hashes(
        {"image_url": {"url": "data:image/png;base64," + "B" * 100_000}}
    )


def test_the_form_is_that_of_rfc_8785():
    asked = {"b": 1.0, "a": "\u20ac", "\u20ac": [1e21, 0.002]}

    told = '{"input":{"a":"€","b":1,"€":[1e+21,0.002]}}'.encode()

    assert match_hashes(asked).loose == f"sha256:{hashlib.sha256(told).hexdigest()}"


@given(JSON)
def test_every_json_value_has_a_hash_and_a_copy_has_the_same(value):
    assert match_hashes(value, params={"seed": 1}) == match_hashes(
        copy.deepcopy(value), params={"seed": 1}
    )


@settings(max_examples=30)
@given(st.recursive(JSON | st.floats(allow_nan=False, allow_infinity=False), st.lists))
def test_canonical_json_is_that_of_the_standard_however_it_is_written(value):
    assert canonical(value) == rfc8785.dumps(normalised(value))


@settings(max_examples=30)
@given(JSON, st.dictionaries(st.text(max_size=5), st.integers() | st.floats(0, 2), max_size=3))
def test_the_hash_is_that_of_all_that_was_asked(asked, params):
    hashes = match_hashes(asked, model="m", params=params)

    whole = normalised({"input": asked, "model": "m", "params": params, "tools": []})
    assert hashes.request == f"sha256:{hashlib.sha256(rfc8785.dumps(whole)).hexdigest()}"


# Of RFC 8785: section 3.2.2 (values), 3.2.3 (sorting), appendix B (numbers).
VALUES = {
    "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": '\u20ac$\u000f\nA\'B"\\\\"/',
    "literals": [None, True, False],
}
VALUES_TOLD = (
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
)
SORTED = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "44b52d02c7e14af6": "1e+23",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555556": "333333333.3333334",
}


def test_the_examples_of_the_standard_come_out_as_it_says():
    assert canonical(VALUES).decode() == VALUES_TOLD
    assert list(json.loads(canonical(dict.fromkeys(reversed(SORTED), 1)))) == SORTED


@pytest.mark.parametrize(("bits", "told"), NUMBERS.items())
def test_numbers_are_written_as_the_standard_says(bits, told):
    [number] = struct.unpack(">d", bytes.fromhex(bits))

    assert canonical([number]).decode() == f"[{told}]"


def test_other_rules_need_another_version():
    rules = [
        sorted(matching.VOLATILE),
        sorted(matching.CALL_NAMES),
        sorted(matching.CALL_TYPES),
        sorted(matching.NAMED_BY_PROVIDER),
        sorted(matching.JSON_TEXTS),
    ]

    # A recorded hash says by which version it was made. Whoever changes these lists raises
    # CANON, and writes the new digest here.
    assert (matching.CANON, hashlib.sha256(repr(rules).encode()).hexdigest()[:16]) == (
        1,
        "a250b54608123cae",
    )


@given(st.lists(st.text("abc_1", min_size=1, max_size=4), min_size=4, max_size=4, unique=True))
def test_whatever_calls_of_tools_are_named_their_requests_have_one_hash(names):
    def turns(one: str, other: str):
        calls = [
            {"id": name, "type": "function", "function": {"name": "look", "arguments": text}}
            for name, text in ((one, '{"n":1}'), (other, '{"n":2}'))
        ]
        results = [{"role": "tool", "tool_call_id": name, "content": "x"} for name in (other, one)]
        return [{"role": "assistant", "tool_calls": calls}, *results]

    assert match_hashes(turns(*names[:2])) == match_hashes(turns(*names[2:]))
