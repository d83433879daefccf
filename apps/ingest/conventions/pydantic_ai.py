"""pydantic-ai: GenAI's names on calls and tools, names of its own on the run of an agent.

What an agent's run used is the sum of its calls, under names of its own, so it is kept and
not counted. Its price is an estimate from the same table that prices are taken from here.
"""

from __future__ import annotations

from apps.ingest.conventions.attributes import Fields, Json, Reading, as_count, known
from apps.ingest.otlp.spans import RawSpan
from apps.sessions.events import Usage

SCOPE = "pydantic-ai"
MESSAGES = "pydantic_ai.all_messages"
NEW_FROM = "pydantic_ai.new_message_index"
USAGE = "gen_ai.usage."
# Kept beside the event as they are.
KEPT = (
    "pydantic_ai.",
    "logfire.",
    "gen_ai.aggregated_usage.",
    "gen_ai.usage.details.",
    "operation.cost",
    "model_request_parameters",
    "model_name",
    "agent_name",
)


def matches(span: RawSpan) -> bool:
    """Whether the span is one of pydantic-ai's own."""
    return span.scope.name == SCOPE or MESSAGES in span.attributes


def normalise(reading: Reading) -> Fields:
    """Return what only pydantic-ai says; the rest is GenAI's."""
    if "gen_ai.provider.name" in reading.attributes:
        reading.skip("gen_ai.system")
    if reading.attributes.get("gen_ai.operation.name") == "invoke_agent":
        return known(_run(reading))
    return known({"usage": _usage(reading)})


def _run(reading: Reading) -> Fields:
    """Return what an agent was asked in this run, and what it said in the end."""
    system = reading.listing("gen_ai.system_instructions")
    # They say more than what was asked, so they stay beside the event.
    spoken = reading.value(MESSAGES)
    asked = _asked(reading.attributes, spoken if isinstance(spoken, list) else [])
    said = known({"system": system, "messages": asked or None})
    return {"input": said, "output": reading.opened("final_result")}


def _asked(attributes: Fields, messages: list[Json]) -> list[Json]:
    """Return the messages with which the run began: all before the first answer to them."""
    start = as_count(attributes.get(NEW_FROM)) or 0
    for index in range(start, len(messages)):
        message = messages[index]
        if isinstance(message, dict) and message.get("role") == "assistant":
            return messages[:index]
    return messages


def _usage(reading: Reading) -> Usage | None:
    """Return GenAI's counts with those that stand among the details."""
    reasoning = reading.whole(f"{USAGE}details.reasoning_tokens")
    if reasoning is None:
        return None
    return Usage(
        input=reading.whole(f"{USAGE}input_tokens"),
        output=reading.whole(f"{USAGE}output_tokens"),
        cache_read=reading.whole(f"{USAGE}cache_read.input_tokens"),
        cache_write=reading.whole(f"{USAGE}cache_creation.input_tokens"),
        reasoning=reasoning,
    )
