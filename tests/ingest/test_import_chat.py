from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.ingest.import_samples import SHAREGPT, lines, read, whole

BLOCKS = {
    "id": "chat-1",
    "system": "Be kind.",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Where?"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "t1", "name": "find", "input": {"order": 7}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "here"}],
        },
        {"role": "assistant", "content": "It is here."},
    ],
}
PARTS = {
    "id": "chat-1",
    "history": [
        {"role": "user", "parts": [{"text": "Where?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "find", "args": {"order": 7}}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "find", "response": {"place": "here"}}}],
        },
        {"role": "model", "parts": [{"text": "It is here."}]},
    ],
}


@pytest.mark.parametrize("value", [SHAREGPT, BLOCKS, PARTS], ids=["sharegpt", "blocks", "parts"])
def test_a_chat_becomes_calls_and_tools(value):
    found = read("chat", lines(value))

    assert [(one.kind, one.name) for one in found.events] == [
        ("llm", "assistant"),
        ("tool", "find"),
        ("llm", "assistant"),
    ]
    tool = found.events[1]
    assert (tool.input, tool.parent) == ({"order": 7}, found.events[0].id)
    assert tool.output in ("here", {"place": "here"})
    assert found.events[2].output["messages"][0]["content"] == "It is here."
    assert {one.session for one in found.events} == {"chat-1"}


def test_roles_are_called_as_they_are_everywhere():
    call = read("chat", lines(SHAREGPT)).events[0]

    assert [(one["role"], one["content"]) for one in call.input["messages"]] == [
        ("system", "Be kind."),
        ("user", "Where is it?"),
    ]
    assert call.metadata == {"id": "chat-1", "source": "forum"}


SHAPES = {
    "a list": [{"role": "user", "content": "a"}, {"role": "bot", "content": "b"}],
    "in a conversation": {"conversation": {"turns": [{"from": "user", "text": "a"},
                                                     {"from": "ai", "text": "b"}]}},
    "speakers": {"dialogue": [{"speaker": "Customer", "utterance": "a"},
                              {"speaker": "Agent", "utterance": "b"}]},
    "text in turns": {"turns": ["a", "b"]},
    "both sides of a turn": {"turns": [{"user": "a", "assistant": "b"}]},
    "a pair": {"question": "a", "answer": "b"},
    "authors": {"messages": [{"author": {"role": "user"}, "content": "a"},
                             {"author": {"role": "assistant"}, "content": "b"}]},
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_chat_is_read_in_any_usual_shape(shape):
    found = read("chat", whole([SHAPES[shape]]))

    assert found.refusals == []
    (call,) = found.events
    (asked,), (answered,) = call.input["messages"], call.output["messages"]
    assert (asked["role"], asked["content"]) == ("user", "a")
    assert (answered["role"], answered["content"]) == ("assistant", "b")


def test_a_record_may_hold_several_chats():
    chats = [{"id": name, "messages": SHAPES["a list"]} for name in ("x", "y")]

    found = read("chat", whole({"conversations": chats, "app": "shop"}))

    assert [(one.session, one.metadata) for one in found.events] == [
        ("x", {"app": "shop", "id": "x"}),
        ("y", {"app": "shop", "id": "y"}),
    ]


def test_a_time_of_a_message_is_the_time_of_its_step():
    said = [{"role": "user", "content": "a"},
            {"role": "assistant", "content": "b", "timestamp": 1772600767}]  # fmt: skip

    (call,) = read("chat", lines({"messages": said})).events

    assert call.started_at == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert (call.ended_at, call.usage, call.cost) == (None, None, None)


def test_equal_chats_stay_apart_and_keep_their_names():
    file = lines(SHAPES["text in turns"], SHAPES["text in turns"])

    first, second = (one.session for one in read("chat", file).events)

    assert second == f"{first}-2"
    assert [one.session for one in read("chat", file).events] == [first, second]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"text": "a"}, "A chat must be a list of messages, or hold one as messages."),
        ({"messages": [7]}, "messages[0]: A message must be an object, or text."),
        ({"messages": [{"text": "a"}]}, "messages[0]: A message must say who speaks"),
        ({"turns": [{"role": "user", "content": "a", "time": "soon"}]}, "turns[0].time: Must be"),
    ],
)
def test_a_broken_chat_is_told_by_its_place_and_the_others_go_in(value, told):
    found = read("chat", lines(value, SHAREGPT))

    assert found.refusals[0].startswith(f"0: {told}")
    assert len(found.events) == 3
