"""A travel agent that is traced by OpenLLMetry, as the SDK of Traceloop sets it up."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import anthropic
from openai import BadRequestError, OpenAI
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import agent, task, tool, workflow

SYSTEM = "You are a weather service."
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
TOOLS = [{"type": "function", "function": FUNCTION}]

os.environ["TRACELOOP_METRICS_ENABLED"] = "false"
Traceloop.init(
    app_name="travel-agent",
    api_endpoint=os.environ["COLLECTOR_URL"],
    api_key="only-for-tests",
    telemetry_enabled=False,
    resource_attributes={"service.version": "1.4.2", "deployment.environment.name": "lab"},
)
provider = OpenAI(
    base_url=os.environ["PROVIDER_URL"] + "/v1", api_key="only-for-tests", max_retries=0
)
claude = anthropic.Anthropic(
    base_url=os.environ["PROVIDER_URL"], api_key="only-for-tests", max_retries=0
)


@tool(name="get_weather")
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


@agent(name="travel_agent")
def travel_agent(question: str) -> str:
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
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@task(name="check")
def check(answer: str) -> str:
    told = claude.messages.create(
        model="claude-sonnet-4-5",
        max_tokens=256,
        system=SYSTEM,
        messages=[{"role": "user", "content": f"Is this right? {answer}"}],
    )
    responses = provider.responses.create(model="gpt-4o", instructions=SYSTEM, input="Sum up.")
    with suppress(BadRequestError):
        provider.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Fail with [400]"}]
        )
    return told.content[0].text + responses.output_text


@workflow(name="trip")
def turn(question: str) -> str:
    Traceloop.set_association_properties(
        {
            "session_id": "trip-1",
            "user_id": "customer-17",
            "plan": "pro",
            "tags": ["weather", "beta"],
        }
    )
    Traceloop.set_prompt("You are a weather service for {{place}}.", {"place": "Oslo"}, version=3)
    answer = travel_agent(question)
    return check(answer) if "[lost]" in question else answer


turn("Compare the weather of Oslo and Bergen. [two]")
turn("And that of Atlantis? [lost]")
