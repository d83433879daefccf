"""What Langfuse's SDKs send, as it was captured, and what their attributes may look like."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

import pytest

from apps.sessions.events import PromptStamp, Usage
from tests.ingest.captures.replay import events_of, named, send_captured, tree
from tests.ingest.factories import NANOSECONDS, event_of, make_span, make_spans, numbered, read

VERSIONS = ["langfuse5", "langfuse3"]
OBSERVATION = "langfuse.observation."
TREE = Counter(
    {
        ("", "chain", "chat-turn"): 2,
        ("chat-turn", "event", "question received"): 2,
        ("chat-turn", "agent", "travel_agent"): 2,
        ("travel_agent", "llm", "decide"): 2,
        ("travel_agent", "tool", "get_weather"): 3,
        ("travel_agent", "llm", "answer"): 2,
        ("chat-turn", "llm", "fail"): 1,
        # Scores: of a trace, of a step, of the session.
        ("", "evaluator", "helpful"): 2,
        ("chat-turn", "evaluator", "tone"): 2,
        ("", "evaluator", "resolved"): 1,
    }
)


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def trip(project, key_client, version):
    """The session that the SDK recorded, and its events."""
    send_captured(key_client(project, "ingest"), version)
    session = project.sessions.get(external_id="trip-1")
    return session, events_of(key_client(project, "read:content"), session)


def test_two_turns_are_one_session_with_every_step_in_its_place(trip):
    session, events = trip

    assert tree(events) == TREE
    assert len({event["trace"] for event in events}) == 3  # two, and none for the session's score
    assert session.event_count == len(events)


def test_a_call_has_its_messages_tools_and_answer(trip):
    _, events = trip

    call, *_ = named(events, "decide")
    system, user = call["input"]["messages"]
    assert system == {"role": "system", "content": "You are a weather service."}
    assert user["content"].startswith("Compare the weather of Oslo and Bergen.")
    (answer,) = call["output"]["messages"]
    assert [one["id"] for one in answer["tool_calls"]] == ["call_1", "call_2"]
    assert call["tools"][0]["function"]["name"] == "get_weather"
    assert call["input"].keys() == {"messages"}


def test_a_streamed_answer_has_its_text_tokens_and_first_token(trip):
    _, events = trip

    for call in named(events, "answer"):
        assert call["output"] == "It rains in Oslo, 4 degrees. "
        assert call["usage"]["output"] == 105
        assert 0 < call["time_to_first_token_ms"] < call["duration_ms"]


def test_tokens_are_counted_once_and_priced_by_the_table(trip):
    session, events = trip

    (first, _), each = named(events, "decide"), Decimal("0.00299")
    assert first["usage"] == {
        "input": 840,
        "output": 105,
        "cache_read": 128,
        "cache_write": None,
        "reasoning": 9,
    }
    assert Decimal(first["cost"]) == each
    assert (session.input_tokens, session.cost) == (4 * 840, 4 * each)


def test_every_step_knows_user_tags_metadata_environment_and_release(trip, version):
    _, events = trip
    # Version 3 drops what is no text, with a warning to its user.
    plan = {"plan": "pro", "seats": 2} if version == "langfuse5" else {"plan": "pro"}
    steps = [event for event in events if event["kind"] not in ("evaluator",)]

    for step in steps:
        assert (step["user"], step["tags"]) == ("customer-17", ["weather", "beta"])
        assert (step["environment"], step["release"]) == ("lab", "1.4.2")
        assert plan.items() <= step["metadata"].items()
    root = named(events, "chat-turn")[0]
    assert root["metadata"] == plan | {"channel": "web", "nested": {"deep": [1, 2]}}


def test_parallel_tools_have_their_arguments_and_results(trip):
    _, events = trip

    oslo, bergen, _ = named(events, "get_weather")
    assert oslo["input"] == {"city": "Oslo", "unit": "celsius"}
    assert bergen["output"] == {"city": "Bergen", "temperature": 4, "sky": "rain"}
    assert oslo["parent"] == bergen["parent"]


def test_errors_of_a_tool_and_of_the_provider_are_told(trip):
    session, events = trip

    (_, _, tool), (call,) = named(events, "get_weather"), named(events, "fail")
    assert (tool["status"], tool["error"]["message"]) == (
        "error",
        "There is no such city: Atlantis",
    )
    assert "The provider says 400." in call["error"]["message"]
    # The SDK sends zeros for a call that never was; unknown is not nothing.
    assert (call["model"], call["usage"], call["cost"]) == ("gpt-4o", None, None)
    assert session.error_count == 2


def test_the_prompt_of_the_library_is_on_its_calls(trip):
    _, events = trip

    prompts = {event["name"]: event.get("prompt") for event in events if event["kind"] == "llm"}
    assert prompts["decide"] == {"name": "travel-system", "version": "3"}


def test_a_generation_made_by_hand_keeps_its_cost_and_its_warning(project, key_client, version):
    send_captured(key_client(project, "ingest"), version)

    alone = project.sessions.get(external_id=None)
    (event,) = events_of(key_client(project, "read:content"), alone)
    assert (event["kind"], event["input"], event["output"]) == ("llm", "Hi", "Hello")
    assert (event["status"], event["error"]) == ("ok", None)
    assert Decimal(event["cost"]) == Decimal("0.003")
    # Parts of Langfuse's own do not overlap: 12 fresh and 4 cached tokens.
    assert (event["usage"]["input"], event["usage"]["cache_read"]) == (16, 4)


def test_everything_sent_again_changes_nothing(trip, project, key_client, version):
    session, events = trip

    send_captured(key_client(project, "ingest"), version)

    again = project.sessions.get(external_id="trip-1")
    assert events_of(key_client(project, "read:content"), again) == events
    assert (again.event_count, again.cost) == (session.event_count, session.cost)


USAGES = {
    "OpenAI's chat, cached tokens within the sum": (
        {"prompt_tokens": 840, "completion_tokens": 105, "total_tokens": 945,
         "prompt_tokens_details": {"cached_tokens": 128},
         "completion_tokens_details": {"reasoning_tokens": 9}},
        Usage(input=840, output=105, cache_read=128, reasoning=9),
    ),
    "OpenAI's responses": (
        {"input_tokens": 840, "output_tokens": 105,
         "input_tokens_details": {"cached_tokens": 128}, "output_tokens_details": None},
        Usage(input=840, output=105, cache_read=128),
    ),
    "Anthropic's, cached tokens beside": (
        {"input": 712, "output": 105, "cache_read_input_tokens": 128},
        Usage(input=840, output=105, cache_read=128),
    ),
    "parts that add up to the total": (
        {"input": 12, "input_cached_tokens": 4, "output": 3, "output_reasoning": 2, "total": 21},
        Usage(input=16, output=5, cache_read=4, reasoning=2),
    ),
    "a total that leaves the parts out": (
        {"input": 16, "input_cached_tokens": 4, "output": 5, "total": 21},
        Usage(input=16, output=5, cache_read=4),
    ),
    "text for a number": ({"input": "7"}, Usage(input=7)),
    "nothing of use": ({"input": None, "images": 2}, None),
}  # fmt: skip


@pytest.mark.parametrize("told", USAGES.values(), ids=USAGES)
def test_tokens_are_read_as_they_are_told(told):
    sent, usage = told

    event = event_of(
        {f"{OBSERVATION}type": "generation", f"{OBSERVATION}usage_details": json.dumps(sent)}
    )

    assert event.usage == usage


VALUES = {
    "a word in quotes": ('"pro"', "pro"),
    "a number as text": ('"123"', "123"),
    "a number": ("2", 2),
    "an object": ('{"a": [1]}', {"a": [1]}),
    "plain text": ("plain", "plain"),
    "cut JSON": ('{"a": [1', '{"a": [1'),
    "an endless number": ("9" * 5_000, "9" * 5_000),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_metadata_of_version_five_is_unquoted(value):
    sent, kept = value
    span = make_span({"langfuse.trace.metadata.it": sent, "langfuse.release": "1"})
    body = json.loads(make_spans(span))
    body["resourceSpans"][0]["scopeSpans"][0]["scope"] = {
        "name": "langfuse-sdk",
        "version": "5.0.4",
    }

    (event,) = read(json.dumps(body).encode()).events

    assert event.metadata == {"it": kept}


def test_metadata_before_version_five_is_text_unless_it_is_quoted():
    told = {"langfuse.trace.metadata.n": "2", "langfuse.observation.metadata.q": '"pro"'}

    assert event_of(told).metadata == {"n": "2", "q": "pro"}


def test_what_belongs_to_a_trace_is_found_on_any_of_its_spans():
    told = {"session.id": "s", "user.id": "u", "langfuse.trace.tags": ["a"]}
    batch = read(
        make_spans(
            numbered(2, 1, {f"{OBSERVATION}type": "generation"}),
            numbered(3, 1, told | {f"{OBSERVATION}type": "tool"}),
            numbered(1, None, {f"{OBSERVATION}type": "agent"}),
        )
    )

    assert {(one.session, one.user, *one.tags) for one in batch.events} == {("s", "u", "a")}


def test_langfuse_speaks_first_where_a_span_also_speaks_genai():
    event = event_of(
        {
            f"{OBSERVATION}type": "generation",
            f"{OBSERVATION}model.name": "mine",
            "langfuse.environment": "prod",
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "theirs",
            "gen_ai.usage.input_tokens": 5,
        },
        resource={"deployment.environment.name": "lab"},
    )

    assert (event.kind, event.model, event.environment) == ("llm", "mine", "prod")
    assert event.usage == Usage(input=5)


@pytest.mark.parametrize(
    ("started", "waited"),
    [('"2026-03-04T05:06:07.250Z"', 250.0), ('"2026-03-04T05:06:06Z"', None), ("soon", None)],
    ids=["JSON in quotes", "before the start", "no time"],
)
def test_the_first_token_is_timed_from_the_start(started, waited):
    event = event_of(
        {f"{OBSERVATION}completion_start_time": started},
        startTimeUnixNano=str(NANOSECONDS),
    )

    assert event.time_to_first_token_ms == waited


def test_an_error_that_only_the_level_tells_is_an_error():
    event = event_of({f"{OBSERVATION}level": "ERROR", f"{OBSERVATION}status_message": "No seat."})

    assert (event.status, event.error.message) == ("error", "No seat.")


def test_a_prompt_keeps_its_version():
    told = {f"{OBSERVATION}prompt.name": "greet", f"{OBSERVATION}prompt.version": 3}

    assert event_of(told).prompt == PromptStamp(name="greet", version="3")


def test_a_call_without_messages_keeps_what_was_sent():
    event = event_of(
        {
            f"{OBSERVATION}type": "generation",
            f"{OBSERVATION}input": "Hi",
            f"{OBSERVATION}output": '[{"a": 1}]',
        }
    )

    assert (event.input, event.output) == ("Hi", [{"a": 1}])
