"""What is said to models is read alike, in whichever form a library or convention writes it."""

from __future__ import annotations

import pytest
from playhead.conversations import conversation_in
from playhead.hints import part_hashes
from playhead.recorded import recorded_calls
from playhead.tapes import Tape

CITY = {"city": "Oslo"}
WEATHER = '{"temperature": 4, "sky": "rain"}'
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "function": {"name": "look", "arguments": '{"city": "Oslo"}'}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": WEATHER},
    {"role": "assistant", "content": "Rain."},
]
RESPONSES = [
    {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
    {"role": "user", "content": "Weather?"},
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {"type": "function_call", "call_id": "c9", "name": "look", "arguments": '{"city":"Oslo"}'},
    {"type": "function_call_output", "call_id": "c9", "output": WEATHER},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Rain."}]},
]  # fmt: skip
MESSAGES = [
    {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {}}]},
    {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "x"},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": CITY},
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "toolu_1",
                "content": [{"type": "text", "text": WEATHER}],
            }
        ],
    },
    {"role": "assistant", "content": [{"type": "text", "text": "Rain."}]},
]
GENAI = {
    "system": [{"type": "text", "content": "Be brief."}],
    "messages": [
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "z", "name": "look", "arguments": CITY}],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "z", "response": WEATHER}],
        },
        {"role": "assistant", "name": None, "parts": [{"type": "text", "content": "Rain."}]},
    ],
}
INFERENCE = {
    "messages": [
        *CHAT[:2],
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "tool_call.function.name": "look"}],
            "tool_calls": CHAT[2]["tool_calls"],
        },
        CHAT[3],
        {"role": "assistant", "content": [{"type": "text", "text": "Rain."}]},
    ]
}
FORMS = [CHAT, RESPONSES, MESSAGES, GENAI, INFERENCE]
NAMES = ["chat", "responses", "messages", "genai", "openinference"]


@pytest.mark.parametrize("form", FORMS, ids=NAMES)
def test_the_same_said_in_another_form_is_the_same(form):
    said, expected = conversation_in(form), conversation_in(CHAT)

    assert said.as_json() == expected.as_json()
    assert said.hashed() == expected.hashed()
    assert said.hashed(with_system=False) != said.hashed()
    assert said.system == "Be brief."


@pytest.mark.parametrize("at", range(len(CHAT)))
def test_whatever_is_left_out_makes_another(at):
    said = conversation_in(CHAT[:at] + CHAT[at + 1 :])

    assert said.hashed() != conversation_in(CHAT).hashed()


@pytest.mark.parametrize("value", [None, 7, {"query": "x"}, [{"a": 1}], [None], []])
def test_what_is_no_conversation_is_none(value):
    assert conversation_in(value) is None


def test_parts_of_a_request_are_hashed_apart():
    asked = {"input": CHAT, "model": "m", "tools": [{"name": "look"}], "params": {"n": 1}}
    changed = asked | {"input": [{"role": "system", "content": "Be long."}, *CHAT[1:]]}

    before, now = part_hashes(asked), part_hashes(changed)
    assert [name for name in before if before[name] != now[name]] == ["system prompt"]


def event(number: int, kind: str, parent: int | None = None, **more):
    return {"id": str(number), "kind": kind, "parent": parent and str(parent), **more}


def test_a_call_that_two_recorders_told_of_counts_once():
    own = event(1, "llm", name="openai.chat", input=CHAT, replay={"ordinal": 0})
    other = event(2, "llm", name="chat gpt-4o", input=GENAI, output="x")
    second = event(3, "llm", name="messages.create", is_counted=False)

    assert [one.event["id"] for one in recorded_calls([own, other, second])] == ["1"]
    assert [one.event["id"] for one in recorded_calls([other, second])] == ["2"]


def test_what_lies_in_a_tool_that_was_answered_is_not_missing():
    events = [
        event(1, "agent"),
        event(2, "tool", 1, name="look", input=CITY, output=1),
        event(3, "chain", 2),
        event(4, "llm", 3, name="chat", input=CHAT, output="x"),
    ]
    tape = Tape.of("s", events)
    assert [one.seq for one in tape.left()] == [2, 4]

    tape.calls[0].is_consumed = True
    assert tape.left() == []


def test_a_tool_below_the_model_that_asked_for_it_is_a_call_of_its_own():
    events = [
        event(1, "llm", name="assistant", input=CHAT[:2], output=CHAT[2]),
        event(2, "tool", 1, name="look", input=CITY, output=1),
        event(3, "http", 1, name="POST"),
    ]
    tape = Tape.of("s", events)

    tape.calls[0].is_consumed = True
    assert [one.seq for one in tape.left()] == [2]
