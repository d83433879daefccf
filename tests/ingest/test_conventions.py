from __future__ import annotations

from decimal import Decimal

import pytest

from tests.ingest.factories import (
    NANOSECONDS,
    event_of,
    make_span,
    make_spans,
    make_value,
    numbered,
    read,
)

LLM = {"gen_ai.operation.name": "chat"}
INFERENCE = {"openinference.span.kind": "LLM"}


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("chat", "llm"), ("text_completion", "llm"), ("generate_content", "llm"),
     ("embeddings", "embedding"), ("retrieval", "retriever"), ("execute_tool", "tool"),
     ("invoke_agent", "agent"), ("create_agent", "agent"), ("invoke_workflow", "chain"),
     ("something_new", "chain")],
)  # fmt: skip
def test_the_operation_of_genai_says_the_kind(operation, kind):
    assert event_of({"gen_ai.operation.name": operation}).kind == kind


@pytest.mark.parametrize(
    ("span_kind", "kind"),
    [("LLM", "llm"), ("TOOL", "tool"), ("AGENT", "agent"), ("CHAIN", "chain"),
     ("RETRIEVER", "retriever"), ("EMBEDDING", "embedding"), ("RERANKER", "reranker"),
     ("GUARDRAIL", "guardrail"), ("EVALUATOR", "evaluator"), ("llm", "llm"), ("ODD", "chain")],
)  # fmt: skip
def test_the_span_kind_of_openinference_says_the_kind(span_kind, kind):
    assert event_of({"openinference.span.kind": span_kind}).kind == kind


def test_a_span_of_no_convention_is_a_step_all_the_same():
    assert event_of().kind == "chain"
    assert event_of({"http.request.method": "GET"}).kind == "http"


@pytest.mark.parametrize(
    ("name", "field"),
    [("usage.input_tokens", "input"), ("usage.prompt_tokens", "input"),
     ("usage.completion_tokens", "output"), ("usage.cache_read.input_tokens", "cache_read"),
     ("usage.cache_creation.input_tokens", "cache_write"),
     ("usage.cache_write.input_tokens", "cache_write"),
     ("usage.reasoning.output_tokens", "reasoning"), ("usage.reasoning_tokens", "reasoning")],
)  # fmt: skip
def test_old_and_new_names_of_token_counts_are_read(name, field):
    usage = event_of({f"gen_ai.{name}": 0, **LLM}).usage

    assert getattr(usage, field) == 0
    assert {getattr(usage, one) for one in usage.__struct_fields__} == {0, None}


def test_cached_tokens_are_added_once_where_the_sender_left_them_out():
    cached = {"gen_ai.usage.cache_read.input_tokens": 128}
    apart = event_of({"gen_ai.usage.input_tokens": 12, **cached, **LLM})
    within = event_of({"gen_ai.usage.input_tokens": 140, **cached, **LLM})

    assert apart.usage.input == within.usage.input == 140
    assert apart.flags
    assert not within.flags


def test_negative_and_odd_token_counts_are_kept_aside_and_unknown():
    event = event_of({"gen_ai.usage.input_tokens": -5, "gen_ai.usage.output_tokens": "many", **LLM})

    assert event.usage is None
    assert event.extra["attributes"]["gen_ai.usage.input_tokens"] == -5


def test_system_instructions_stand_beside_the_messages():
    event = event_of(
        {
            "gen_ai.system_instructions": '[{"type": "text", "content": "Be kind."}]',
            "gen_ai.input.messages": [{"role": "user", "parts": []}],
            "gen_ai.output.messages": "[cut in the mid",
            **LLM,
        }
    )

    assert event.input == {
        "system": [{"type": "text", "content": "Be kind."}],
        "messages": [{"role": "user", "parts": []}],
    }
    assert event.output == "[cut in the mid"


def test_a_tool_call_has_its_name_arguments_and_result():
    event = event_of(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "refund",
            "gen_ai.tool.call.id": "call_1",
            "gen_ai.tool.call.arguments": '{"order": 7}',
            "gen_ai.tool.call.result": {"done": True},
        }
    )

    assert (event.name, event.input, event.output) == ("refund", {"order": 7}, {"done": True})
    assert event.extra["tool_call"] == {"id": "call_1"}


def test_prompts_params_and_first_token_have_their_places():
    event = event_of(
        {
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.request.temperature": 0.2,
            "gen_ai.prompt.name": "triage",
            "gen_ai.prompt.version": "7",
            "gen_ai.prompt.variable.tone": "warm",
            "gen_ai.response.time_to_first_chunk": 0.21,
            "gen_ai.usage.cost": 0.5,
            **LLM,
        }
    )

    assert (event.model, event.params) == ("gpt-4o", {"temperature": 0.2})
    assert (event.prompt.name, event.prompt.variables) == ("triage", {"tone": "warm"})
    assert (event.time_to_first_token_ms, event.cost) == (210, Decimal("0.5"))


def test_flattened_messages_come_in_the_order_of_their_numbers():
    flat = {f"llm.input_messages.{n}.message.content": f"text {n}" for n in (10, 9, 0, 2)}

    messages = event_of(INFERENCE | flat).input["messages"]

    assert [one["content"] for one in messages] == ["text 0", "text 2", "text 9", "text 10"]


def test_an_index_beyond_the_limit_builds_no_list():
    name = "llm.input_messages.1000.message.content"

    event = event_of(INFERENCE | {name: "far"})

    assert event.input is None
    assert event.extra["attributes"] == {name: "far"}


