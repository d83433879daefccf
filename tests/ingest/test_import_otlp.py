from __future__ import annotations

import pytest

from apps.sessions import reader
from tests.ingest.import_samples import OTLP, OTLP_SPAN, lines, make_otlp, read
from tests.ingest.test_import_formats import store


def test_spans_and_log_records_of_a_file_become_one_step(project):
    store(project, "otlp-jsonl", OTLP)

    session = project.sessions.get()
    (step,) = reader.read_steps(session, reader.outline(session).steps, content=True)
    assert (step["kind"], step["name"], step["model"]) == ("llm", "chat gpt-4o", "gpt-4o")
    assert step["input"] == {"messages": [{"role": "user", "content": "hi"}]}
    assert (session.external_id, session.input_tokens) == ("chat-1", 3)


def test_a_broken_span_is_told_by_its_line_and_place_and_the_others_go_in():
    broken = OTLP_SPAN | {"spanId": "xyz"}

    found = read("otlp-jsonl", lines({"resourceSpans": []}, make_otlp(broken, OTLP_SPAN)))

    assert found.refusals == ["1: [0].spanId: Must be 16 hexadecimal digits, not 'xyz'."]
    assert found.table == [f"{'b' * 16}: llm chat gpt-4o < None"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"resourceMetrics": []}, "resourceMetrics: Only spans and log records are recorded."),
        ({"spans": []}, "Must hold resourceSpans or resourceLogs."),
        ({"resourceSpans": 7}, "The body is not an OTLP request in JSON"),
    ],
)
def test_what_is_no_request_is_refused(value, told):
    (refusal,) = read("otlp-jsonl", lines(value)).refusals

    assert told in refusal


def test_a_large_request_is_read_whole():
    spans = [OTLP_SPAN | {"spanId": f"{number:016x}"} for number in range(1, 2001)]

    assert len(read("otlp-jsonl", lines(make_otlp(*spans))).events) == 2000
