"""OpenInference: flattened attributes, with ``openinference.span.kind`` on each span.

The model's name is the one that answered, and is missing where nothing was answered; the
one that was asked for stands among the parameters. ``input.value`` repeats the whole
request, so it is content only where no messages are sent apart.
"""

from __future__ import annotations

from apps.ingest.conventions.attributes import (
    Attributes,
    Fields,
    Json,
    Reading,
    as_text,
    indexed,
    known,
)
from apps.ingest.otlp.spans import RawSpan
from apps.sessions.events import PromptStamp, Usage

SPAN_KIND = "openinference.span.kind"
KINDS = {
    "LLM": "llm",
    "TOOL": "tool",
    "AGENT": "agent",
    "CHAIN": "chain",
    "RETRIEVER": "retriever",
    "EMBEDDING": "embedding",
    "RERANKER": "reranker",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
    "PROMPT": "chain",
}
FIRST_TOKEN = "First Token Stream Event"  # noqa: S105 - a token of text
# Kept beside the event as they are.
KEPT = (
    "input.",
    "output.",
    "llm.prompt_template.",
    "llm.token_count.",
    "llm.system",
    "graph.node.",
    "exception.",
)
# Lists that are flat attributes: the field that holds each, and how it is flat again.
FLAT = {
    "llm.input_messages.": ("input.messages", "messages"),
    "llm.output_messages.": ("output.messages", "messages"),
    "llm.tools.": ("tools", "tools"),
    "retrieval.documents.": ("output.documents", "documents"),
    "reranker.input_documents.": ("input.documents", "documents"),
    "reranker.output_documents.": ("output.documents", "documents"),
}
# Said by others too.
REPEATED = (
    "llm.token_count.total",
    "llm.response.model_name",
    "input.mime_type",
    "output.mime_type",
)


def matches(span: RawSpan) -> bool:
    """Whether the span speaks this convention."""
    return SPAN_KIND in span.attributes


def normalise(reading: Reading) -> Fields:
    """Return the fields of an event that the span's attributes tell."""
    kind = KINDS.get((reading.text(SPAN_KIND) or "").upper())
    params = dict(reading.mapping("llm.invocation_parameters") or {})
    asked = reading.text("llm.request.model_name") or as_text(params.pop("model", None))
    answered = reading.text(
        "llm.model_name", "llm.response.model_name", "embedding.model_name", "reranker.model_name"
    )
    reading.skip(*REPEATED)
    fields = {
        "kind": kind,
        "model": asked or answered,
        "model_returned": answered,
        "provider": reading.text("llm.provider", "llm.system"),
        "params": params | known({"finish_reason": reading.text("llm.finish_reason")}),
        "tools": [_tool_definition(one) for one in reading.indexed_json("llm.tools.")] or None,
        "usage": _usage(reading),
        "cost": reading.money("llm.cost.total"),
        "time_to_first_token_ms": _first_token(reading.span),
        "prompt": _prompt(reading),
        "agent": reading.text("agent.name"),
        **SAID.get(kind or "", _values)(reading),
    }
    return known(fields)


def _values(reading: Reading) -> Fields:
    return {"input": reading.opened("input.value"), "output": reading.opened("output.value")}


def _call(reading: Reading) -> Fields:
    """Return messages in OpenAI's shape, and the whole values where there are none."""
    asked = [message(one) for one in reading.indexed("llm.input_messages.")]
    answered = [message(one) for one in reading.indexed("llm.output_messages.")]
    response = reading.mapping("output.value")
    fields: Fields = {"response_id": as_text((response or {}).get("id"))}
    for field, name, messages in (
        ("input", "input.value", asked),
        ("output", "output.value", answered),
    ):
        fields[field] = {"messages": messages} if messages else reading.opened(name)
        if messages:
            # It says more than the messages do, so it stays beside them.
            reading.used.discard(name)
    return fields


