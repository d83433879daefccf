from __future__ import annotations

from apps.ingest.batch import Batch
from apps.ingest.logs import read_logs
from apps.ingest.otlp import wire_json
from tests.ingest.factories import (
    NOW,
    SPAN_ID,
    TRACE_ID,
    make_log,
    make_logs,
    make_value,
)

LLM = {"gen_ai.operation.name": "chat"}


def logs_of(*records):
    batch = Batch(source="test")
    read_logs(wire_json.read_logs(make_logs(*records), batch), batch, NOW)
    return batch


def test_structured_content_of_a_log_record_is_the_content_of_its_span():
    messages = [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
    record = make_log(
        {"gen_ai.input.messages": messages, **LLM},
        eventName="gen_ai.client.inference.operation.details",
    )

    (event,) = logs_of(record).events

    assert (event.id, event.trace, event.kind) == (SPAN_ID, TRACE_ID, "llm")
    assert event.input == {"messages": messages}
    assert (event.name, event.started_at, event.status) == (None, None, None)


def test_records_of_one_message_each_are_joined():
    records = [
        make_log(eventName="gen_ai.choice", timeUnixNano="3",
                 body=make_value({"message": {"content": "Hello"}, "finish_reason": "stop"})),
        make_log(eventName="gen_ai.user.message", timeUnixNano="2",
                 body=make_value({"content": "Hi"})),
        make_log({"event.name": "gen_ai.system.message"}, timeUnixNano="1",
                 body=make_value({"content": "Be kind."})),
    ]  # fmt: skip

    (event,) = logs_of(*records).events

    assert [one["role"] for one in event.input["messages"]] == ["system", "user"]
    (answer,) = event.output["messages"]
    assert answer == {"role": "assistant", "content": "Hello", "finish_reason": "stop"}


def test_another_record_of_a_trace_is_an_event_under_its_span():
    record = make_log({"a": 1}, eventName="cart.checked", body=make_value("full"))

    (first,), (again,) = logs_of(record).events, logs_of(record).events

    assert (first.kind, first.parent, first.output) == ("event", SPAN_ID, "full")
    assert first == again


def test_a_record_of_no_trace_is_refused_with_the_reason():
    (rejection,) = logs_of(make_log(traceId="", spanId="")).rejected

    assert "belongs to no trace" in rejection.message
