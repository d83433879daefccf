"""OpenTelemetry's GenAI convention: ``gen_ai.*`` attributes on spans and log records.

Names moved several times; the older ones are read too. Content comes as JSON in text on
spans and as structured values on log records.
"""

from __future__ import annotations

from apps.ingest.conventions.attributes import Fields, Json, Reading, known
from apps.ingest.otlp.spans import RawSpan
from apps.sessions.events import PromptStamp, Usage

KINDS = {
    "chat": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "responses": "llm",
    "embeddings": "embedding",
    "retrieval": "retriever",
    "rerank": "reranker",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "chain",
    "evaluate": "evaluator",
}
REQUEST = "gen_ai.request."
VARIABLE = "gen_ai.prompt.variable."
# Kept beside the event as they are: nothing reads them yet, and nobody needs to be told.
KEPT = (
    "gen_ai.agent.",
    "gen_ai.data_source.",
    "gen_ai.evaluation.",
    "openai.",
    "anthropic.",
    "server.",
)


def matches(span: RawSpan) -> bool:
    """Whether the span speaks this convention."""
    attributes = span.attributes
    return "gen_ai.operation.name" in attributes or any(
        name.startswith("gen_ai.") for name in attributes
    )


def normalise(reading: Reading) -> Fields:
    """Return the fields of an event that the span's ``gen_ai.*`` attributes tell."""
    kind = _kind(reading)
    fields = {
        "kind": kind,
        "conversation": reading.text("gen_ai.conversation.id"),
        "provider": reading.text("gen_ai.provider.name", "gen_ai.system"),
        "model": reading.text("gen_ai.request.model"),
        "model_returned": reading.text("gen_ai.response.model"),
        "response_id": reading.text("gen_ai.response.id"),
        "params": _params(reading),
        "tools": reading.listing("gen_ai.tool.definitions"),
        "usage": _usage(reading),
        "cost": reading.money("gen_ai.usage.cost"),
        "time_to_first_token_ms": _first_token(reading),
        "prompt": _prompt(reading),
        "agent": reading.text("gen_ai.agent.name"),
        **_said(reading, kind),
    }
    return known(fields)


def _kind(reading: Reading) -> str | None:
    operation = reading.text("gen_ai.operation.name")
    names = reading.attributes
    # OpenLLMetry's older versions say apart what kind of a call it is.
    if operation is None and "gen_ai.request.model" in names and "llm.request.type" not in names:
        return "llm"
    return KINDS.get(operation or "")


def _said(reading: Reading, kind: str | None) -> Fields:
    """Return input and output, which lie in other attributes for each kind."""
    if kind == "tool":
        return _tool_call(reading)
    if kind == "retriever":
        documents = reading.opened("gen_ai.retrieval.documents")
        return {
            "input": reading.opened("gen_ai.retrieval.query.text"),
            "output": None if documents is None else {"documents": documents},
        }
    asked = messages(reading.opened("gen_ai.input.messages"))
    system = reading.opened("gen_ai.system_instructions")
    if system is not None:
        asked = {"system": system} | (
            asked if isinstance(asked, dict) else {"messages": asked or []}
        )
    return {"input": asked, "output": messages(reading.opened("gen_ai.output.messages"))}


def messages(value: Json) -> Json:
    """Return a list of messages as the object that holds it; what is no list stays as it is."""
    return {"messages": value} if isinstance(value, list) else value


def _tool_call(reading: Reading) -> Fields:
    call = {
        "id": reading.text("gen_ai.tool.call.id"),
        "type": reading.text("gen_ai.tool.type"),
        "description": reading.text("gen_ai.tool.description"),
    }
    return {
        "name": reading.text("gen_ai.tool.name"),
        "input": reading.opened("gen_ai.tool.call.arguments"),
        "output": reading.opened("gen_ai.tool.call.result"),
        "tool_call": known(call),
    }


def _params(reading: Reading) -> Fields:
    params = reading.under(REQUEST)
    params.pop("model", None)
    output_type = reading.text("gen_ai.output.type")
    finish = reading.words("gen_ai.response.finish_reasons")
    return params | known({"output_type": output_type, "finish_reasons": finish})


def _usage(reading: Reading) -> Usage | None:
    name = "gen_ai.usage."
    usage = Usage(
        input=reading.whole(f"{name}input_tokens", f"{name}prompt_tokens"),
        output=reading.whole(f"{name}output_tokens", f"{name}completion_tokens"),
        cache_read=reading.whole(
            f"{name}cache_read.input_tokens", f"{name}cache_read_input_tokens"
        ),
        cache_write=reading.whole(
            f"{name}cache_write.input_tokens",
            f"{name}cache_creation.input_tokens",
            f"{name}cache_creation_input_tokens",
        ),
        reasoning=reading.whole(f"{name}reasoning.output_tokens", f"{name}reasoning_tokens"),
    )
    return None if usage == Usage() else usage


def _first_token(reading: Reading) -> float | None:
    seconds = reading.fraction("gen_ai.response.time_to_first_chunk")
    return None if seconds is None else seconds * 1000


def _prompt(reading: Reading) -> PromptStamp | None:
    name = reading.text("gen_ai.prompt.name")
    if name is None:
        return None
    version = reading.text("gen_ai.prompt.version")
    variables = reading.under(VARIABLE) or reading.mapping("gen_ai.prompt.variables")
    return PromptStamp(name=name, version=version, variables=variables)