def message(flat: Attributes) -> dict[str, Json]:
    """Return one message from its flattened attributes."""
    plain = {
        name.removeprefix("message."): value
        for name, value in flat.items()
        if not name.startswith(("message.tool_calls.", "message.contents."))
    }
    built: dict[str, Json] = {
        "role": plain.pop("role", None),
        "content": plain.pop("content", None),
    }
    if parts := [_part(one) for one in indexed(flat, "message.contents.")]:
        built["content"] = parts
    if calls := [_tool_call(one) for one in indexed(flat, "message.tool_calls.")]:
        built["tool_calls"] = calls
    return built | plain


def _part(flat: Attributes) -> dict[str, Json]:
    part = {name.removeprefix("message_content."): value for name, value in flat.items()}
    url = part.pop("image.image.url", None)
    if url is not None:
        return part | {"type": "image_url", "image_url": {"url": url}}
    return part


def _tool_call(flat: Attributes) -> dict[str, Json]:
    call = {name.removeprefix("tool_call."): value for name, value in flat.items()}
    function = {
        "name": call.pop("function.name", None),
        "arguments": call.pop("function.arguments", None),
    }
    return {"id": call.pop("id", None), "type": "function", "function": function} | call


def _tool(reading: Reading) -> Fields:
    call = {
        "id": reading.text("tool.id", "tool_call.id"),
        "description": reading.text("tool.description"),
        "parameters": reading.opened("tool.parameters"),
    }
    name = reading.text("tool.name")
    return _values(reading) | {"name": name, "tool_call": known(call)}


def _retriever(reading: Reading) -> Fields:
    documents = _documents(reading, "retrieval.documents.")
    return _values(reading) | known({"output": documents})


def _reranker(reading: Reading) -> Fields:
    query = known({"query": reading.opened("reranker.query")})
    given = query | (_documents(reading, "reranker.input_documents.") or {})
    found = _documents(reading, "reranker.output_documents.")
    return _values(reading) | known({"input": given, "output": found})


def _embedding(reading: Reading) -> Fields:
    embeddings = reading.indexed("embedding.embeddings.")
    texts = [one["embedding.text"] for one in embeddings if "embedding.text" in one]
    vectors = [
        {"vector": one["embedding.vector"]} for one in embeddings if "embedding.vector" in one
    ]
    output = {"embeddings": vectors} if vectors else None
    return _values(reading) | known({"input": texts or None, "output": output})


SAID = {
    "llm": _call,
    "tool": _tool,
    "retriever": _retriever,
    "reranker": _reranker,
    "embedding": _embedding,
}


def _documents(reading: Reading, prefix: str) -> Fields | None:
    documents = [
        {name.removeprefix("document."): value for name, value in one.items()}
        for one in reading.indexed_json(prefix)
    ]
    return {"documents": documents} if documents else None


def _tool_definition(flat: Attributes) -> Json:
    """Return a tool's schema, or all that is said of the tool where it has none."""
    if flat.keys() == {"tool.json_schema"}:
        return flat["tool.json_schema"]
    return {name.removeprefix("tool."): value for name, value in flat.items()}


def _usage(reading: Reading) -> Usage | None:
    name = "llm.token_count."
    usage = Usage(
        input=reading.whole(f"{name}prompt"),
        output=reading.whole(f"{name}completion"),
        cache_read=reading.whole(f"{name}prompt_details.cache_read"),
        cache_write=reading.whole(f"{name}prompt_details.cache_write"),
        reasoning=reading.whole(f"{name}completion_details.reasoning"),
    )
    return None if usage == Usage() else usage


def _first_token(span: RawSpan) -> float | None:
    for event in span.events:
        if event.name == FIRST_TOKEN and event.at >= span.start > 0:
            return (event.at - span.start) / 1e6
    return None


def _prompt(reading: Reading) -> PromptStamp | None:
    """Return which prompt was used, if it has a name: the convention has no place for one."""
    name = reading.text("llm.prompt_template.name")
    if name is None:
        return None
    return PromptStamp(
        name=name,
        version=reading.text("llm.prompt_template.version"),
        variables=reading.opened("llm.prompt_template.variables"),
    )
