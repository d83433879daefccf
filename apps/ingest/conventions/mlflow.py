"""MLflow: ``mlflow.*`` attributes, of which every value is JSON, words in quotes too.

Session and user are metadata of the trace, which is not sent over OTLP; an application that
wants them seen sets ``session.id`` and ``user.id`` on a span.
"""

from __future__ import annotations

import re

from apps.ingest.conventions.attributes import (
    Attributes,
    Fields,
    Json,
    Reading,
    as_count,
    as_money,
    as_text,
    known,
    says,
)
from apps.ingest.conventions.langfuse import call_said, is_message
from apps.ingest.conventions.quoted import said, unquoted, word
from apps.ingest.otlp.spans import RawSpan
from apps.sessions.events import PromptStamp, Usage

KINDS = {
    "LLM": "llm",
    "CHAT_MODEL": "llm",
    "CHAIN": "chain",
    "WORKFLOW": "chain",
    "TASK": "chain",
    "PARSER": "chain",
    "UNKNOWN": "chain",
    "AGENT": "agent",
    "TOOL": "tool",
    "RETRIEVER": "retriever",
    "RERANKER": "reranker",
    "EMBEDDING": "embedding",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
    "MEMORY": "memory",
}
TAG = "mlflow.traceTag."
FIRST_CHUNK = re.compile(r"mlflow\.chunk\.item\.0")
# Kept beside the event as they are.
KEPT = ("mlflow.",)
# Arguments of a call that are not parameters of the model.
SAID_APART = frozenset({"model", "messages", "tools", "input", "instructions", "system"})


def matches(span: RawSpan) -> bool:
    """Whether the span carries anything of MLflow."""
    return says(span, "mlflow.")


def normalise(reading: Reading) -> Fields:
    """Return the fields of an event that the span's attributes tell."""
    kind = KINDS.get((word(reading, "mlflow.spanType") or "").upper())
    cost = reading.mapping("mlflow.llm.cost") or {}
    fields = {
        "kind": kind,
        "session": word(reading, "session.id"),
        "user": word(reading, "user.id"),
        "metadata": {key: unquoted(value) for key, value in reading.under(TAG).items()} or None,
        "provider": word(reading, "mlflow.llm.provider"),
        "usage": _usage(reading.mapping("mlflow.chat.tokenUsage") or {}),
        "cost": as_money(cost.get("total_cost")),
        "time_to_first_token_ms": _first_token(reading.span),
        "prompt": _prompt(reading),
        "agent": word(reading, "mlflow.spanFunctionName") if kind == "agent" else None,
        **(_call if kind == "llm" else _values)(reading),
    }
    return known(fields)


def _values(reading: Reading) -> Fields:
    return {
        "input": said(reading, "mlflow.spanInputs"),
        "output": said(reading, "mlflow.spanOutputs"),
    }


def _call(reading: Reading) -> Fields:
    """Return a call: its request is the arguments of the provider's client."""
    values = _values(reading)
    request, response = values["input"], values["output"]
    asked = as_text(request.get("model")) if isinstance(request, dict) else None
    answered = as_text(response.get("model")) if isinstance(response, dict) else None
    params = _params(reading, request) if isinstance(request, dict) else {}
    told = call_said(_asked(request), _answered(response))
    tools = reading.listing("mlflow.chat.tools")
    return told | {
        "tools": told["tools"] or tools,
        "model": asked or word(reading, "model", "mlflow.llm.model"),
        "model_returned": answered,
        "response_id": as_text(response.get("id")) if isinstance(response, dict) else None,
        "params": params or None,
    }


def _params(reading: Reading, request: Attributes) -> Attributes:
    """Return the parameters, which stand a second time as attributes of the span."""
    for name in request:
        if name in reading.attributes and unquoted(reading.attributes[name]) == request[name]:
            reading.skip(name)
    return {name: value for name, value in request.items() if name not in SAID_APART}


def _asked(request: Json) -> Json:
    """Return what was said to the model, in the form of a chat."""
    if not isinstance(request, dict):
        return request
    messages = request.get("messages", request.get("input"))
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, list):
        return request
    system = request.get("system") or request.get("instructions")
    return known({"system": system, "messages": messages, "tools": request.get("tools")})


def _answered(response: Json) -> Json:
    """Return what the model said, whichever provider's answer it is."""
    if not isinstance(response, dict) or is_message(response):
        return response
    choices = response.get("choices")
    found = [_choice(one) for one in choices] if isinstance(choices, list) else []
    return found if found and all(map(is_message, found)) else response


def _choice(choice: Json) -> Json:
    if not isinstance(choice, dict) or not is_message(choice.get("message")):
        return None
    said_more = {name: value for name, value in choice["message"].items() if value is not None}
    # A message that only calls tools says so.
    told = {"content": None} | said_more
    return told | known({"finish_reason": choice.get("finish_reason")})


def _usage(told: Attributes) -> Usage | None:
    usage = Usage(
        input=as_count(told.get("input_tokens")),
        output=as_count(told.get("output_tokens")),
        cache_read=as_count(told.get("cache_read_input_tokens")),
        cache_write=as_count(told.get("cache_creation_input_tokens")),
    )
    return None if usage == Usage() else usage


def _prompt(reading: Reading) -> PromptStamp | None:
    linked = reading.listing("mlflow.linkedPrompts") or []
    first = linked[0] if linked and isinstance(linked[0], dict) else {}
    name = as_text(first.get("name"))
    return None if name is None else PromptStamp(name=name, version=as_text(first.get("version")))


def _first_token(span: RawSpan) -> float | None:
    """Return when the first part of a streamed answer came; a full list has lost it."""
    for event in span.events:
        if FIRST_CHUNK.fullmatch(event.name) and event.at >= span.start > 0:
            return (event.at - span.start) / 1e6
    return None
