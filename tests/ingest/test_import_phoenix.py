from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.sessions.events import Usage
from tests.ingest.import_samples import (
    PHOENIX,
    PHOENIX_CSV,
    PHOENIX_NESTED,
    PHOENIX_SPAN,
    lines,
    read,
    whole,
)

SPAN = "c" * 16
SHAPES = pytest.mark.parametrize(
    "file", [whole(PHOENIX), lines(PHOENIX_SPAN), lines(PHOENIX_NESTED)], ids=str
)


@SHAPES
def test_a_span_is_read_as_it_was_sent_to_phoenix(file):
    call = read("phoenix", file)[SPAN]

    assert (call.kind, call.name, call.parent) == ("llm", "ChatCompletion", "b" * 16)
    assert (call.trace, call.session) == ("a" * 32, "chat-1")
    assert call.input == {"messages": [{"role": "user", "content": "hi"}]}
    assert call.output == {"messages": [{"role": "assistant", "content": "yo"}]}
    assert (call.model, call.model_returned) == ("gpt-4o", "gpt-4o-2024-08-06")
    assert (call.usage, call.cost) == (Usage(input=3, output=2), None)
    assert (call.status, call.error.message) == ("error", "Boom")
    assert call.started_at == datetime(2026, 3, 4, 5, 6, 7, 100_000, tzinfo=UTC)


@SHAPES
def test_an_attribute_that_nobody_knows_is_kept_and_counted(file):
    found = read("phoenix", file)

    assert found[SPAN].extra["attributes"] == {"moon.phase": "full"}
    assert found.unmapped == {"moon.phase": 1}


def test_a_saved_data_frame_is_read_row_by_row():
    call = read("phoenix", PHOENIX_CSV.encode())[SPAN]

    assert (call.kind, call.name, call.parent) == ("llm", "ChatCompletion", None)
    assert call.input == {"messages": [{"role": "user", "content": "hi"}]}
    assert (call.usage, call.session, call.model) == (Usage(input=3), "chat-1", "gpt-4o")
    assert call.started_at == datetime(2026, 3, 4, 5, 6, 7, 123_456, tzinfo=UTC)


def test_a_data_frame_as_json_has_its_times_in_milliseconds():
    flat = {f"attributes.{name}": value for name, value in PHOENIX_SPAN["attributes"].items()}
    row = {"context.span_id": SPAN, "context.trace_id": "a" * 32, "start_time": 1772600767123}

    call = read("phoenix", lines(row | flat | {"span_kind": "LLM"}))[SPAN]

    assert call.started_at == datetime(2026, 3, 4, 5, 6, 7, 123_000, tzinfo=UTC)
    assert call.usage == Usage(input=3, output=2)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"context": {"trace_id": "a"}}, "0: context.span_id: Required."),
        ({"context": 7}, "0: context: Must be an object."),
        ({"attributes": []}, "0: attributes: Must be an object."),
        ({"start_time": "soon"}, "0: start_time: Must be a time in ISO 8601."),
        ({"events": [7]}, "0: events[0]: Must be an object."),
    ],
)
def test_a_broken_span_is_told_by_its_place_and_the_others_go_in(fields, told):
    found = read("phoenix", lines(PHOENIX_SPAN | fields, PHOENIX_NESTED))

    assert found.refusals == [told]
    assert [event.id for event in found.events] == [SPAN]


def test_a_row_with_more_cells_than_columns_costs_only_itself():
    row = PHOENIX_CSV.splitlines()[1]

    found = read("phoenix", f"{PHOENIX_CSV}{row},more,cells\n".encode())

    assert found.refusals == ["1: There are more cells than columns."]
    assert len(found.events) == 1


@pytest.mark.parametrize("cell", ["[" * 100_000, "[open('x')]", "{1: 2, ", "[{'a': nan}]"])
def test_a_cell_that_is_no_value_stays_text(cell):
    file = PHOENIX_CSV.replace("[{'message.role': 'user', 'message.content': 'hi'}]", cell)

    found = read("phoenix", file.encode())

    assert found.refusals == []
    assert found[SPAN].input is None
