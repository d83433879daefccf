"""Each field of an event by the category that it belongs to."""

from __future__ import annotations

import json

import msgspec
import pytest
from playhead.matching import match_hashes

from apps.governance.policies import CompiledPolicy
from apps.governance.redaction import ProjectMarks
from apps.ingest.redacted_event import EventRedactor
from apps.sessions.events import ErrorInfo, IncomingEvent, Outcome, PromptStamp
from tests.governance.factories import make_policy

EMAIL = "jane.doe@example.org"
TEXT = f"Write to {EMAIL}."
MARKS = ProjectMarks(1)


def redact(event: IncomingEvent, action: str = "capture", **fields) -> IncomingEvent:
    policy = CompiledPolicy(make_policy(action, **fields))
    return EventRedactor(policy, MARKS).redacted(event)


def make(**fields) -> IncomingEvent:
    return IncomingEvent(**{"id": "e1", "session": "chat-1", "kind": "llm"} | fields)


def content(event: IncomingEvent) -> str:
    return json.dumps(msgspec.to_builtins(event), default=str)


EVERYWHERE = {
    "input": TEXT,
    "output": {"deep": [TEXT]},
    "error": ErrorInfo(type=EMAIL, message=TEXT, code=EMAIL),
    "params": {"stop": TEXT},
    "tools": [{"name": "mail", "description": TEXT}],
    "prompt": PromptStamp(name=EMAIL, version=EMAIL, variables={"to": EMAIL}),
    "stamps": {"by": EMAIL},
    "decision": {"reason": TEXT},
    "state": {"to": EMAIL},
    "state_patch": [{"op": "add", "path": "/to", "value": EMAIL}],
    "code_change": {"path": "a.py", "diff": f"+{TEXT}"},
    "inputs": [EMAIL],
    "reasoning": TEXT,
    "memory": {"after": TEXT},
    "outcome": Outcome(status="failure", reason=TEXT, code=EMAIL),
    "metadata": {EMAIL: TEXT},
    "tags": [EMAIL],
    "consent": {"by": EMAIL},
    "replay": {"seed": None, "stream": [[1, TEXT]], "note": TEXT},
    "extra": {"attributes": {"who": EMAIL}, "events": [{"name": EMAIL, "attributes": {"a": TEXT}}]},
    "sent": [{"of": "span", "attributes": {"who": TEXT}, "message": TEXT, "name": EMAIL}],
    "flags": [{"field": "x", "reason": TEXT}],
    "name": EMAIL, "agent": EMAIL, "model": EMAIL, "model_returned": EMAIL, "provider": EMAIL,
    "environment": EMAIL, "release": EMAIL, "user_role": EMAIL, "response_id": EMAIL,
    "request_id": EMAIL, "lane": EMAIL, "id": EMAIL, "parent": EMAIL, "session": EMAIL,
    "trace": EMAIL,
}  # fmt: skip
OF_NO_CONTENT = {
    "kind", "started_at", "ended_at", "position", "records", "status", "usage", "cost",
    "time_to_first_token_ms", "effects", "confidence", "schema", "ends_session", "user",
    "sent_user", "is_conversation",
}  # fmt: skip


def test_every_field_of_an_event_is_thought_of():
    assert set(IncomingEvent.__struct_fields__) == EVERYWHERE.keys() | OF_NO_CONTENT


@pytest.mark.parametrize("action", ["mask", "hash", "drop"])
@pytest.mark.parametrize("field", EVERYWHERE)
def test_no_field_lets_anything_through(field, action):
    kept = redact(make(**{field: EVERYWHERE[field]}), action)

    assert EMAIL not in content(kept)


@pytest.mark.parametrize("field", EVERYWHERE)
def test_every_field_is_kept_as_it_is_where_everything_is_captured(field):
    event = make(**{field: EVERYWHERE[field]})

    assert redact(event) is event


@pytest.mark.parametrize(
    ("field", "category"),
    [
        ("input", "input"),
        ("output", "output"),
        ("tools", "tool"),
        ("reasoning", "output"),
        ("decision", "output"),
        ("metadata", "metadata"),
        ("tags", "metadata"),
        ("consent", "metadata"),
        ("state", "input"),
        ("state", "output"),
        ("memory", "metadata"),
        ("code_change", "tool"),
    ],
)
def test_a_field_is_dropped_with_its_category_and_the_event_says_so(field, category):
    kept = redact(make(**{field: EVERYWHERE[field]}), **{category: "drop"})

    assert getattr(kept, field) is None
    [flag] = kept.flags
    assert (flag["field"], flag["by"], flag["policy"]) == (field, "redaction", "0")
    assert flag["reason"] == "By the project's policy: content not kept."


def test_the_event_says_what_was_found_and_what_became_of_it():
    kept = redact(make(input=f"{TEXT} {TEXT}", output=TEXT), input="mask", output="hash")

    assert [(flag["field"], flag["reason"]) for flag in kept.flags] == [
        ("input", "By the project's policy: 2 EMAIL masked."),
        ("output", "By the project's policy: 1 EMAIL hashed."),
    ]


MESSAGES = [
    {"role": "system", "content": f"1 {EMAIL}"},
    {"role": "developer", "content": f"2 {EMAIL}"},
    {"role": "user", "content": [{"type": "text", "text": f"3 {EMAIL}"}]},
    {
        "role": "assistant",
        "content": f"4 {EMAIL}",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "mail", "arguments": json.dumps({"to": f"5 {EMAIL}"})},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": f"6 {EMAIL}"},
    {"role": "user", "content": [{"type": "tool_result", "content": f"7 {EMAIL}"}]},
    {"role": "user", "parts": [{"type": "text", "content": f"8 {EMAIL}"}]},
    {"type": "function_call", "name": "mail", "arguments": f"9 {EMAIL}"},
]