def test_flattened_parts_and_tool_calls_are_rebuilt():
    start = "llm.output_messages.0.message."
    event = event_of(
        INFERENCE
        | {
            f"{start}role": "assistant",
            f"{start}contents.0.message_content.type": "text",
            f"{start}contents.0.message_content.text": "See:",
            f"{start}contents.1.message_content.type": "image",
            f"{start}contents.1.message_content.image.image.url": "data:x",
            f"{start}tool_calls.0.tool_call.id": "call_1",
            f"{start}tool_calls.0.tool_call.function.name": "refund",
            f"{start}tool_calls.0.tool_call.function.arguments": "{}",
        }
    )

    (message,) = event.output["messages"]
    assert message["content"][0] == {"type": "text", "text": "See:"}
    assert message["content"][1] == {"type": "image_url", "image_url": {"url": "data:x"}}
    call = {"name": "refund", "arguments": "{}"}
    assert message["tool_calls"] == [{"id": "call_1", "type": "function", "function": call}]


def test_without_an_answer_the_model_is_the_one_that_was_asked():
    event = event_of(INFERENCE | {"llm.invocation_parameters": '{"model": "gpt-4o", "seed": 1}'})

    assert (event.model, event.model_returned, event.params) == ("gpt-4o", None, {"seed": 1})


def test_documents_of_a_retriever_are_rebuilt():
    start = "retrieval.documents.0.document."
    event = event_of(
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "parcel",
            f"{start}content": "Parcels take 3 days.",
            f"{start}score": 0.9,
            f"{start}metadata": '{"page": 1}',
        }
    )

    document = {"content": "Parcels take 3 days.", "score": 0.9, "metadata": {"page": 1}}
    assert (event.input, event.output) == ("parcel", {"documents": [document]})


def test_one_convention_speaks_and_the_others_fill_the_gaps():
    event = event_of(
        INFERENCE
        | {"llm.model_name": "a", "gen_ai.request.model": "b", "gen_ai.conversation.id": "c"}
    )

    assert (event.kind, event.model, event.session) == ("llm", "a", "c")


def test_an_exception_tells_the_error_and_a_caught_one_does_not():
    raised = {
        "name": "exception",
        "timeUnixNano": str(NANOSECONDS),
        "attributes": [
            {"key": "exception.type", "value": make_value("ValueError")},
            {"key": "exception.message", "value": make_value("no such order")},
        ],
    }
    failed = event_of(events=[raised], status={"code": 2})
    caught = event_of(events=[raised], status={"code": "STATUS_CODE_OK"})

    assert (failed.status, failed.error.type) == ("error", "ValueError")
    assert failed.error.message == "no such order"
    assert (caught.status, caught.error) == ("ok", None)
    assert caught.extra["events"][0]["name"] == "exception"


def test_environment_and_release_come_from_the_resource():
    event = event_of(resource={"deployment.environment": "lab", "service.version": "1.4"})

    assert (event.environment, event.release) == ("lab", "1.4")


def spans_of(*spans):
    return {event.id[-1]: event for event in read(make_spans(*spans)).events}


@pytest.mark.parametrize(
    ("spans", "session"),
    [
        ([numbered(1, None, {"session.id": "a"}), numbered(2, 1)], "a"),
        ([numbered(2, 1), numbered(1, None, {"session.id": "a"})], "a"),
        ([numbered(1, None, {"session.id": "a"}),
          numbered(2, 1, {"gen_ai.conversation.id": "b"})], "a"),
        ([numbered(1, None, {"gen_ai.conversation.id": "a"}),
          numbered(2, 1, {"gen_ai.conversation.id": "b"})], "b"),
        ([numbered(1), numbered(2, 1), numbered(3, 1, {"gen_ai.conversation.id": "a"})], "a"),
        ([numbered(1, None, {"session.id": "a"}), numbered(2, 1, {"session.id": "b"})], "b"),
        ([numbered(2, 3), numbered(3, 2)], None),
        ([numbered(2, 2, {"session.id": "a"})], "a"),
        ([numbered(2, 9)], None),
    ],
    ids=["from the parent", "child first", "an ancestor's session.id wins over a conversation",
         "the nearest conversation", "from any span of the trace", "its own before its parent's",
         "a circle", "its own parent", "an orphan"],
)  # fmt: skip
def test_a_span_takes_its_session_from_its_trace(spans, session):
    assert spans_of(*spans)["2"].session == session


def test_user_and_tags_are_passed_down():
    told = {"session.id": "a", "user.id": "u", "tag.tags": ["x"]}

    child = spans_of(numbered(1, None, told), numbered(2, 1))["2"]

    assert (child.user, child.tags) == ("u", ["x"])


def test_another_trace_passes_nothing_on():
    other = numbered(1, None, {"session.id": "a"}, traceId="f" * 32)

    assert spans_of(other, numbered(2, 1))["2"].session is None


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        ({"droppedAttributesCount": 3, "droppedEventsCount": 1}, 4),
        ({"attributes": [{"key": "gen_ai.input.messages", "value": {"stringValue": '[{"ro'}}]}, 1),
    ],
    ids=["left out", "cut in the middle"],
)
def test_what_a_sender_cut_off_is_counted_and_flagged(sent, count):
    batch = read(make_spans(make_span(LLM, **sent)))

    assert [loss.count for loss in batch.losses() if loss.reason == "truncated"] == [count]
    assert batch.events[0].flags
