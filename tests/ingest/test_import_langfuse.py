from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.sessions.events import ErrorInfo, PromptStamp, Usage
from tests.ingest.import_samples import LANGFUSE, LANGFUSE_LINE, lines, read, whole
from tests.ingest.test_import_formats import store


def changed(number: int = 0, **fields) -> bytes:
    trace = copy.deepcopy(LANGFUSE)
    trace["observations"][number] |= fields
    return whole(trace)


def test_a_trace_becomes_a_step_above_its_observations_and_scores():
    found = read("langfuse-json", whole(LANGFUSE))

    assert found.table == [
        "trace-1: chain ask < None",
        "o1: llm answer < trace-1",
        "o2: tool search < o1",
        "s1: evaluator kind < o1",
    ]
    assert {event.trace for event in found.events} == {"trace-1"}


def test_a_trace_says_whose_it_is(project):
    store(project, "langfuse-json", whole(LANGFUSE))

    session = project.sessions.get()
    assert (session.external_id, session.environment) == ("chat-1", "production")
    trace = read("langfuse-json", whole(LANGFUSE))["trace-1"]
    assert (trace.user, trace.tags, trace.release) == ("user-1", ["beta"], "r1")
    assert (trace.input, trace.output) == ({"q": "hi"}, "yo")
    assert (trace.metadata, trace.stamps) == ({"plan": "pro"}, {"version": "2"})


def test_a_generation_is_a_call_with_its_tokens_price_and_prompt():
    call = read("langfuse-json", whole(LANGFUSE))["o1"]

    assert call.input == {"messages": [{"role": "user", "content": "hi"}]}
    assert call.output == {"messages": [{"role": "assistant", "content": "yo"}]}
    assert (call.model, call.params) == ("gpt-4o", {"temperature": 0})
    assert (call.usage, call.cost) == (Usage(input=10, output=5), Decimal("0.03"))
    assert call.time_to_first_token_ms == 500
    assert call.prompt == PromptStamp(name="greet", version=3)
    assert (call.session, call.user, call.status) == ("chat-1", "user-1", "ok")


def test_an_error_and_a_score_say_what_was_said():
    found = read("langfuse-json", whole(LANGFUSE))

    assert (found["o2"].status, found["o2"].error) == ("error", ErrorInfo(message="boom"))
    assert (found["o2"].input, found["o2"].ended_at) == ({"a": 1}, None)
    assert found["s1"].output == {"value": "True", "data_type": "BOOLEAN", "comment": "nice"}


def test_a_line_of_a_bucket_is_read_by_names_with_underscores():
    call = read("langfuse-json", lines(LANGFUSE_LINE))["o9"]

    assert call.started_at == datetime(2026, 3, 4, 5, 6, 7, 100_000, tzinfo=UTC)
    assert (call.model, call.usage) == ("gpt-4o", Usage(input=3, output=4))
    assert (call.cost, call.session, call.user) == (Decimal("0.002"), "chat-9", "user-9")
    assert call.input == {"messages": [{"role": "user", "content": "hi"}]}


def test_fields_that_nobody_knows_are_kept_and_counted():
    found = read("langfuse-json", whole(LANGFUSE))

    assert found["o1"].extra == {"observation": {"moonPhase": "full"}}
    assert found.unmapped == {"moonPhase": 1}


def test_tokens_and_price_that_are_not_told_stay_unknown():
    nothing = {"usage": None, "usageDetails": {}, "costDetails": {}, "startTime": None}
    call = read("langfuse-json", changed(**nothing, parentObservationId="o0"))["o1"]

    assert (call.usage, call.cost, call.started_at) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"startTime": "soon"}, "observations[0].startTime: Must be a time in ISO 8601."),
        ({"id": None}, "observations[0].id: Required."),
        ({"usageDetails": [1]}, "observations[0].usageDetails: Expected 'object', got 'array'."),
        ({"name": 7}, "observations[0].name: Expected 'str | null', got 'int'."),
        ({"sessionId": 7}, "observations[0].sessionId: Must be text."),
    ],
)
def test_a_broken_observation_is_told_by_its_place_and_the_others_go_in(fields, told):
    found = read("langfuse-json", changed(**fields))

    assert found.refusals[0].startswith("0: observations[0].")
    assert [event.id for event in found.events] == ["trace-1", "o2", "s1"]
    assert told.partition(":")[0] in found.refusals[0]


def test_scores_alone_and_traces_alone_are_read():
    trace = {name: LANGFUSE[name] for name in ("id", "timestamp", "name", "sessionId", "userId")}
    score = LANGFUSE["scores"][0]

    found = read("langfuse-json", lines(trace, score, {"id": "s2", "name": "x", "value": 1}))

    assert [event.id for event in found.events] == ["trace-1", "s1"]
    assert "2: traceId: A score needs the id of a trace" in found.refusals[0]