@pytest.mark.parametrize(
    ("category", "masked"),
    [("system", "12"), ("input", "348"), ("output", "4"), ("tool", "5679"), ("metadata", "")],
)
def test_a_message_belongs_to_who_speaks(category, masked):
    kept = redact(make(input={"messages": MESSAGES}), **{category: "mask"})

    text = json.dumps(kept.input)
    assert [at for at in "123456789" if f"{at} [EMAIL]" in text] == list(masked)


@pytest.mark.parametrize("category", ["system", "input", "output", "tool"])
def test_dropping_what_some_say_leaves_messages_that_can_be_read(category):
    kept = redact(make(input={"messages": MESSAGES}), **{category: "drop"})

    messages = kept.input["messages"]
    assert [message.get("role") for message in messages] == [
        message.get("role") for message in MESSAGES
    ]
    assert "[DROPPED]" in json.dumps(messages)
    assert messages[3]["tool_calls"][0]["function"]["name"] == "mail"


@pytest.mark.parametrize("kind", ["tool", "evaluator", "guardrail", "human"])
def test_input_and_output_of_some_kinds_belong_elsewhere(kind):
    category = "tool" if kind == "tool" else "output"

    kept = redact(make(kind=kind, input=TEXT), **{category: "mask"})

    assert kept.input == "Write to [EMAIL]."


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("llm.input_messages.0.message.content", "input"),
        ("llm.input_messages.0.message.content", "system"),
        ("gen_ai.prompt.0.content", "tool"),
        ("gen_ai.system_instructions", "system"),
        ("gen_ai.completion.0.content", "output"),
        ("output.value", "output"),
        ("tool.parameters", "tool"),
        ("exception.message", "input"),
        ("customer.note", "metadata"),
    ],
)
@pytest.mark.parametrize("place", ["extra", "sent"])
def test_an_attribute_belongs_where_its_name_says(name, category, place):
    attributes = {"attributes": {name: TEXT}}
    event = make(**{place: attributes if place == "extra" else [attributes]})

    masked = redact(event, **{category: "mask"})
    dropped = redact(event, **{category: "drop"})

    assert EMAIL not in content(masked)
    assert "Write to [EMAIL]." in content(masked)
    assert "Write to" not in content(dropped)


def test_paths_and_names_in_what_was_sent_stay():
    sent = {"of": "span", "fields": {"input.value": "input"}, "json": ["input.value"], "kind": 3}

    assert redact(make(sent=[sent], input=TEXT), "mask").sent == [sent]


def test_match_hashes_are_those_of_what_was_asked():
    asked = {"messages": [{"role": "user", "content": TEXT}]}
    plain = match_hashes(asked, model="gpt-4o")

    kept = redact(make(input=asked, model="gpt-4o"), "mask")

    assert kept.replay["request_hash"] == plain.request
    assert kept.replay["loose_hash"] == plain.loose
    assert EMAIL not in json.dumps(kept.input)


def test_hashes_that_the_sender_made_stay():
    replay = {"canon": 1, "request_hash": "sha256:" + "4111111111111111" * 4, "ordinal": 3}

    kept = redact(make(input=TEXT, replay=replay), "mask")

    assert kept.replay == replay


def test_what_was_read_is_not_changed_in_place():
    event = make(**EVERYWHERE | {"kind": "llm"})
    before = content(event)

    redact(event, "mask")

    assert content(event) == before


def test_an_address_in_two_pieces_of_a_stream_is_found():
    stream = [[1, "Write to jane"], [2, ".doe@exam"], [3, "ple.org, please"], [4, "."]]

    kept = redact(make(replay={"stream": stream}), output="mask")

    assert kept.replay["stream"] == [[1, "Write to [EMAIL]"], [2, ""], [3, ", please"], [4, "."]]


def test_an_id_stays_the_same_id_and_so_links_hold():
    one = redact(make(id=f"call {EMAIL}", session=f"chat of {EMAIL}"), metadata="mask")
    two = redact(
        make(parent=f"call {EMAIL}", session=f"chat of {EMAIL}", inputs=[f"call {EMAIL}"]),
        metadata="mask",
    )

    assert one.id == two.parent == two.inputs[0] != f"call {EMAIL}"
    assert one.session == two.session
    assert one.session.startswith("chat of [EMAIL:")


def test_random_ids_are_no_numbers_of_cards():
    event = make(id="4111111111111111", trace="41111111111111114111111111111111")

    assert redact(event, "mask") is event


def test_words_in_the_clear_stay_where_metadata_is_dropped_but_for_what_is_found():
    kept = redact(make(name=f"mail {EMAIL}", model="gpt-4o", tags=["vip"]), metadata="drop")

    assert (kept.name, kept.model, kept.tags) == ("mail [EMAIL]", "gpt-4o", None)


def test_a_user_is_still_known_by_who_they_are():
    kept = redact(make(user=EMAIL), metadata="mask")

    assert (kept.user, kept.sent_user) == ("[EMAIL]", EMAIL)


def test_messages_nested_without_end_are_treated():
    value = {"role": "user", "content": TEXT}
    for _ in range(60):
        value = {"role": "user", "content": [value]}

    assert EMAIL not in content(redact(make(input=value), input="mask", output="hash"))
