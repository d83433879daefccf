"""The workload of every benchmark: agent sessions as their instrumentation sends them.

Sessions of 2 to 9 turns, one trace a turn. A turn is a root agent span over LLM calls whose
history grows to 30 KB, tools (3 % fail) and a retriever. About 10 KB of OTLP an event,
because each call sends its whole history again. The seed fixes everything.

What is said is of a small vocabulary, or of 30,000 words as unevenly spread as in speech:
these compress worse and make the index of words larger. Rare words are planted to be found.
"""

from __future__ import annotations

import itertools
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
SYLLABLES = "ka lo mi nu re sa to vi wen dor gal hex jun pry qua zim bel cor fan tis".split()
VOCABULARY = 30_000
# Planted: in three sessions if so wanted, in one of a hundred, in every one.
RARE, UNCOMMON, COMMON = "zanzibarquartz", "uncommonword", "everywhere"
SYSTEM_PROMPT_WORDS = 1300
# A history that grew larger loses its oldest messages.
HISTORY_BYTES = 30_000
START_NS = 1_780_000_000_000_000_000
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Speech:
    """Words and how often they are said."""

    words: list[str]
    cum_weights: list[float] | None = None

    def say(self, rng: random.Random, count: int) -> str:
        return " ".join(rng.choices(self.words, cum_weights=self.cum_weights, k=count))


FEW_WORDS = Speech(WORDS)


def many_words() -> Speech:
    """Return words as unevenly spread as in English, the short ones said most.

    The commonest is one word in sixteen, and what a word says is 9.7 bits.
    """
    made = ("".join(word) for n in range(1, 5) for word in itertools.product(SYLLABLES, repeat=n))
    words = list(itertools.islice(made, VOCABULARY))
    weights = ((rank + 3) ** -1.15 for rank in range(VOCABULARY))
    return Speech(words, list(itertools.accumulate(weights)))


@dataclass
class Writer:
    """Makes the spans of one session; the clock only goes forward."""

    rng: random.Random
    session: str
    clock: int
    speech: Speech = FEW_WORDS
    planted: str = ""
    history: list[dict[str, object]] = field(default_factory=list)

    def text(self, words: int) -> str:
        return self.speech.say(self.rng, words)

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


def sessions(
    count: int, seed: int = 1, speech: Speech = FEW_WORDS, *, has_rare: bool = False
) -> Iterator[list[Span]]:
    """Yield the spans of ``count`` sessions, about 37 each, in the order in which they end."""
    rng = random.Random(seed)
    for index in range(count):
        writer = Writer(rng, f"bench-{seed}-{index}", START_NS + index * 60 * SECOND, speech)
        begin(writer, planted(index, {0, count // 2, count - 1} if has_rare else set()))
        yield [span for _ in range(rng.randint(2, 9)) for span in turn(writer)]


def long_session(name: str, spans: int, speech: Speech = FEW_WORDS) -> Iterator[list[Span]]:
    """Yield the turns of one session of ``spans`` spans."""
    writer = Writer(random.Random(name), name, START_NS, speech)
    begin(writer, COMMON)
    made = 0
    while made < spans:
        told = turn(writer)[: spans - made]
        made += len(told)
        yield told


def begin(writer: Writer, words: str) -> None:
    """Let the session have a system prompt, and ``words`` in what its user says first."""
    prompt = message("system", type="text", content=writer.text(SYSTEM_PROMPT_WORDS))
    writer.history.append(prompt)
    writer.planted = words


def planted(index: int, rare: set[int]) -> str:
    words = [COMMON]
    words += [RARE] if index in rare else []
    return " ".join(words + ([UNCOMMON] if index % 100 == 7 else []))


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
    asked = f"{writer.text(90)} {writer.planted}".rstrip()
    writer.planted = ""
    forget(writer)
    writer.history.append(message("user", type="text", content=asked))
    spans = [retrieval(writer, trace, root.span_id)]
    for step in range(3):
        spans.append(llm(writer, trace, root.span_id, calls_tool=step < 2))
        if step < 2:
            spans.append(tool(writer, trace, root.span_id))
    root.end_time_unix_nano = writer.clock
    return [*spans, root]


def forget(writer: Writer) -> None:
    """Drop the oldest turns of a history that is too long, but for the system prompt."""
    sizes = [len(str(entry)) for entry in writer.history]
    while sum(sizes) > HISTORY_BYTES and len(sizes) > 2:
        del writer.history[1], sizes[1]


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
