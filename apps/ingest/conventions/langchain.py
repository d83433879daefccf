"""LangChain and LangGraph as OpenInference traces them: their own objects as JSON.

Nodes of a graph are spans too. The one that asks the model is called an agent where its
name says so, inside of the graph that is the agent.
"""

from __future__ import annotations

from apps.ingest.conventions.attributes import Fields, Json, Reading, as_text, known
from apps.ingest.otlp.spans import RawSpan
from apps.ingest.text import json_in_text

SCOPE = "openinference.instrumentation.langchain"
KIND = "openinference.span.kind"
NODE = "agent"
# Said elsewhere, or no parameter of the model.
REPEATED = frozenset({"model", "model_name", "_type", "tools", "functions"})
# A chain tells the first of its messages in the form of calls; they stand in its input too.
KEPT = ("llm.input_messages.", "llm.output_messages.")


def matches(span: RawSpan) -> bool:
    """Whether the span is made by OpenInference for LangChain."""
    return span.scope.name == SCOPE


def normalise(reading: Reading) -> Fields:
    """Return what is other than OpenInference says."""
    kind = reading.attributes.get(KIND)
    if kind == "LLM":
        return known(_call(reading))
    if kind == "TOOL":
        return known(_tool(reading))
    if kind == "AGENT":
        is_node = _is_node(reading)
        return {"kind": "chain"} if is_node else known({"agent": reading.span.name or None})
    return {}


def _is_node(reading: Reading) -> bool:
    told = reading.value("metadata")
    return isinstance(told, dict) and reading.span.name == NODE == told.get("langgraph_node")


def _call(reading: Reading) -> Fields:
    told = reading.mapping("llm.invocation_parameters") or {}
    params = {
        name: value for name, value in told.items() if value is not None and name not in REPEATED
    }
    finish = known({"finish_reason": reading.text("llm.finish_reason")})
    return {
        # What was asked for is nowhere else.
        "model": as_text(told.get("model")) or as_text(told.get("model_name")),
        "params": params | finish,
        "response_id": _response_id(reading),
    }


def _response_id(reading: Reading) -> str | None:
    answer = reading.value("output.value")
    metadata = _inside(answer, "generations", 0, 0, "message", "kwargs", "response_metadata")
    return as_text(metadata.get("id")) if isinstance(metadata, dict) else None


def _inside(value: Json, *path: str | int) -> Json:
    """Return what lies at ``path``, or None where there is nothing."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _tool(reading: Reading) -> Fields:
    """Return the result of a tool out of the message that wraps it."""
    answer = reading.mapping("output.value") or {}
    message = answer.get("data")
    if answer.get("type") != "tool" or not isinstance(message, dict):
        return {}
    content = message.get("content")
    call = {
        "id": as_text(message.get("tool_call_id")),
        "description": reading.text("tool.description"),
    }
    return {
        "output": json_in_text(content) if isinstance(content, str) else content,
        "tool_call": known(call),
        "status": "error" if message.get("status") == "error" else None,
    }
