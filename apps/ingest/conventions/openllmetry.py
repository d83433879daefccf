"""OpenLLMetry: ``traceloop.*`` beside GenAI's attributes, and the names that came before them.

Steps of the application are marked by decorators; what belongs to a session hangs on every
span as association properties, whose keys are free. Older versions flatten the messages of
a call.
"""

from __future__ import annotations

from apps.ingest.conventions.attributes import (
    Attributes,
    Fields,
    Json,
    Reading,
    as_text,
    as_words,
    indexed,
    known,
    says,
)
from apps.ingest.conventions.quoted import arguments, said
from apps.ingest.otlp.spans import RawSpan
from apps.ingest.text import json_in_text
from apps.sessions.events import PromptStamp

ENTITY = "traceloop.entity."
PROPERTY = "traceloop.association.properties."
PROMPT = "traceloop.prompt."
KINDS = {"workflow": "chain", "task": "chain", "agent": "agent", "tool": "tool"}
OLD_KINDS = {
    "chat": "llm",
    "completion": "llm",
    "embedding": "embedding",
    "rerank": "reranker",
}
CHUNKS = ("gen_ai.content.completion.chunk", "llm.content.completion.chunk")
OLD = ("gen_ai.prompt.0.", "gen_ai.completion.0.", "llm.request.type")
SESSION = ("session_id", "sessionId", "session.id")
CONVERSATION = ("conversation_id", "thread_id", "chat_id")
USER = ("user_id", "userId", "user.id")
# Kept beside the event as they are.
KEPT = (
    "traceloop.",
    "llm.headers",
    "llm.response.",
    "llm.chat.",
    "llm.top_k",
    "llm.is_streaming",
    "gen_ai.openai.",
    "gen_ai.is_streaming",
)
# Said by others too.
REPEATED = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "traceloop.workflow.name")


def matches(span: RawSpan) -> bool:
    """Whether the span carries anything of OpenLLMetry."""
    return says(span, "traceloop.", *OLD)


def normalise(reading: Reading) -> Fields:
    """Return the fields of an event that the span's attributes tell."""
    reading.skip(*REPEATED)
    named = reading.text("traceloop.span.kind")
    kind = KINDS.get(named or "") or OLD_KINDS.get(reading.text("llm.request.type") or "")
    entity = reading.text(f"{ENTITY}name")
    properties = reading.under(PROPERTY)
    fields = {
        "kind": kind,
        "name": entity if named else None,
        "agent": entity if kind == "agent" else None,
        "time_to_first_token_ms": _first_token(reading.span),
        **_belonging(reading, properties),
        **(_entity(reading, kind) if named else _messages(reading)),
    }
    # What is left of the properties after those with a meaning of their own.
    return known(fields | {"metadata": properties or None})


def _belonging(reading: Reading, properties: Attributes) -> Fields:
    """Take what belongs to a session out of the properties."""
    return {
        "prompt": _prompt(reading, properties),
        "session": _take(properties, SESSION),
        "conversation": _take(properties, CONVERSATION),
        "user": _take(properties, USER),
        "tags": as_words(properties.pop("tags", None)) or None,
    }


def _take(properties: Attributes, names: tuple[str, ...]) -> str | None:
    for name in names:
        if (found := as_text(properties.get(name))) is not None:
            del properties[name]
            return found
    return None


def _prompt(reading: Reading, properties: Attributes) -> PromptStamp | None:
    """Return which prompt was used, if it has a name: a plain template has none."""
    name = reading.text(f"{PROMPT}key") or _take(properties, ("prompt_name",))
    version = _take(properties, ("prompt_version",))
    if name is None:
        return None
    return PromptStamp(
        name=name,
        version=version or reading.text(f"{PROMPT}version"),
        variables=reading.under(f"{PROMPT}template_variables.") or None,
    )


def _entity(reading: Reading, kind: str | None) -> Fields:
    # The name of the step says the same.
    reading.skip("gen_ai.tool.name")
    return {
        "input": arguments(said(reading, f"{ENTITY}input"), kind),
        "output": said(reading, f"{ENTITY}output"),
    }


def _messages(reading: Reading) -> Fields:
    """Return the messages of a call in OpenAI's shape, from the older flattened names."""
    asked = [message(one) for one in reading.indexed("gen_ai.prompt.")]
    answered = [message(one) for one in reading.indexed("gen_ai.completion.")]
    tools = [_tool(one) for one in reading.indexed("llm.request.functions.")]
    return {
        "input": {"messages": asked} if asked else None,
        "output": {"messages": answered} if answered else None,
        "tools": tools or None,
    }


def message(flat: Attributes) -> dict[str, Json]:
    """Return one message from its flattened attributes."""
    plain = {name: value for name, value in flat.items() if not name.startswith("tool_calls.")}
    built: dict[str, Json] = {
        "role": plain.pop("role", None),
        "content": _content(plain.pop("content", None)),
    }
    if calls := [_call(one) for one in indexed(flat, "tool_calls.")]:
        built["tool_calls"] = calls
    return built | plain


def _content(value: Json) -> Json:
    """Return content; a list of parts comes as JSON, while an object was said as text."""
    opened = json_in_text(value) if isinstance(value, str) else value
    return opened if isinstance(opened, list) else value


def _call(flat: Attributes) -> dict[str, Json]:
    function = {"name": flat.get("name"), "arguments": flat.get("arguments")}
    return {"id": flat.get("id"), "type": "function", "function": function}


def _tool(flat: Attributes) -> dict[str, Json]:
    opened = {
        name: json_in_text(value) if isinstance(value, str) else value
        for name, value in flat.items()
    }
    return {"type": "function", "function": opened}


def _first_token(span: RawSpan) -> float | None:
    """Return when the first part of a streamed answer came; lost where parts were left out."""
    if span.dropped or not span.start:
        return None
    times = [event.at for event in span.events if event.name in CHUNKS and event.at >= span.start]
    return (min(times) - span.start) / 1e6 if times else None
