"""Whatever a client sends, it is taken or refused with a reason: never a fault of ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.ingest.native import NativeEvent
from tests.ingest.factories import make_event, make_span, make_spans

JSON = "application/json"
ODD_TEXT = st.sampled_from(
    ["", "\x00", "\ud800", "__proto__", "x" * 513, "NaN", "now", "infinity", "-infinity", "'; --",
     "<script>alert(1)</script>", "\u202e", "😀", "1" * 400, "\\u0000", "../../etc/passwd"]
)  # fmt: skip
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(ODD_TEXT | st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"id": ODD_TEXT | st.just("e1"), "session": st.just("chat-1")},
        optional=dict.fromkeys(set(NativeEvent.__struct_fields__) - {"id", "session"}, ODD),
    ).map(lambda fields: make_event() | fields),
    max_size=3,
)
often = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def sender(project, key_client):
    return key_client(project, "ingest")


@often
@given(EVENTS)
def test_odd_events_are_taken_or_refused_one_by_one(sender, events):
    answer = sender.post("/api/v1/events", json.dumps({"events": events}), content_type=JSON)

    assert answer.status_code in {200, 207}, answer.content
    told = answer.json()
    assert told["accepted"] + told["duplicates"] + len(told["rejected"]) == len(events)


@pytest.mark.parametrize("field", sorted(NativeEvent.__struct_fields__))
def test_each_field_alone_takes_odd_values_or_refuses_them(project, key_client, sender, field):
    odd = [None, True, -1, 0, 2**63, 10**400, 1e308, float("nan"), "\x00", "\ud800", "x" * 600,
           "9999-12-31T23:59:59Z", [], [None], [[[]]], {}, {"": {}}, {"__proto__": {"a": 1}},
           {"ordinal": "x", "version": [], "input": "1", "status": 5, "type": 1, "op": []},
           [{"op": "add", "path": "/a/b", "value": 1}]]  # fmt: skip
    events = [make_event(id=f"e{index}") | {field: value} for index, value in enumerate(odd)]

    answer = sender.post("/api/v1/events", json.dumps({"events": events}), content_type=JSON)

    assert answer.status_code in {200, 207}, answer.content
    told = answer.json()
    assert told["accepted"] + told["duplicates"] + len(told["rejected"]) == len(odd)
    assert all(one["message"] for one in told["rejected"])
    reader = key_client(project, "read:content")
    for session in project.sessions.all():
        for page in ("", "/events", "/state"):
            read = reader.get(f"/api/v1/sessions/{session.pk}{page}")
            assert read.status_code == 200, read.content


@often
@given(st.dictionaries(st.sampled_from(
    ["gen_ai.operation.name", "gen_ai.input.messages", "gen_ai.usage.input_tokens", "session.id",
     "gen_ai.request.model", "gen_ai.prompt.name", "openinference.span.kind", "tag.tags",
     "metadata", "user.id", "error.type", "llm.cost.total", "input.value", "gen_ai.usage.cost"]
), ODD_TEXT | ODD.map(json.dumps) | st.sampled_from(["LLM", "chat", "TOOL"])))  # fmt: skip
def test_odd_spans_are_taken_or_refused_one_by_one(sender, attributes):
    spans = make_spans(make_span(attributes), make_span(spanId="1" * 16))

    answer = sender.post("/v1/traces", spans, content_type=JSON)

    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("name", ["metadata", "input.value", "error.type", "tag.tags", "user.id"])
def test_half_a_character_in_json_text_beside_a_secret_is_taken(sender, name):
    text = json.dumps({"../../etc/passwd": {"\ud800": None}})

    answer = sender.post("/v1/traces", make_spans(make_span({name: text})), content_type=JSON)

    assert answer.status_code == 200, answer.content
