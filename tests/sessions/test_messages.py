from __future__ import annotations

import pytest

from apps.sessions.messages import Conversation, Part, read_messages
from apps.sessions.transcript import tell

OPENAI = {
    "role": "assistant",
    "content": "Wait.",
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"n": 1}'}}
    ],
}
PARTS = {
    "role": "assistant",
    "finish_reason": "tool_calls",
    "parts": [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "Wait."},
        {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"n": 1}},
    ],
}


def user(text):
    return {"role": "user", "content": text}


def call(seq, sent, answer):
    return {
        "seq": seq,
        "kind": "llm",
        "input": {"messages": sent},
        "output": {"messages": [answer]},
    }


def test_both_shapes_of_a_message_say_the_same():
    (openai,) = read_messages([OPENAI])
    (parts,) = read_messages([PARTS])

    assert openai.digest == parts.digest
    assert openai.parts[1] == Part("call", name="look", call_id="c1", value={"n": 1})


def test_instructions_beside_the_messages_come_first():
    value = {"system": [{"type": "text", "content": "Be brief."}], "messages": [user("Hi")]}

    assert [message.role for message in read_messages(value)] == ["system", "user"]


def test_plain_text_is_one_message():
    (message,) = read_messages("Hello", "assistant")

    assert (message.role, message.parts[0].text) == ("assistant", "Hello")


@pytest.mark.parametrize(
    "value",
    [None, 7, True, {}, [], {"a": 1}, [1, 2], [user("x"), 3], {"messages": [{"role": 1}]}, [[]]],
)
def test_what_is_no_message_is_left_as_it_is(value):
    assert read_messages(value) is None


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": {"odd": 1}},
        {"role": "user", "content": [None, 1, {"type": 3}]},
        {"role": "tool", "content": None},
        {"role": "assistant", "content": None, "tool_calls": ["x", {"function": 1}]},
        {"role": "assistant", "parts": {"type": "text"}},
        {"role": "assistant", "content": "", "tool_calls": {"not": "a list"}},
    ],
)
def test_odd_messages_are_read_without_failing(message):
    assert len(read_messages([message])) == 1


def test_a_call_adds_what_follows_the_history_it_repeats():
    conversation = Conversation()
    first, answer, second = (read_messages([m]) for m in (user("a"), OPENAI, user("b")))
    conversation.add_call(first, answer)

    assert conversation.add_call([*first, *answer, *second], []) == second


def test_the_same_words_said_again_are_new():
    conversation = Conversation()
    yes = read_messages([user("yes")])
    answer = read_messages([OPENAI])
    conversation.add_call(yes, answer)

    assert conversation.add_call([*yes, *answer, *yes], []) == yes


def test_two_agents_with_histories_of_their_own_do_not_mix():
    conversation = Conversation()
    one, two, more = (read_messages([user(text)]) for text in ("one", "two", "more"))
    conversation.add_call(one, [])
    conversation.add_call(two, [])

    assert conversation.add_call([*one, *more], []) == more
    assert conversation.add_call([*two, *more], []) == more


def test_a_result_that_a_tool_step_has_shown_is_not_told_again():
    result = {"role": "tool", "tool_call_id": "c1", "content": '{"found": 2}'}
    steps = [
        call(1, [user("a")], OPENAI),
        {"seq": 2, "kind": "tool", "input": {"n": 1}, "output": {"found": 2}},
        call(3, [user("a"), OPENAI, result], user("b")),
    ]

    *_, last = tell([], steps)

    assert last.messages == []
    assert last.repeated == 2


def test_a_result_without_a_step_of_its_own_is_told():
    result = {"role": "tool", "tool_call_id": "c1", "content": "2"}
    steps = [call(1, [user("a")], OPENAI), call(2, [user("a"), OPENAI, result], user("b"))]

    *_, last = tell([], steps)

    assert [part.value for part in last.messages[0].parts] == ["2"]


def test_calls_before_the_page_are_not_repeated_on_it():
    first = call(1, [user("a")], OPENAI)
    (turn,) = tell([first], [call(2, [user("a"), OPENAI, user("b")], OPENAI)])

    assert [message.parts[0].text for message in turn.messages] == ["b"]


def spoken(*values):
    return [
        (message.role, [part.text or part.name or part.value for part in message.parts])
        for message in read_messages(list(values))
    ]


def langchain(kind, **fields):
    return {"type": kind, "data": {"content": "", "type": kind} | fields}


def test_the_messages_of_langchain_are_messages_in_all_their_forms():
    asked = {"name": "look", "args": {"n": 1}, "id": "c1", "type": "tool_call"}
    written = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "AIMessageChunk"],
        "kwargs": {"type": "AIMessageChunk", "content": "Sure."},
    }

    told = spoken(
        ["user", "Hi"],
        langchain("human", content="And?"),
        langchain("ai", tool_calls=[asked], content=[{"type": "tool_use", "name": "look"}]),
        langchain("tool", content='{"ok": true}', tool_call_id="c1", name="look"),
        written,
    )

    assert told == [
        ("user", ["Hi"]),
        ("user", ["And?"]),
        ("assistant", ["look"]),
        ("tool", ["look"]),
        ("assistant", ["Sure."]),
    ]


def test_a_batch_of_one_history_is_that_history():
    assert spoken([{"role": "user", "content": "Hi"}]) == [("user", ["Hi"])]


def test_the_items_of_responses_are_messages():
    told = spoken(
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"n": 1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "seen"},
    )

    assert told == [
        ("user", ["Hi"]),
        ("assistant", ["Hm."]),
        ("assistant", ["look"]),
        ("tool", ["seen"]),
    ]


def test_a_call_that_a_message_tells_twice_is_one():
    parts = [{"type": "text", "text": "Wait."}, {"type": "tool_use"}]

    assert spoken(OPENAI | {"content": parts}) == [("assistant", ["Wait.", "look"])]


@pytest.mark.parametrize("name", ["response", "result", "content"])
def test_the_result_that_a_user_hands_on_is_the_tools(name):
    part = {"type": "tool_call_response", "id": "c1", name: {"ok": True}}

    assert spoken({"role": "user", "parts": [part]}) == [("tool", [{"ok": True}])]


def test_a_second_report_of_a_call_is_no_part_of_the_story():
    told = call(1, [user("Hi")], OPENAI) | {"is_counted": True}
    again = {"seq": 2, "kind": "llm", "is_counted": False, "status": "error"}

    first, second = tell([], [told, again])

    assert (first.is_told, second.is_told, second.is_model_call) == (True, False, False)
