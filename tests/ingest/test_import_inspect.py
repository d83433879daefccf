from __future__ import annotations

import copy
import zipfile
from decimal import Decimal
from io import BytesIO

import pytest

from apps.sessions.events import ErrorInfo, Usage
from tests.ingest.import_samples import INSPECT, POOL, make_archive, read, whole

LOGS = pytest.mark.parametrize(
    "file",
    [whole(INSPECT), make_archive(), make_archive(packed=True)],
    ids=["json", "deflated", "zstandard"],
)


def changed(**sample) -> bytes:
    log = copy.deepcopy(INSPECT)
    log["samples"][0] |= sample
    return whole(log)


@LOGS
def test_each_sample_becomes_a_session(file):
    found = read("inspect", file)

    assert found.table == [
        "sample: agent sums < None",
        "solve: chain generate < sample",
        "u2: state sample_init < solve",
        "u3: llm openai/gpt-4o < solve",
        "u5: tool add < solve",
        "u6: event inner < u5",
        "u8: llm openai/gpt-4o < solve",
        "u9: state state < solve",
        "u11: evaluator includes < sample",
        "u12: event telepathy < sample",
        "sample: agent sums < None",
        "v1: guardrail message limit < sample",
        "v2: error error < sample",
    ]
    assert {event.session for event in found.events} == {"sample-1", "eval-1-2-1"}


def test_a_call_says_what_was_asked_answered_and_used():
    call = read("inspect", whole(INSPECT))["u3"]

    assert [one["content"] for one in call.input["messages"]] == ["Be exact.", "1+2?"]
    (answer,) = call.output["messages"]
    assert answer["tool_calls"][0]["function"] == {"name": "add", "arguments": {"x": 1, "y": 2}}
    assert call.usage == Usage(input=13, output=5, cache_read=3)
    assert (call.model, call.model_returned) == ("openai/gpt-4o", "gpt-4o-2024-08-06")
    assert (call.provider, call.params) == ("openai", {"seed": 7, "tool_choice": "auto"})
    assert (call.ended_at - call.started_at).total_seconds() == 1
    assert call.cost is None


def test_tokens_that_are_counted_in_the_context_are_not_counted_twice():
    steps = copy.deepcopy(INSPECT["samples"][0]["events"])
    steps[2]["output"] |= {"input_context_tokens": 13}
    steps[2]["output"]["usage"] = {
        "input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "total_cost": 0.25,
        "input_tokens_cache_read": 3, "reasoning_tokens": 2,
    }  # fmt: skip

    call = read("inspect", changed(events=steps))["u3"]

    assert call.usage == Usage(input=13, output=5, cache_read=3, reasoning=2)
    assert call.cost == Decimal("0.25")


def test_tools_scores_changes_and_limits_are_told():
    found = read("inspect", whole(INSPECT))

    assert (found["u5"].input, found["u5"].output) == ({"x": 1, "y": 2}, "3")
    assert found["u5"].extra == {"tool_call": {"id": "c1"}}
    assert found["u9"].state_patch == [{"op": "add", "path": "/messages/0", "value": 1}]
    assert found["u11"].output == {"value": "C", "answer": "3", "explanation": "It is."}
    assert found["v1"].output == {"type": "message", "limit": 8, "message": "Too many."}
    assert (found["v2"].status, found["v2"].error) == ("error", ErrorInfo(message="Boom()"))


def test_a_sample_says_what_the_log_says_of_all():
    root = read("inspect", whole(INSPECT)).events[0]

    assert (root.input, root.output, root.tags) == ("1+2?", "The sum is 3.", ["nightly"])
    assert root.metadata == {
        "task": "sums", "dataset": "additions", "sample": "one", "epoch": 1, "target": "3",
        "model": "openai/gpt-4o", "evaluation": "eval-1", "run": "run-1",
        "metadata": {"level": 1}, "about": {"team": "maths"},
    }  # fmt: skip


def test_an_event_of_an_unknown_kind_is_kept_and_counted():
    found = read("inspect", whole(INSPECT))

    assert found["u12"].output == {"thought": "?"}
    assert found.unmapped["event:telepathy"] == 1


def test_a_log_that_kept_only_messages_is_read_by_them():
    found = read("inspect", changed(events=[], messages=POOL, attachments={"a1": "1+2?"}))

    assert found.table[:3] == [
        "sample: agent sums < None",
        "m2: llm assistant < sample",
        "m2-t0: tool add < m2",
    ]
    assert found["m2-t0"].output == "3"
    assert found["score-includes"].output == {"value": "C"}


def test_steps_of_older_logs_nest_as_they_open_and_close():
    steps = [
        {"event": "step", "action": "begin", "type": "solver", "name": "generate"},
        {"event": "tool", "id": "c1", "function": "add", "arguments": {}, "result": 3,
         "events": [{"event": "info", "data": 1}]},
        {"event": "step", "action": "end", "type": "solver", "name": "generate"},
        {"event": "info", "data": 2},
    ]  # fmt: skip

    assert read("inspect", changed(events=steps, scores={})).table[1:5] == [
        "step-1: chain generate < sample",
        "e2: tool add < step-1",
        "e3: event info < step-1",
        "e5: event info < sample",
    ]


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ({"events": 7}, "sample.events: Must be a list."),
        ({"events": [7]}, "events[0]: Must be an object."),
        ({"epoch": "x"}, "sample.epoch: Must be a whole number."),
        ({"started_at": "noon"}, "sample.started_at: Must be a time in ISO 8601."),
        ({"events": [{"event": "model", "tools": {}}]}, "events[0].tools: Must be a list."),
    ],
)
def test_a_broken_sample_is_told_by_its_place_and_the_others_go_in(sample, told):
    found = read("inspect", changed(**sample))

    assert found.refusals == [f"0: {told}"]
    assert {event.session for event in found.events} == {"eval-1-2-1"}


def test_a_broken_file_of_an_archive_costs_only_itself():
    file = BytesIO(make_archive())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("samples/3_epoch_1.json", "{")

    found = read("inspect", file.getvalue())

    assert "2: samples/3_epoch_1.json cannot be read" in found.refusals[0]
    assert len(found.events) == 13


def test_a_change_of_no_known_kind_is_left_out_and_its_event_kept():
    changes = [{"op": [], "path": "/a"}, {"op": "add", "path": "/b", "value": 1}, 7]
    event = {"event": "state", "uuid": "u", "changes": changes}

    found = read("inspect", changed(events=[event]))

    assert found["u"].state_patch == [{"op": "add", "path": "/b", "value": 1}]


def test_a_number_that_cannot_be_kept_refuses_the_sample():
    file = whole(INSPECT).replace(b'"team": "maths"', b'"team": NaN')

    assert "log.metadata.team: NaN is not a JSON number" in read("inspect", file).refusals[0]


@pytest.mark.parametrize("file", [b"PK\x03\x04", b'{"status": "x"', b"[]", b'{"samples": [{}]}'])
def test_what_is_no_log_is_refused(file):
    found = read("inspect", file)

    assert found.events == []
    assert len(found.refusals) == 1


def test_a_member_that_unpacks_to_more_than_the_limit_is_not_unpacked():
    file = BytesIO(make_archive())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/3_epoch_1.json", b" " * (65 * 1024 * 1024))

    assert "longer than the limit of 64 MiB" in read("inspect", file.getvalue()).refusals[0]
