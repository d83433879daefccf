"""The workload of every benchmark: agent sessions as their instrumentation sends them.

Sessions of 2 to 9 turns, one trace a turn. A turn is a root agent span over LLM calls whose
history grows to 30 KB, tools (3 % fail) and a retriever. About 10 KB of OTLP an event,
because each call sends its whole history again. The seed fixes everything.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

WORDS = (
    "order refund customer delivery address payment invoice policy agent reply request status "
    "number please thank change cancel confirm account email travel booking seat flight hotel "
    "the a to of in is for on that with as was at by from your we can will not have"
).split()
SYSTEM_PROMPT_WORDS = 1300
START_NS = 1_780_000_000_000_000_000
SECOND = 1_000_000_000


@dataclass
class Writer:
    """Makes the spans of one session; the clock only goes forward."""

    rng: random.Random
    session: str
    clock: int
    history: list[dict[str, object]] = field(default_factory=list)

    def text(self, words: int) -> str:
        return " ".join(self.rng.choices(WORDS, k=words))

    def tick(self, low: float, high: float) -> int:
        self.clock += int(self.rng.uniform(low, high) * SECOND)
        return self.clock

    def span(self, trace: bytes, parent: bytes, name: str, **attributes: object) -> Span:
        start = self.tick(0.001, 0.05)
        span = Span(
            trace_id=trace,
            span_id=self.rng.randbytes(8),
            parent_span_id=parent,
            name=name,
            start_time_unix_nano=start,
            end_time_unix_nano=self.tick(0.05, 1.5),
        )
        for key, value in attributes.items():
            put(span, key.replace("__", "."), value)
        return span


def put(span: Span, key: str, value: object) -> None:
    """Add an attribute of the type that OTLP has for the value."""
    entry = span.attributes.add()
    entry.key = key
    if isinstance(value, int):
        entry.value.int_value = value
    elif isinstance(value, float):
        entry.value.double_value = value
    else:
        entry.value.string_value = value if isinstance(value, str) else json.dumps(value)


def message(role: str, **part: object) -> dict[str, object]:
    """Return a message with one part, as the GenAI convention shapes it."""
    return {"role": role, "parts": [part]}


def sessions(count: int, seed: int = 1) -> Iterator[list[Span]]:
    """Yield the spans of ``count`` sessions, about 37 each, in the order in which they end."""
    rng = random.Random(seed)
    for index in range(count):
        writer = Writer(rng, f"bench-{seed}-{index}", START_NS + index * 60 * SECOND)
        prompt = message("system", type="text", content=writer.text(SYSTEM_PROMPT_WORDS))
        writer.history.append(prompt)
        yield [span for _ in range(rng.randint(2, 9)) for span in turn(writer)]


def turn(writer: Writer) -> list[Span]:
    """Return one trace: a root agent, a retriever, and calls that use tools."""
    trace = writer.rng.randbytes(16)
    root = writer.span(
        trace,
        b"",
        "invoke_agent support",
        gen_ai__operation__name="invoke_agent",
        gen_ai__agent__name="support",
        gen_ai__conversation__id=writer.session,
        user__id=f"customer-{writer.rng.randint(1, 500)}",
    )
    writer.history.append(message("user", type="text", content=writer.text(90)))
    spans = [retrieval(writer, trace, root.span_id)]
    for step in range(3):
        spans.append(llm(writer, trace, root.span_id, calls_tool=step < 2))
        if step < 2:
            spans.append(tool(writer, trace, root.span_id))
    root.end_time_unix_nano = writer.clock
    return [*spans, root]


def retrieval(writer: Writer, trace: bytes, parent: bytes) -> Span:
    documents = [{"id": f"doc-{n}", "content": writer.text(120)} for n in range(3)]
    return writer.span(
        trace,
        parent,
        "retrieval policies",
        gen_ai__operation__name="retrieval",
        gen_ai__retrieval__query__text=writer.text(12),
        gen_ai__retrieval__documents=documents,
    )


def llm(writer: Writer, trace: bytes, parent: bytes, *, calls_tool: bool) -> Span:
    answer = (
        message("assistant", type="tool_call", id="c1", name="lookup", arguments={"id": 7})
        if calls_tool
        else message("assistant", type="text", content=writer.text(120))
    )
    size = sum(len(str(entry)) for entry in writer.history)
    span = writer.span(
        trace,
        parent,
        "chat gpt-4o",
        gen_ai__operation__name="chat",
        gen_ai__provider__name="openai",
        gen_ai__conversation__id=writer.session,
        gen_ai__request__model="gpt-4o",
        gen_ai__response__model="gpt-4o-2024-11-20",
        gen_ai__response__id=f"chatcmpl-{writer.rng.getrandbits(64):x}",
        gen_ai__request__temperature=0.2,
        gen_ai__request__max_tokens=512,
        gen_ai__usage__input_tokens=size // 4,
        gen_ai__usage__output_tokens=160,
        gen_ai__input__messages=writer.history,
        gen_ai__output__messages=[answer],
    )
    writer.history.append(answer)
    return span


def tool(writer: Writer, trace: bytes, parent: bytes) -> Span:
    failed = writer.rng.random() < 0.03
    result = "timeout" if failed else writer.text(150)
    span = writer.span(
        trace,
        parent,
        "execute_tool lookup",
        gen_ai__operation__name="execute_tool",
        gen_ai__tool__name="lookup",
        gen_ai__tool__call__id="c1",
        gen_ai__tool__call__arguments={"id": 7},
        gen_ai__tool__call__result=result,
    )
    if failed:
        span.status.code = 2
        span.status.message = "the order service did not answer"
        put(span, "error.type", "TimeoutError")
    writer.history.append(message("tool", type="tool_call_response", id="c1", response=result))
    return span


def batches(spans: list[Span], size: int) -> Iterator[bytes]:
    """Yield export requests of ``size`` spans, as the collector protocol carries them."""
    for start in range(0, len(spans), size):
        request = ExportTraceServiceRequest()
        scope = request.resource_spans.add().scope_spans.add()
        scope.scope.name = "opentelemetry.instrumentation.genai.openai"
        scope.spans.extend(spans[start : start + size])
        yield request.SerializeToString()
