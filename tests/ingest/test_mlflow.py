"""What MLflow sends over OTLP, as it was captured, and what its attributes may look like."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

import pytest

from apps.sessions.events import PromptStamp, Usage
from tests.ingest.captures.replay import events_of, named, send_captured, tree
from tests.ingest.factories import NANOSECONDS, event_of

TREE = Counter(
    {
        ("", "agent", "travel_agent"): 2,
        ("travel_agent", "llm", "Completions"): 5,
        ("travel_agent", "tool", "get_weather"): 3,
    }
)
# A trace whose root MLflow lost, since it had tags.
LOST = Counter({("", "llm", "Completions"): 2, ("", "tool", "get_weather"): 1})


@pytest.fixture
def sent(project, key_client):
    """What MLflow recorded; returns how to read a session of it."""
    send_captured(key_client(project, "ingest"), "mlflow")
    reader = key_client(project, "read:content")

    def read_session(name):
        session = project.sessions.get(external_id=name)
        return session, events_of(reader, session)

    return read_session


def test_two_turns_are_one_session_with_every_step_in_its_place(sent):
    _, events = sent("trip-1")

    assert tree(events) == TREE
    assert len({event["trace"] for event in events}) == 2


def test_a_trace_without_its_root_is_shown_all_the_same(sent):
    session, events = sent(None)

    assert tree(events) == LOST
    assert len({event["client_parent"] for event in events}) == 1
    assert (session.event_count, session.input_tokens) == (3, 2 * 840)


def test_a_call_has_its_messages_tools_parameters_and_answer(sent):
    _, events = sent("trip-1")

    call = named(events, "Completions")[0]
    assert [one["role"] for one in call["input"]["messages"]] == ["system", "user"]
    (answer,) = call["output"]["messages"]
    assert [one["id"] for one in answer["tool_calls"]] == ["call_1", "call_2"]
    assert (answer["finish_reason"], call["params"]) == ("tool_calls", {"temperature": 0.2})
    assert call["tools"][0]["function"]["name"] == "get_weather"
    assert (call["model"], call["model_returned"]) == ("gpt-4o", "gpt-4o-2024-11-20")


def test_tokens_are_counted_once_and_priced_by_the_table(sent):
    session, events = sent("trip-1")

    call, each = named(events, "Completions")[0], Decimal("0.00299")
    usage = call["usage"]
    assert (usage["input"], usage["output"], usage["cache_read"]) == (840, 105, 128)
    assert (Decimal(call["cost"]), session.cost) == (each, 4 * each)
    assert session.input_tokens == 4 * 840


def test_a_session_and_a_user_set_on_a_span_are_unquoted_and_passed_down(sent):
    _, events = sent("trip-1")

    for step in events:
        assert (step["session"], step["user"]) == ("trip-1", "customer-17")
        assert (step["environment"], step["release"]) == ("lab", "1.4.2")


def test_tools_and_agents_have_their_arguments_and_results(sent):
    _, events = sent("trip-1")

    oslo, _, lost = named(events, "get_weather")
    agent = named(events, "travel_agent")[0]
    assert oslo["input"] == {"city": "Oslo", "unit": "celsius"}
    assert oslo["output"] == {"city": "Oslo", "temperature": 4, "sky": "rain"}
    assert (agent["agent"], agent["output"]) == ("travel_agent", "It rains in Oslo, 4 degrees. ")
    assert (lost["status"], lost["error"]["type"]) == ("error", "LookupError")
    assert "There is no such city: Atlantis" in lost["error"]["message"]


def test_a_refusal_of_the_provider_is_told(sent):
    session, events = sent("trip-1")

    (call,) = [one for one in named(events, "Completions") if one["status"] == "error"]
    assert call["error"]["type"] == "BadRequestError"
    assert "The provider says 400." in call["error"]["message"]
    assert (call["usage"], call["cost"], session.error_count) == (None, None, 2)


def test_a_streamed_answer_is_one_message_with_its_first_token(sent):
    _, events = sent("trip-1")

    timed = [one for one in events if one["time_to_first_token_ms"] is not None]
    assert len(timed) == 2
    for call in timed:
        (answer,) = call["output"]["messages"]
        assert answer["content"] == "It rains in Oslo, 4 degrees. "
        assert 0 < call["time_to_first_token_ms"] < call["duration_ms"]


def test_everything_sent_again_changes_nothing(sent, project, key_client):
    _, events = sent("trip-1")

    send_captured(key_client(project, "ingest"), "mlflow")

    assert sent("trip-1")[1] == events


KINDS = {
    "LLM": "llm", "CHAT_MODEL": "llm", "CHAIN": "chain", "WORKFLOW": "chain", "AGENT": "agent",
    "TOOL": "tool", "RETRIEVER": "retriever", "RERANKER": "reranker", "EMBEDDING": "embedding",
    "GUARDRAIL": "guardrail", "EVALUATOR": "evaluator", "MEMORY": "memory", "MINE": "chain",
}  # fmt: skip


@pytest.mark.parametrize(("told", "kind"), KINDS.items(), ids=KINDS)
def test_a_span_type_in_quotes_is_a_kind(told, kind):
    assert event_of({"mlflow.spanType": json.dumps(told)}).kind == kind


CHAT = [{"role": "user", "content": "Hi"}]
REQUESTS = {
    "a chat": ({"model": "m", "messages": CHAT}, {"messages": CHAT}),
    "a text": ({"model": "m", "input": "Hi"}, {"messages": CHAT}),
    "instructions apart": (
        {"instructions": "Be kind.", "input": CHAT},
        {"system": "Be kind.", "messages": CHAT},
    ),
    "another shape": ({"prompt": "Hi"}, {"prompt": "Hi"}),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_read_as_a_chat_where_it_is_one(request_):
    sent, kept = request_

    event = event_of({"mlflow.spanType": '"LLM"', "mlflow.spanInputs": json.dumps(sent)})

    assert event.input == kept


ANSWER = {"role": "assistant", "content": "Hello"}
ANSWERS = {
    "OpenAI's choices": ({"choices": [{"message": ANSWER}]}, {"messages": [ANSWER]}),
    "Anthropic's message": (ANSWER | {"id": "msg_1"}, {"messages": [ANSWER | {"id": "msg_1"}]}),
    "no choices": ({"choices": []}, {"choices": []}),
    "choices of another shape": ({"choices": [{"text": "a"}]}, {"choices": [{"text": "a"}]}),
    "text": ("Hello", "Hello"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_messages_where_it_has_some(answer):
    sent, kept = answer

    event = event_of({"mlflow.spanType": '"LLM"', "mlflow.spanOutputs": json.dumps(sent)})

    assert event.output == kept


def test_tokens_cost_prompt_and_tags_are_read():
    told = {
        "mlflow.chat.tokenUsage": '{"input_tokens": 9, "cache_creation_input_tokens": 4}',
        "mlflow.llm.cost": '{"input_cost": 0.1, "total_cost": 0.25}',
        "mlflow.linkedPrompts": '[{"name": "greet", "version": "3"}]',
        "mlflow.traceTag.channel": "web",
        "mlflow.llm.provider": '"openai"',
    }

    event = event_of(told)

    assert event.usage == Usage(input=9, cache_write=4)
    assert (event.cost, event.provider) == (Decimal("0.25"), "openai")
    assert event.prompt == PromptStamp(name="greet", version="3")
    assert event.metadata == {"channel": "web"}


@pytest.mark.parametrize(
    ("chunk", "waited"),
    [("mlflow.chunk.item.0", 1.0), ("mlflow.chunk.item.744", None)],
    ids=["the first chunk", "only later chunks"],
)
def test_the_first_token_is_that_of_the_first_chunk(chunk, waited):
    happened = {"name": chunk, "timeUnixNano": str(NANOSECONDS + 10**6)}

    event = event_of({"mlflow.spanType": '"CHAT_MODEL"'}, events=[happened])

    assert event.time_to_first_token_ms == waited
