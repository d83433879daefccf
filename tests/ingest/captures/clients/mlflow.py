"""A travel agent that is traced by MLflow and sends its spans over OTLP."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any

# The variable of the signal alone: the general one switches on metrics too.
os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = os.environ["COLLECTOR_URL"] + "/v1/traces"
os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
os.environ.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)

import mlflow
import mlflow.openai
from mlflow.entities import SpanType
from openai import BadRequestError, OpenAI

SYSTEM = "You are a weather service."
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
TOOLS = [{"type": "function", "function": FUNCTION}]

mlflow.openai.autolog()
provider = OpenAI(
    base_url=os.environ["PROVIDER_URL"] + "/v1", api_key="only-for-tests", max_retries=0
)


@mlflow.trace(span_type=SpanType.TOOL)
def get_weather(city: str, unit: str) -> dict[str, Any]:
    if city == "Atlantis":
        raise LookupError("There is no such city: Atlantis")
    return {"city": city, "temperature": 4, "sky": "rain"}


def call(tool_call: Any) -> str:
    try:
        return json.dumps(get_weather(**json.loads(tool_call.function.arguments)))
    except LookupError as error:
        return str(error)


def call_all(tool_calls: list[Any]) -> list[dict[str, Any]]:
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(copy_context().run, call, one) for one in tool_calls]
        return [
            {"role": "tool", "tool_call_id": one.id, "content": result.result()}
            for one, result in zip(tool_calls, running, strict=True)
        ]


@mlflow.trace(span_type=SpanType.AGENT, name="travel_agent")
def travel_agent(question: str, **tags: str) -> str:
    mlflow.update_current_trace(
        tags=tags, metadata={"mlflow.trace.user": "customer-17", "mlflow.trace.session": "trip-1"}
    )
    # What the line above says stays with MLflow; a span's attributes are sent.
    span = mlflow.get_current_active_span()
    span.set_attributes({"session.id": "trip-1", "user.id": "customer-17"})
    messages: list[Any] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": question},
    ]
    answer = provider.chat.completions.create(
        model="gpt-4o", messages=messages, tools=TOOLS, temperature=0.2
    )
    message = answer.choices[0].message
    messages += [message.model_dump(exclude_none=True), *call_all(message.tool_calls)]
    stream = provider.chat.completions.create(
        model="gpt-4o",
        messages=messages,
        tools=TOOLS,
        stream=True,
        stream_options={"include_usage": True},
    )
    words = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    if "[lost]" in question:
        fail()
    return "".join(words)


def fail() -> None:
    with suppress(BadRequestError):
        provider.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Fail with [400]"}]
        )


travel_agent("Compare the weather of Oslo and Bergen. [two]")
travel_agent("And that of Atlantis? [lost]")
# Tags make this version lose the span at the root of the trace.
travel_agent("And that of Oslo again?", channel="web")
mlflow.flush_trace_async_logging()
