"""A travel agent that records itself with Langfuse, as its documentation shows.

Two turns of one conversation, each a trace: tools in parallel and a streamed answer, then a
tool that fails and a provider that refuses. Then two scores.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from langfuse import Langfuse, get_client, observe, propagate_attributes
from langfuse.openai import OpenAI
from openai import BadRequestError

SYSTEM = "You are a weather service."
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
TOOLS = [{"type": "function", "function": FUNCTION}]

Langfuse(
    base_url=os.environ["COLLECTOR_URL"],
    public_key=os.environ.get("PUBLIC_KEY", "7"),
    secret_key=os.environ.get("SECRET_KEY", "only-for-tests"),
    environment="lab",
    release="1.4.2",
)
langfuse = get_client()
provider = OpenAI(
    base_url=os.environ["PROVIDER_URL"] + "/v1", api_key="only-for-tests", max_retries=0
)


@observe(as_type="tool")
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


@observe(as_type="agent")
def travel_agent(question: str) -> str:
    prompt = langfuse.get_prompt("travel-system", fallback=SYSTEM)
    messages: list[Any] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": question},
    ]
    asked = {"model": "gpt-4o", "tools": TOOLS, "langfuse_prompt": prompt}
    answer = provider.chat.completions.create(
        messages=messages, temperature=0.2, name="decide", **asked
    )
    message = answer.choices[0].message
    messages += [message.model_dump(exclude_none=True), *call_all(message.tool_calls)]
    stream = provider.chat.completions.create(
        messages=messages, stream=True, stream_options={"include_usage": True}, name="answer",
        **asked,
    )  # fmt: skip
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def turn(question: str) -> None:
    with (
        langfuse.start_as_current_observation(name="chat-turn", input=question) as root,
        propagate_attributes(
            session_id="trip-1",
            user_id="customer-17",
            tags=["weather", "beta"],
            metadata={"plan": "pro", "seats": 2},
            trace_name="travel",
        ),
    ):
        langfuse.create_event(name="question received", input=question)
        answer = travel_agent(question)
        root.update(output=answer, metadata={"channel": "web", "nested": {"deep": [1, 2]}})
        if "Atlantis" in question:
            fail()
        root.score_trace(name="helpful", value=1, data_type="BOOLEAN", comment="Thanks!")
        root.score(name="tone", value="friendly", data_type="CATEGORICAL")


def fail() -> None:
    with suppress(BadRequestError):
        provider.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Fail with [400]"}], name="fail"
        )


assert langfuse.auth_check()
turn("Compare the weather of Oslo and Bergen. [two]")
turn("And that of Atlantis? [lost]")
langfuse.create_score(name="resolved", value=0.5, session_id="trip-1", score_id="score-of-trip-1")
with langfuse.start_as_current_observation(
    name="by hand", as_type="generation", model="my-model", input="Hi", output="Hello"
) as generation:
    generation.update(
        usage_details={"input": 12, "output": 3, "input_cached_tokens": 4},
        cost_details={"input": 0.001, "output": 0.002, "total": 0.003},
        level="WARNING",
        status_message="slow",
        version="v7",
    )
langfuse.flush()
langfuse.shutdown()
