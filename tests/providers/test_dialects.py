"""Recorded calls read from every protocol, and written in every other."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.providers import dialects
from apps.providers.protocol import UnreadableAnswerError, UnsupportedError, Usage
from apps.providers.reading import read_messages, request_of
from apps.providers.remote import Remote
from tests.ingest.fake_provider import ANSWER, running_provider
from tests.providers.conversations import (
    CHAT,
    CHAT_TOOLS,
    MEANT,
    MESSAGES,
    MESSAGES_SYSTEM,
    MESSAGES_TOOLS,
    RECORDED,
    RESPONSES,
    RESPONSES_TOOLS,
    TOOL,
)
from tests.providers.factories import KEY, ask

SHAPES = ["chat", "responses", "messages"]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aWNo"}}
SCHEMA = {"type": "object", "properties": {"sky": {"type": "string"}}}
FORMATS = {
    "chat": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "w", "schema": SCHEMA, "strict": True},
        }
    },
    "responses": {
        "text": {"format": {"type": "json_schema", "name": "w", "schema": SCHEMA, "strict": True}}
    },
    "messages": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
}
# What each protocol cannot say, and by which word the case is skipped.
UNSAYABLE = [
    ("messages", {"params": {"presence_penalty": 0.5}}, "presence_penalty"),
    ("messages", {"params": {"temperature": 1.4}}, "temperature"),
    ("messages", {"params": {"response_format": {"type": "json_object"}}}, "json_object"),
    ("messages", {"params": {"reasoning_effort": "minimal"}}, "reasoning_effort"),
    ("responses", {"params": {"stop": ["END"]}}, "stop"),
    ("responses", {"params": {"top_k": 4}}, "top_k"),
    ("chat", {"params": {"n": 3}}, "n"),
    ("messages", {"said": [{"role": "assistant", "content": "Hi"}]}, "messages"),
    (
        "messages",
        {"said": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]},
        "system",
    ),
    (
        "messages",
        {"said": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [
            {"id": "c", "function": {"name": "f", "arguments": "{broken"}}]}]},
        "tool arguments",
    ),
    (
        "chat",
        {"said": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "c", "content": [PICTURE]}]}]},
        "pictures in tool results",
    ),
]  # fmt: skip
UNREADABLE = [
    ([{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}], "input_audio"),
    ([{"role": "user", "content": [{"type": "document", "source": {}}]}], "document"),
    ([{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}], "files"),
    ([{"role": "narrator", "content": "a"}], "messages"),
    ([{"type": "computer_call", "id": "x"}], "computer_call"),
    (7, "messages"),
    ([], "messages"),
    ([None], "messages"),
]


@pytest.fixture
def allowed(settings):
    def allow(address: str) -> None:
        settings.PLAYHEAD_OUTBOUND_ALLOW = [address.removeprefix("http://")]

    return allow


@pytest.fixture(scope="module")
def address():
    with running_provider() as found:
        yield found


@pytest.mark.parametrize("shape", SHAPES)
def test_a_recorded_conversation_means_the_same_in_every_protocol(shape):
    said, tools = RECORDED[shape]
    request = request_of("m", said, tools=tools)

    assert request.messages == MEANT
    assert request.tools[0].schema == TOOL.schema


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_written_as_each_protocol_wants_it(shape):
    said, tools = RECORDED[shape]
    request = request_of("m", said, tools=tools)
    chat, responses, messages = (
        dialects.write(name, request, is_first_party=True).body for name in SHAPES
    )

    assert chat["messages"] == CHAT
    assert responses["input"] == RESPONSES
    assert (messages["system"], messages["messages"]) == (MESSAGES_SYSTEM, MESSAGES)
    assert chat["tools"][0]["function"]["name"] == CHAT_TOOLS[0]["function"]["name"]
    assert responses["tools"] == RESPONSES_TOOLS
    assert messages["tools"][0]["input_schema"] == MESSAGES_TOOLS[0]["input_schema"]


@pytest.mark.parametrize("shape", SHAPES)
def test_parameters_are_told_by_each_protocols_own_names(shape):
    limits = {"chat": "max_completion_tokens", "responses": "max_output_tokens"}
    params = {limits.get(shape, "max_tokens"): 50, "temperature": 0.2, "user": "u", "n": 1}
    request = request_of("m", "Hi", params={**params, **FORMATS[shape]})
    chat, responses, messages = (
        dialects.write(name, request, is_first_party=True).body for name in SHAPES
    )

    assert chat["max_completion_tokens"] == responses["max_output_tokens"] == 50
    assert (messages["max_tokens"], messages["temperature"]) == (50, 0.2)
    assert chat["response_format"]["json_schema"]["schema"] == SCHEMA
    assert responses["text"]["format"]["schema"] == SCHEMA
    assert messages["output_config"]["format"]["schema"] == SCHEMA
    assert "user" not in chat
    assert responses["store"] is False


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "function", "name": "get_weather"},
        {"type": "tool", "name": "get_weather"},
    ],
)
def test_a_tool_that_must_be_called_is_named_in_every_protocol(choice):
    request = request_of("m", "Hi", params={"tool_choice": choice}, tools=CHAT_TOOLS)
    written = [dialects.write(name, request, is_first_party=True).body for name in SHAPES]

    assert [body["tool_choice"] for body in written] == [
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "function", "name": "get_weather"},
        {"type": "tool", "name": "get_weather"},
    ]


def test_a_picture_goes_along_in_every_protocol():
    request = request_of("m", [{"role": "user", "content": [PICTURE]}])
    chat, responses, messages = (
        dialects.write(name, request, is_first_party=True).body for name in SHAPES
    )

    assert chat["messages"][0]["content"] == [PICTURE]
    assert responses["input"][0]["content"][0]["image_url"] == PICTURE["image_url"]["url"]
    assert messages["messages"][0]["content"][0]["source"]["data"] == "aWNo"


@pytest.mark.parametrize(("dialect", "told", "feature"), UNSAYABLE)
def test_what_a_protocol_cannot_say_is_named_and_never_left_out(dialect, told, feature):
    request = request_of("m", told.get("said", "Hi"), params=told.get("params"))

    with pytest.raises(UnsupportedError) as refused:
        dialects.write(dialect, request, is_first_party=True)

    assert refused.value.feature == feature


@pytest.mark.parametrize(("said", "feature"), UNREADABLE)
def test_what_cannot_be_asked_again_is_named(said, feature):
    with pytest.raises(UnsupportedError) as refused:
        request_of("m", said)

    assert refused.value.feature == feature


def test_signed_thoughts_go_back_to_who_signed_them_and_to_nobody_else():
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    turn = {"role": "assistant", "content": [thought, {"type": "text", "text": "Hi"}]}
    request = request_of("m", [{"role": "user", "content": "a"}, turn])
    chat, _, messages = (dialects.write(name, request, is_first_party=True) for name in SHAPES)

    assert messages.body["messages"][1]["content"][0] == thought
    assert chat.body["messages"][1]["content"] == "Hi"
    assert "thought before was left out" in chat.notes[0]


@pytest.mark.parametrize("dialect", SHAPES)
@pytest.mark.parametrize("answer", [None, [], {}, {"error": "x"}, {"choices": []}])
def test_an_answer_of_no_protocol_is_called_unreadable(dialect, answer):
    with pytest.raises(UnreadableAnswerError, match="Check the base URL"):
        dialects.read(dialect, answer)


def test_why_a_model_stopped_is_told_in_one_way():
    def ends(dialect, **told):
        empty = {"choices": [{"message": {"content": "x"}}], "content": [], "output": []}
        return dialects.read(dialect, empty | told).finish_reason

    refused = [{"type": "message", "role": "assistant",
                "content": [{"type": "refusal", "refusal": "No"}]}]  # fmt: skip
    assert ends("messages", stop_reason="max_tokens") == "length"
    assert ends("messages", stop_reason="refusal") == "refusal"
    assert ends("responses", incomplete_details={"reason": "max_output_tokens"}) == "length"
    assert ends("responses", output=refused) == "refusal"
    assert ends("chat", choices=[{"message": {"refusal": "No"}}]) == "refusal"


KEYS = st.sampled_from(
    "role content type text tool_calls function name arguments id input source image_url url "
    "summary tool_use_id is_error output call_id refusal reasoning message parts".split()
)
WORDS = st.sampled_from(
    "user assistant system tool text image_url image tool_use tool_result thinking function_call "
    "function_call_output reasoning message { {} []".split()
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | WORDS
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=14,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=st.lists(ANYTHING, max_size=3) | ANYTHING, params=st.dictionaries(
    st.sampled_from("tool_choice response_format text output_config reasoning stop n".split()),
    ANYTHING, max_size=3), tools=st.lists(ANYTHING, max_size=2))  # fmt: skip
def test_whatever_was_recorded_is_asked_or_refused_by_name(said, params, tools):
    for dialect in SHAPES:
        with suppress(UnsupportedError):
            request = request_of("m", said, params=params, tools=tools)
            body = dialects.write(dialect, request, is_first_party=False).body
            assert (body["model"], bool(request.canonical())) == ("m", True)


def test_equal_requests_are_equal_whatever_ids_their_calls_have():
    other = [{**one} for one in CHAT]
    other[2] = {
        **CHAT[2],
        "tool_calls": [{**c, "id": "x" + c["id"]} for c in CHAT[2]["tool_calls"]],
    }
    other[3:5] = [{**one, "tool_call_id": "x" + one["tool_call_id"]} for one in CHAT[3:5]]

    assert request_of("m", other).canonical() == request_of("m", CHAT).canonical()
    assert request_of("m", other).canonical() != request_of("m", CHAT[:-1]).canonical()


@pytest.mark.parametrize(
    ("kind", "dialect", "path"),
    [("openai", "chat", "/v1"), ("openai", "responses", "/v1"), ("anthropic", "messages", "")],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_recorded_call_is_asked_again_of_any_provider(
    allowed, address, kind, dialect, path, shape
):
    said, tools = RECORDED[shape]
    allowed(address)
    provider = Remote("x", kind, dialect, address + path, KEY)

    first = provider.ask(request_of("m", said[:2], tools=tools), sample=0, seconds=10)
    last = provider.ask(request_of("m", said[:-1], tools=None), sample=0, seconds=10)

    [call] = first.message.tool_calls
    assert (call.name, call.arguments["city"]) == ("get_weather", "Oslo")
    assert first.finish_reason == "tool_calls"
    assert (last.message.text, last.finish_reason) == (ANSWER, "stop")
    assert (last.usage.input, last.usage.output, last.usage.cache_read) == (840, 105, 128)


def test_what_a_model_lacks_skips_the_case_with_the_reason_but_for_a_seed():
    provider = Remote("tiny", "openai-compatible", "chat", "", "", frozenset({"tools", "seed"}))

    request, notes = provider._without_what_it_lacks(ask(seed=4))

    assert (request.seed, notes) == (None, ["The seed was left out: tiny has none."])
    with pytest.raises(UnsupportedError, match="tiny cannot do tools"):
        provider.ask(ask(tools=(TOOL,)), sample=0, seconds=1)


def test_a_message_without_words_is_read_as_empty():
    assert read_messages("") == []
    assert read_messages([{"role": "assistant", "content": None}])[0].parts == ()
    assert Usage().input is None
