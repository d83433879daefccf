"""Langfuse: what its SDKs write on spans, ``langfuse.*``, from version 3 on.

What belongs to a trace (session, user, tags, metadata) stands on any of its spans, at best on
all. Input and output are text or JSON; a call has its messages in OpenAI's form, with the
tools beside them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from apps.ingest.conventions.attributes import (
    Attributes,
    Fields,
    Json,
    Reading,
    as_money,
    known,
    says,
)
from apps.ingest.conventions.langfuse_usage import usage_of
from apps.ingest.conventions.quoted import arguments, unquoted
from apps.ingest.otlp.spans import EPOCH, RawSpan
from apps.sessions.events import ErrorInfo, PromptStamp, Usage

OBSERVATION = "langfuse.observation."
TRACE = "langfuse.trace."
KINDS = {
    "generation": "llm",
    "embedding": "embedding",
    "agent": "agent",
    "tool": "tool",
    "chain": "chain",
    "span": "chain",
    "retriever": "retriever",
    "evaluator": "evaluator",
    "guardrail": "guardrail",
    "event": "event",
}
# Kept beside the event as they are.
KEPT = (
    "langfuse.internal.",
    "langfuse.experiment.",
    "langfuse.trace.",
    "langfuse.observation.level",
    "langfuse.observation.status_message",
    "langfuse.environment",
    "langfuse.release",
)
# The first version that quotes every value of the metadata.
QUOTING = 5


def matches(span: RawSpan) -> bool:
    """Whether the span carries anything of Langfuse."""
    return says(span, "langfuse.")


def normalise(reading: Reading) -> Fields:
    """Return the fields of an event that the span's ``langfuse.*`` attributes tell."""
    kind = _kind(reading)
    usage = usage_of(reading.mapping(f"{OBSERVATION}usage_details") or {})
    fields = {
        "kind": kind,
        "session": reading.text("session.id", "langfuse.session.id"),
        "user": reading.text("user.id", "langfuse.user.id"),
        "tags": reading.words(f"{TRACE}tags"),
        "metadata": _metadata(reading),
        "environment": reading.text("langfuse.environment"),
        "release": reading.text("langfuse.release"),
        "stamps": known({"version": reading.text("langfuse.version")}),
        "model": reading.text(f"{OBSERVATION}model.name"),
        "params": _params(reading),
        "usage": usage,
        "cost": _cost(reading, usage),
        "time_to_first_token_ms": _first_token(reading),
        "prompt": _prompt(reading),
        "agent": reading.span.name or None if kind == "agent" else None,
        "error": _error(reading),
        **(_call(reading) if kind == "llm" else _step(reading, kind)),
    }
    if fields["error"] is not None:
        fields["status"] = "error"
    return known(fields)


def _kind(reading: Reading) -> str | None:
    named = reading.text(f"{OBSERVATION}type")
    if named is None and f"{OBSERVATION}model.name" in reading.attributes:
        return "llm"
    return KINDS.get((named or "").lower())


def _values(reading: Reading) -> Fields:
    return {
        "input": reading.opened(f"{OBSERVATION}input", f"{TRACE}input"),
        "output": reading.opened(f"{OBSERVATION}output", f"{TRACE}output"),
    }


def _step(reading: Reading, kind: str | None) -> Fields:
    values = _values(reading)
    return values | {"input": arguments(values["input"], kind)}


def _call(reading: Reading) -> Fields:
    return call_said(**_values(reading))


def call_said(input: Json, output: Json) -> Fields:
    """Return what a call was asked and answered, its tools apart."""
    tools = None
    if isinstance(input, dict) and isinstance(input.get("messages"), list):
        tools = input.get("tools")
        input = {name: value for name, value in input.items() if name != "tools"}
    elif is_chat(input):
        input = {"messages": input}
    if is_message(output):
        output = {"messages": [output]}
    elif is_chat(output):
        output = {"messages": output}
    return {"input": input, "output": output, "tools": tools if isinstance(tools, list) else None}


def is_chat(value: Json) -> bool:
    """Whether a value is a list of messages."""
    return isinstance(value, list) and bool(value) and all(map(is_message, value))


def is_message(value: Json) -> bool:
    """Whether a value is a message: it has a role."""
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def _metadata(reading: Reading) -> Attributes | None:
    """Return the metadata of the trace and of the span, which knows better."""
    version = reading.span.scope.version.partition(".")[0]
    is_quoting = version.isdigit() and int(version) >= QUOTING
    found: Attributes = {}
    for prefix in (f"{TRACE}metadata", f"{OBSERVATION}metadata"):
        if isinstance(whole := reading.opened(prefix), dict):
            found |= whole
        elif whole is not None:
            found["metadata"] = whole
        for key, value in reading.under(f"{prefix}.").items():
            is_opened = is_quoting or str(value).startswith(("{", "[", '"'))
            found[key] = unquoted(value) if is_opened else value
    return found or None


def _params(reading: Reading) -> Attributes | None:
    """Return the parameters without the limit that stands for none."""
    told = reading.mapping(f"{OBSERVATION}model.parameters") or {}
    return {name: value for name, value in told.items() if value != "Infinity"} or None


def _cost(reading: Reading, usage: Usage | None) -> Decimal | None:
    """Return the price that was sent. Zeros for a call that used nothing stand for unknown."""
    parts = reading.mapping(f"{OBSERVATION}cost_details") or {}
    return cost_of(parts, usage)


def cost_of(parts: Attributes, usage: Usage | None) -> Decimal | None:
    """Return the sum of a price's parts."""
    total = as_money(parts.get("total"))
    if total is None:
        amounts = [amount for part in parts.values() if (amount := as_money(part)) is not None]
        total = sum(amounts, Decimal(0)) if amounts else None
    return None if not total and usage is None else total


def _first_token(reading: Reading) -> float | None:
    started, name = reading.span.start, f"{OBSERVATION}completion_start_time"
    first = unquoted(reading.attributes.get(name))
    try:
        at = datetime.fromisoformat(first) if isinstance(first, str) else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None or not started:
        return None
    reading.used.add(name)
    waited = (at - EPOCH) // timedelta(microseconds=1) - started // 1000
    return waited / 1000 if waited >= 0 else None


def _prompt(reading: Reading) -> PromptStamp | None:
    name = reading.text(f"{OBSERVATION}prompt.name")
    if name is None:
        return None
    return PromptStamp(name=name, version=reading.text(f"{OBSERVATION}prompt.version"))


def _error(reading: Reading) -> ErrorInfo | None:
    """Return what went wrong; a warning is none, and stays beside the event."""
    if reading.attributes.get(f"{OBSERVATION}level") != "ERROR":
        return None
    reading.skip(f"{OBSERVATION}level")
    told = reading.text(f"{OBSERVATION}status_message")
    raised = next((one for one in reversed(reading.span.events) if one.name == "exception"), None)
    named = raised.attributes.get("exception.type") if raised is not None else None
    named = named if isinstance(named, str) else None
    return ErrorInfo(type=named, message=told or reading.span.message or None)
