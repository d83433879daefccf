"""Small files in the shapes that other tools write, and their reading."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

import zstandard

from apps.ingest.batch import Batch, Rejection
from apps.ingest.importers.formats import format_named
from apps.ingest.importing import portions
from apps.sessions.events import IncomingEvent

Json = Any
ZSTANDARD = 93


class Reading:
    """What one reading of a file gave."""

    def __init__(self, batches: list[Batch]) -> None:
        self.events: list[IncomingEvent] = [event for one in batches for event in one.events]
        self.rejected: list[Rejection] = [told for one in batches for told in one.rejected]
        self.unmapped = {name: count for one in batches for name, count in one.unmapped.items()}

    def __getitem__(self, event_id: str) -> IncomingEvent:
        return next(event for event in self.events if event.id == event_id)

    @property
    def table(self) -> list[str]:
        """One line an event: its id, kind and name, and what it lies below."""
        return [f"{one.id}: {one.kind} {one.name} < {one.parent}" for one in self.events]

    @property
    def refusals(self) -> list[str]:
        return [f"{one.index}: {one.sentence}" for one in self.rejected]


def read(form: str, file: bytes) -> Reading:
    return Reading([one.batch for one in portions(io.BytesIO(file), format_named(form))])


def lines(*values: Json) -> bytes:
    return "\n".join(json.dumps(value) for value in values).encode()


def whole(value: Json) -> bytes:
    return json.dumps(value, indent=1).encode()


# Inspect: a sample that was answered, with a tool's call, and one that failed.
POOL = [
    {"role": "system", "content": "Be exact."},
    {"role": "user", "content": "attachment://a1"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c1", "function": "add", "arguments": {"x": 1, "y": 2}, "type": "function"}
        ],
    },
    {"role": "tool", "content": "3", "tool_call_id": "c1", "function": "add"},
]


def make_step(event: str, uuid: str, second: int, **fields: Json) -> dict[str, Json]:
    at = f"2026-03-04T05:06:{second:02}.000000+00:00"
    return {"uuid": uuid, "event": event, "timestamp": at, "working_start": 0.1} | fields


def make_call(uuid: str, second: int, seen: int, message: Json, **usage: int) -> dict[str, Json]:
    output = {
        "model": "gpt-4o-2024-08-06",
        "choices": [{"message": message, "stop_reason": "stop"}],
        "completion": "again",
        "usage": usage,
    }
    return make_step(
        "model", uuid, second, model="openai/gpt-4o", input=[], input_refs=[[0, seen]],
        tools=[{"name": "add", "parameters": {}}], tool_choice="auto", config={"seed": 7},
        output=output, call={"request": {}}, completed=f"2026-03-04T05:06:{second + 1:02}+00:00",
        span_id="solve",
    )  # fmt: skip


ANSWER = {"role": "assistant", "content": "The sum is 3."}
STEPS = [
    make_step("span_begin", "u1", 1, id="solve", type="solver", name="generate", span_id="solve"),
    make_step("sample_init", "u2", 1, sample={}, state={"messages": []}, span_id="solve"),
    make_call("u3", 2, 2, POOL[2], input_tokens=10, output_tokens=5, total_tokens=18,
              input_tokens_cache_read=3),
    make_step("span_begin", "u4", 3, id="around", parent_id="solve", type="tool", name="add"),
    make_step("tool", "u5", 3, id="c1", function="add", arguments={"x": 1, "y": 2}, result="3",
              completed="2026-03-04T05:06:04+00:00", span_id="solve", type="function"),
    make_step("info", "u6", 4, source="inner", data={"n": 1}, span_id="around"),
    make_step("span_end", "u7", 4, id="around"),
    make_call("u8", 5, 4, ANSWER, input_tokens=20, output_tokens=6, total_tokens=26),
    make_step("state", "u9", 6, span_id="solve",
              changes=[{"op": "add", "path": "/messages/0", "value": 1, "replaced": 0}]),
    make_step("span_end", "u10", 7, id="solve"),
    make_step("score", "u11", 8, scorer="includes", target="3", intermediate=False,
              score={"value": "C", "answer": "3", "explanation": "It is."}),
    make_step("telepathy", "u12", 9, thought="?"),
]  # fmt: skip
INSPECT_SAMPLES = [
    {
        "id": "one", "epoch": 1, "uuid": "sample-1", "input": "1+2?", "target": "3",
        "messages": POOL, "output": {"completion": "The sum is 3."}, "metadata": {"level": 1},
        "scores": {"includes": {"value": "C"}}, "events": STEPS,
        "events_data": {"messages": POOL}, "attachments": {"a1": "1+2?"},
        "started_at": "2026-03-04T05:06:00+00:00", "completed_at": "2026-03-04T05:06:10+00:00",
    },
    {
        "id": 2, "epoch": 1, "input": "13+2?", "target": "15", "messages": [],
        "events": [
            make_step("sample_limit", "v1", 1, type="message", limit=8, message="Too many."),
            make_step("error", "v2", 2, error={"message": "Boom()", "traceback": "line 1"}),
        ],
        "limit": {"type": "message", "limit": 8}, "error": {"message": "Boom()"},
    },
]  # fmt: skip
EVAL = {
    "eval_id": "eval-1", "run_id": "run-1", "task": "sums", "model": "openai/gpt-4o",
    "tags": ["nightly"], "metadata": {"team": "maths"}, "dataset": {"name": "additions"},
}  # fmt: skip
INSPECT = {"version": 2, "status": "success", "eval": EVAL, "plan": {}, "samples": INSPECT_SAMPLES}


def make_archive(*, packed: bool = False) -> bytes:
    """Return the same log as an archive; ``packed`` as newer versions write it."""
    members = {"_journal/start.json": {"eval": EVAL}, "header.json": {"version": 2, "eval": EVAL}}
    for sample in INSPECT_SAMPLES:
        members[f"samples/{sample['id']}_epoch_1.json"] = sample
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED) as made:
        for name, value in members.items():
            body = json.dumps(value).encode()
            made.writestr(name, zstandard.compress(body) if packed else body)
    return _marked(file.getvalue()) if packed else file.getvalue()


def _marked(archive: bytes) -> bytes:
    """Say of each member that it is in Zstandard, which Python cannot write by itself."""
    made = bytearray(archive)
    for start, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = archive.find(start)
        while place >= 0:
            struct.pack_into("<H", made, place + at, ZSTANDARD)
            place = archive.find(start, place + 4)
    return bytes(made)


# Langfuse: what its API answers for a trace.
LANGFUSE = {
    "id": "trace-1", "timestamp": "2026-03-04T05:06:07.000Z", "name": "ask", "userId": "user-1",
    "sessionId": "chat-1", "tags": ["beta"], "metadata": {"plan": "pro"}, "input": {"q": "hi"},
    "output": "yo", "release": "r1", "version": "2", "public": False, "environment": "production",
    "htmlPath": "/project/p/traces/trace-1", "latency": 1.2, "totalCost": 0.03,
    "observations": [
        {
            "id": "o1", "traceId": "trace-1", "type": "GENERATION", "name": "answer",
            "startTime": "2026-03-04T05:06:07.100Z", "endTime": "2026-03-04T05:06:08.100Z",
            "completionStartTime": "2026-03-04T05:06:07.600Z", "model": "gpt-4o",
            "modelParameters": {"temperature": 0}, "input": [{"role": "user", "content": "hi"}],
            "output": {"role": "assistant", "content": "yo"}, "level": "DEFAULT",
            "usage": {"input": 10, "output": 5, "total": 15, "unit": "TOKENS"},
            "usageDetails": {"input": 10, "output": 5, "total": 15},
            "costDetails": {"input": 0.01, "output": 0.02, "total": 0.03},
            "statusMessage": None, "parentObservationId": None, "environment": "production",
            "promptName": "greet", "promptVersion": 3, "metadata": None, "moonPhase": "full",
        },
        {
            "id": "o2", "traceId": "trace-1", "type": "TOOL", "name": "search",
            "startTime": "2026-03-04T05:06:07.200Z", "endTime": None, "level": "ERROR",
            "statusMessage": "boom", "parentObservationId": "o1", "input": '{"a": 1}',
        },
    ],
    "scores": [
        {
            "id": "s1", "traceId": "trace-1", "observationId": "o1", "name": "kind", "value": 1,
            "stringValue": "True", "dataType": "BOOLEAN", "source": "EVAL", "comment": "nice",
            "timestamp": "2026-03-04T05:06:09Z", "environment": "production",
        }
    ],
}  # fmt: skip
# The same step as a line of a bucket's file: names with underscores, times without a zone.
LANGFUSE_LINE = {
    "id": "o9", "trace_id": "trace-9", "type": "GENERATION", "name": "answer",
    "start_time": "2026-03-04 05:06:07.100000", "end_time": "2026-03-04 05:06:08",
    "provided_model_name": "gpt-4o", "usage_details": {"input": "3", "output": 4, "total": 7},
    "cost_details": "{}", "total_cost": "0.002", "session_id": "chat-9", "user_id": "user-9",
    "input": '[{"role": "user", "content": "hi"}]', "parent_observation_id": None,
}  # fmt: skip

# Phoenix: what its API answers, and one span as a saved data frame has it.
PHOENIX_SPAN = {
    "id": "U3Bhbjox", "name": "ChatCompletion", "span_kind": "LLM", "parent_id": "b" * 16,
    "context": {"trace_id": "a" * 32, "span_id": "c" * 16},
    "start_time": "2026-03-04T05:06:07.100000+00:00", "end_time": "2026-03-04T05:06:08+00:00",
    "status_code": "ERROR", "status_message": "Boom",
    "attributes": {
        "llm.model_name": "gpt-4o-2024-08-06", "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "hi", "session.id": "chat-1",
        "llm.output_messages.0.message.role": "assistant", "llm.token_count.prompt": 3,
        "llm.output_messages.0.message.content": "yo", "llm.token_count.completion": 2,
        "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 0}', "moon.phase": "full",
    },
    "events": [
        {
            "name": "exception", "timestamp": "2026-03-04T05:06:08+00:00",
            "attributes": {"exception.type": "ValueError", "exception.message": "Boom"},
        }
    ],
}  # fmt: skip
PHOENIX = {"data": [PHOENIX_SPAN], "next_cursor": None}
PHOENIX_NESTED = PHOENIX_SPAN | {
    "attributes": {
        "llm": {
            "model_name": "gpt-4o-2024-08-06",
            "input_messages": [{"message": {"role": "user", "content": "hi"}}],
            "output_messages": [{"message": {"role": "assistant", "content": "yo"}}],
            "token_count": {"prompt": 3, "completion": 2},
            "invocation_parameters": '{"model": "gpt-4o", "temperature": 0}',
        },
        "session": {"id": "chat-1"},
        "moon": {"phase": "full"},
    }
}
PHOENIX_CSV = (
    "context.span_id,context.trace_id,name,span_kind,parent_id,start_time,end_time,status_code,"
    "status_message,events,attributes.llm.input_messages,attributes.llm.token_count.prompt,"
    "attributes.session.id,attributes.llm.model_name\n"
    f"{'c' * 16},{'a' * 32},ChatCompletion,LLM,,2026-03-04 05:06:07.123456789+00:00,"
    "2026-03-04 05:06:08+00:00,OK,,[],"
    "\"[{'message.role': 'user', 'message.content': 'hi'}]\",3.0,chat-1,gpt-4o\n"
)

# SWE-agent: a step with what was asked, and one with the history beside it.
DIFF = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"
TRAJECTORY = {
    "environment": "swe_main",
    "trajectory": [
        {
            "action": "open x.py\n", "observation": "1: a", "response": "Look.\nopen x.py",
            "thought": "Look.", "state": '{"open_file": "n/a", "working_dir": "/x"}',
            "execution_time": 0.5, "extra_info": {"tries": 1},
            "query": [{"role": "system", "content": "Mend it."}],
        },
        {
            "action": "edit 1 b", "observation": "Edited.", "response": "Mend.",
            "thought": "Mend.", "state": {"open_file": "/x/x.py"}, "query": [],
            "tool_calls": [
                {"id": "c1", "type": "function",
                 "function": {"name": "edit", "arguments": '{"line": 1}'}}
            ],
        },
    ],
    "history": [
        {"role": "system", "content": "Mend it.", "agent": "main"},
        {"role": "assistant", "content": "Shown.", "agent": "main", "is_demo": True},
        {"role": "assistant", "content": "Look.", "agent": "main"},
        {"role": "user", "content": "1: a", "agent": "main"},
        {"role": "assistant", "content": "Mend.", "agent": "main"},
    ],
    "info": {
        "exit_status": "submitted", "submission": DIFF, "swe_agent_version": "1.1.0",
        "model_stats": {"instance_cost": 0.5, "tokens_sent": 100, "api_calls": 2},
    },
    "replay_config": '{"problem_statement": {"id": "x-1", "text": "b is missing"}}',
}  # fmt: skip

CHAT = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "hello"},
]
SHAREGPT = {
    "id": "chat-1",
    "source": "forum",
    "conversations": [
        {"from": "system", "value": "Be kind."},
        {"from": "human", "value": "Where is it?"},
        {"from": "function_call", "value": '{"name": "find", "arguments": {"order": 7}}'},
        {"from": "observation", "value": '{"place": "here"}'},
        {"from": "gpt", "value": "It is here."},
    ],
}
OTLP_SPAN = {
    "traceId": "a" * 32, "spanId": "b" * 16, "name": "chat gpt-4o",
    "startTimeUnixNano": "1772600767000000000", "endTimeUnixNano": "1772600768000000000",
    "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "3"}},
        {"key": "gen_ai.conversation.id", "value": {"stringValue": "chat-1"}},
    ],
}  # fmt: skip
OTLP_LOG = {
    "traceId": "a" * 32, "spanId": "b" * 16, "timeUnixNano": "1772600767500000000",
    "eventName": "gen_ai.user.message", "body": {"kvlistValue": {"values": [
        {"key": "content", "value": {"stringValue": "hi"}}]}},
}  # fmt: skip


def make_otlp(*spans: Json) -> dict[str, Json]:
    scope = {"name": "a.library", "version": "1"}
    return {"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": list(spans)}]}]}


OTLP = lines(
    make_otlp(OTLP_SPAN),
    {"resourceLogs": [{"scopeLogs": [{"logRecords": [OTLP_LOG]}]}]},
)
NATIVE = {"id": "1", "session": "s", "kind": "llm", "started_at": "2026-03-04T05:06:07Z"}

# One file of each format, by a name and the format that it has.
FILES: dict[str, tuple[str, bytes]] = {
    "otlp": ("otlp-jsonl", OTLP),
    "inspect log": ("inspect", whole(INSPECT)),
    "inspect archive": ("inspect", make_archive()),
    "inspect archive in zstandard": ("inspect", make_archive(packed=True)),
    "langfuse trace": ("langfuse-json", whole(LANGFUSE)),
    "langfuse page": ("langfuse-json", whole({"data": [LANGFUSE], "meta": {"page": 1}})),
    "langfuse lines": ("langfuse-json", lines(LANGFUSE_LINE)),
    "phoenix page": ("phoenix", whole(PHOENIX)),
    "phoenix lines": ("phoenix", lines(PHOENIX_NESTED)),
    "phoenix table": ("phoenix", PHOENIX_CSV.encode()),
    "trajectory": ("swe-agent", whole(TRAJECTORY)),
    "sharegpt": ("chat", lines(SHAREGPT)),
    "openai": ("openai-chat", whole([CHAT])),
    "events": ("playhead-jsonl", lines(NATIVE)),
}
