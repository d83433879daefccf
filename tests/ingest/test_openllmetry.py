"""What Traceloop's SDK sends, as it was captured, and what OpenLLMetry's older versions sent."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

import pytest

from apps.sessions.events import PromptStamp, Usage
from tests.ingest.captures.replay import events_of, named, send_captured, tree
from tests.ingest.factories import NANOSECONDS, event_of, make_spans, numbered, read

PROPERTY = "traceloop.association.properties."
TREE = Counter(
    {
        ("", "chain", "trip"): 2,
        ("trip", "agent", "travel_agent"): 2,
        ("travel_agent", "llm", "openai.chat"): 4,
        ("travel_agent", "tool", "get_weather"): 3,
        ("trip", "chain", "check"): 1,
        ("check", "llm", "openai.response"): 1,
        ("check", "llm", "anthropic.chat"): 1,
        # The client of Anthropic makes a span of its own, which here lies beside the call.
        ("check", "llm", "anthropic.messages.create"): 1,
        ("check", "llm", "openai.chat"): 1,
    }
)
OLDER = {
    "llm.request.type": "chat",
    "gen_ai.system": "OpenAI",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "You are a weather service.",
    "gen_ai.prompt.1.role": "assistant",
    "gen_ai.prompt.1.tool_calls.0.id": "call_1",
    "gen_ai.prompt.1.tool_calls.0.name": "get_weather",
    "gen_ai.prompt.1.tool_calls.0.arguments": '{"city": "Oslo"}',
    "gen_ai.prompt.2.role": "tool",
    "gen_ai.prompt.2.tool_call_id": "call_1",
    "gen_ai.prompt.2.content": '{"sky": "rain"}',
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "It rains.",
    "gen_ai.completion.0.finish_reason": "stop",
    "gen_ai.usage.prompt_tokens": 840,
    "gen_ai.usage.completion_tokens": 105,
    "llm.usage.total_tokens": 945,
    "llm.request.functions.0.name": "get_weather",
    "llm.request.functions.0.parameters": '{"type": "object"}',
}


@pytest.fixture
def trip(project, key_client):
    """The session that the SDK recorded, and its events."""
    send_captured(key_client(project, "ingest"), "traceloop")
    session = project.sessions.get(external_id="trip-1")
    return session, events_of(key_client(project, "read:content"), session)


def test_two_turns_are_one_session_with_every_step_in_its_place(trip):
    session, events = trip

    assert tree(events) == TREE
    assert len({event["trace"] for event in events}) == 2
    assert session.event_count == sum(TREE.values())


def test_every_api_has_its_texts_models_and_tokens(trip):
    _, events = trip

    for name in ("openai.chat", "openai.response", "anthropic.chat"):
        call = named(events, name)[0]
        said = json.dumps([call["input"], call["output"]])
        assert "You are a weather service." in said
        assert call["model"] in ("gpt-4o", "claude-sonnet-4-5")
        assert call["model_returned"].startswith(call["model"])
        assert (call["usage"]["input"], call["usage"]["cache_read"]) == (840, 128)
        assert call["provider"] in ("openai", "anthropic")


def test_reasoning_tokens_under_their_old_name_are_read(trip):
    _, events = trip

    assert named(events, "openai.response")[0]["usage"]["reasoning"] == 9


def test_tokens_are_counted_once_and_priced_by_the_table(trip):
    session, events = trip

    openai, claude = Decimal("0.00299"), Decimal("0.0037494")
    assert {Decimal(one["cost"]) for one in named(events, "openai.chat") if one["cost"]} == {openai}
    assert Decimal(named(events, "anthropic.chat")[0]["cost"]) == claude
    # Four chats, one response, one message; the client's own span of the last is not counted.
    assert [one["name"] for one in events if not one["is_counted"] and one["usage"]] == [
        "anthropic.messages.create"
    ]
    assert (session.input_tokens, session.output_tokens) == (6 * 840, 6 * 105)
    assert session.cost == 5 * openai + claude


def test_every_step_knows_session_user_tags_metadata_environment_and_release(trip):
    _, events = trip

    for step in events:
        assert (step["session"], step["user"]) == ("trip-1", "customer-17")
        assert (step["tags"], step["metadata"]) == (["weather", "beta"], {"plan": "pro"})
        assert (step["environment"], step["release"]) == ("lab", "1.4.2")


def test_steps_of_the_application_have_their_own_names_arguments_and_results(trip):
    _, events = trip

    oslo, bergen, lost = named(events, "get_weather")
    agent = named(events, "travel_agent")[0]
    assert oslo["input"] == {"city": "Oslo", "unit": "celsius"}
    assert bergen["output"] == {"city": "Bergen", "temperature": 4, "sky": "rain"}
    assert (agent["agent"], agent["output"]) == ("travel_agent", "It rains in Oslo, 4 degrees. ")
    assert lost["error"]["type"] == "LookupError"
    assert lost["error"]["message"] == "There is no such city: Atlantis"


def test_a_refusal_of_the_provider_is_told(trip):
    session, events = trip

    (call,) = [one for one in named(events, "openai.chat") if one["status"] == "error"]
    assert call["error"]["type"] == "BadRequestError"
    assert "The provider says 400." in call["error"]["message"]
    assert (call["usage"], call["cost"], session.error_count) == (None, None, 2)


def test_a_streamed_answer_has_its_first_token_and_keeps_its_chunks(trip, key_client, project):
    session, _ = trip

    reader = key_client(project, "read:content")
    events = reader.get(f"/api/v1/sessions/{session.pk}/events?raw=true").json()["results"]
    timed = [one for one in events if one["time_to_first_token_ms"] is not None]
    assert [one["name"] for one in timed] == ["openai.chat", "openai.chat"]
    for call in timed:
        names = [one["name"] for one in call["raw"]["events"]]
        assert names == ["gen_ai.content.completion.chunk"] * 9
        assert 0 < call["time_to_first_token_ms"] < call["duration_ms"]


def test_everything_sent_again_changes_nothing(trip, project, key_client):
    session, events = trip

    send_captured(key_client(project, "ingest"), "traceloop")

    again = project.sessions.get(external_id="trip-1")
    assert events_of(key_client(project, "read:content"), again) == events
    assert again.cost == session.cost


def test_an_older_call_has_its_messages_tools_and_tokens():
    event = event_of(OLDER)

    (system, asked, told), (answer,) = event.input["messages"], event.output["messages"]
    function = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
    assert system == {"role": "system", "content": "You are a weather service."}
    assert asked["tool_calls"] == [{"id": "call_1", "type": "function", "function": function}]
    assert told == {"role": "tool", "content": '{"sky": "rain"}', "tool_call_id": "call_1"}
    assert answer == {"role": "assistant", "content": "It rains.", "finish_reason": "stop"}
    assert event.tools[0]["function"] == {"name": "get_weather", "parameters": {"type": "object"}}
    assert (event.kind, event.usage) == ("llm", Usage(input=840, output=105))


KINDS = {"chat": "llm", "completion": "llm", "embedding": "embedding", "rerank": "reranker"}


@pytest.mark.parametrize(("told", "kind"), KINDS.items(), ids=KINDS)
def test_an_older_call_says_its_kind_apart(told, kind):
    assert event_of({"llm.request.type": told, "gen_ai.request.model": "m"}).kind == kind


def test_the_tenth_message_comes_after_the_ninth():
    told = {f"gen_ai.prompt.{n}.content": str(n) for n in range(12)}

    event = event_of(told)

    assert [one["content"] for one in event.input["messages"]] == [str(n) for n in range(12)]


SAID = {
    "text in quotes": ('"It rains."', "It rains."),
    "an object": ('{"a": 1}', {"a": 1}),
    "JSON twice quoted": ('"{\\"a\\": 1}"', {"a": 1}),
    "a number": ("7", "7"),
    "cut JSON": ('{"a": [1', '{"a": [1'),
    "no JSON": ("It rains.", "It rains."),
}


@pytest.mark.parametrize("value", SAID.values(), ids=SAID)
def test_what_a_step_said_is_unquoted(value):
    told, kept = value

    event = event_of({"traceloop.span.kind": "task", "traceloop.entity.output": told})

    assert (event.kind, event.output) == ("chain", kept)


CALLED = {
    "a tool by names": ("tool", [], {"city": "Oslo"}, {"city": "Oslo"}),
    "a tool without names": ("tool", ["Oslo"], {}, {"args": ["Oslo"], "kwargs": {}}),
    "an agent by names": ("agent", [], {"city": "Oslo"}, {"city": "Oslo"}),
    "an agent with a single word": ("agent", ["Oslo"], {}, "Oslo"),
    "an agent with more": ("agent", ["Oslo"], {"n": 1}, {"args": ["Oslo"], "kwargs": {"n": 1}}),
}


@pytest.mark.parametrize("call", CALLED.values(), ids=CALLED)
def test_arguments_stand_for_themselves_where_nothing_is_lost_by_it(call):
    kind, args, kwargs, kept = call
    told = {
        "traceloop.span.kind": kind,
        "traceloop.entity.input": json.dumps({"args": args, "kwargs": kwargs}),
    }

    assert event_of(told).input == kept


PROMPTS = {
    "of the registry": ({"traceloop.prompt.key": "greet", "traceloop.prompt.version": 3}, "3"),
    "by a property": ({f"{PROPERTY}prompt_name": "greet", f"{PROPERTY}prompt_version": "3"}, "3"),
    "without a version": ({"traceloop.prompt.key": "greet"}, None),
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_a_prompt_is_known_by_its_name(prompt):
    told, version = prompt

    event = event_of(told | {"traceloop.prompt.template_variables.place": "Oslo"})

    variables = {"place": "Oslo"}
    assert event.prompt == PromptStamp(name="greet", version=version, variables=variables)
    assert event.metadata is None


def test_a_conversation_counts_where_no_session_is_named():
    batch = read(
        make_spans(
            numbered(1, None, {f"{PROPERTY}thread_id": "thread"}),
            numbered(2, 1, {f"{PROPERTY}session_id": "session", f"{PROPERTY}thread_id": "thread"}),
        )
    )

    assert [event.session for event in batch.events] == ["thread", "session"]


def test_the_first_token_is_not_known_where_chunks_were_left_out():
    chunk = {"name": "gen_ai.content.completion.chunk", "timeUnixNano": str(NANOSECONDS + 10**6)}

    whole = event_of({"traceloop.workflow.name": "w"}, events=[chunk])
    short = event_of({"traceloop.workflow.name": "w"}, events=[chunk], droppedEventsCount=872)

    assert (whole.time_to_first_token_ms, short.time_to_first_token_ms) == (1.0, None)
