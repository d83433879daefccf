"""A travel agent that records itself with Langfuse as before its version 3: by hand, over JSON."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from langfuse import Langfuse

langfuse = Langfuse(
    host=os.environ["COLLECTOR_URL"],
    public_key=os.environ.get("PUBLIC_KEY", "7"),
    secret_key=os.environ.get("SECRET_KEY", "only-for-tests"),
    release="1.4.2",
    environment="lab",
)
CHAT = [
    {"role": "system", "content": "You are a weather service."},
    {"role": "user", "content": "What is the weather in Oslo?"},
]
CALL = {"name": "get_weather", "arguments": '{"city": "Oslo", "unit": "celsius"}'}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": CALL}],
}


def turn(question: str) -> None:
    trace = langfuse.trace(
        name="chat-turn",
        session_id="trip-1",
        user_id="customer-17",
        tags=["weather", "beta"],
        metadata={"plan": "pro", "seats": 2},
        input=question,
    )
    agent = trace.span(name="travel_agent", input=question)
    agent.event(name="question received", input=question)
    call = agent.generation(
        name="decide", model="gpt-4o", model_parameters={"temperature": 0.2}, input=CHAT
    )
    call.end(output=CALLED, usage={"input": 840, "output": 105, "unit": "TOKENS"})
    tool = agent.span(name="get_weather", input={"city": "Oslo"})
    if "Atlantis" in question:
        tool.end(level="ERROR", status_message="There is no such city: Atlantis")
    else:
        tool.end(output={"temperature": 4, "sky": "rain"})
    answer = agent.generation(name="answer", model="gpt-4o", input=CHAT)
    answer.update(completion_start_time=datetime.now(UTC))
    answer.end(
        output="It rains in Oslo, 4 degrees.",
        usage_details={"input": 712, "cache_read_input_tokens": 128, "output": 105},
    )
    agent.end(output="It rains in Oslo, 4 degrees.")
    trace.update(output="It rains in Oslo, 4 degrees.")
    trace.score(name="helpful", value=1, data_type="BOOLEAN", comment="Thanks!")
    call.score(name="tone", value="friendly", data_type="CATEGORICAL")


assert langfuse.auth_check()
turn("What is the weather in Oslo?")
turn("And that of Atlantis?")
langfuse.flush()
langfuse.shutdown()
