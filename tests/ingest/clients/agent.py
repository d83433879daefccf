"""An agent that people might have: it calls models and a tool, and knows nothing of Playhead.

Run as a process of its own, since instrumentations change their libraries for good:
``python agent.py INSTRUMENTATION PROVIDER_URL SCENARIO...``. Where the spans go is told by
OpenTelemetry's own environment variables.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

CITY = "What is the weather in Oslo?"
SYSTEM = "You are a weather service."
WEATHER = {"temperature": 4, "sky": "rain"}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
    "required": ["city"],
}
FUNCTION = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
CHAT_TOOLS = [{"type": "function", "function": FUNCTION}]
RESPONSES_TOOLS = [{"type": "function", "strict": False} | FUNCTION]
CLAUDE_TOOLS = [
    {"name": "get_weather", "description": "Weather of a city", "input_schema": PARAMETERS}
]
CLAUDE = "claude-sonnet-4-5"

tracer = trace.get_tracer("weather-agent", "1.0")


def instrument(kind: str, logs: LoggerProvider) -> None:
    """Switch on one family of instrumentations."""
    if kind == "genai":
        from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
        from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

        OpenAIInstrumentor().instrument(logger_provider=logs)
        AnthropicInstrumentor().instrument(logger_provider=logs)
    if kind == "openinference":
        from openinference.instrumentation.anthropic import AnthropicInstrumentor
        from openinference.instrumentation.openai import OpenAIInstrumentor

        OpenAIInstrumentor().instrument()
        AnthropicInstrumentor().instrument()


@contextmanager
def turn(kind: str, session: str) -> Iterator[None]:
    """Open the span of one turn of the agent, as its convention writes it."""
    genai = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "weather",
        "gen_ai.conversation.id": session,
        "user.id": "customer-17",
    }
    inference = {
        "openinference.span.kind": "AGENT",
        "agent.name": "weather",
        "input.value": CITY,
        "session.id": session,
        "user.id": "customer-17",
        "tag.tags": ["weather"],
        "metadata": json.dumps({"plan": "pro"}),
    }
    attributes = inference if kind == "openinference" else genai
    with tracer.start_as_current_span("invoke_agent weather", attributes=attributes):
        yield


def call_tool(kind: str, call_id: str, arguments: str) -> str:
    """Run the tool in a span as its convention writes it."""
    result = json.dumps(WEATHER)
    genai = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": arguments,
        "gen_ai.tool.call.result": result,
    }
    inference = {
        "openinference.span.kind": "TOOL",
        "tool.name": "get_weather",
        "tool.id": call_id,
        "input.value": arguments,
        "output.value": result,
    }
    attributes = inference if kind == "openinference" else genai
    with tracer.start_as_current_span("execute_tool get_weather", attributes=attributes):
        return result


class Agent:
    """One way of calling a model for each method."""

    def __init__(self, kind: str, provider: str) -> None:
        self.kind = kind
        self.openai = openai.OpenAI(base_url=f"{provider}/v1", api_key="none", max_retries=0)
        self.claude = anthropic.Anthropic(base_url=provider, api_key="none", max_retries=0)

    def chat(self, text: str = CITY, **options: Any) -> Any:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
        return self.openai.chat.completions.create(model="gpt-4o", messages=messages, **options)

    def chat_stream(self) -> None:
        list(self.chat(stream=True, stream_options={"include_usage": True}))

    def chat_tools(self) -> None:
        message = self.chat(tools=CHAT_TOOLS, temperature=0.2).choices[0].message
        call = message.tool_calls[0]
        result = call_tool(self.kind, call.id, call.function.arguments)
        self.openai.chat.completions.create(
            model="gpt-4o",
            tools=CHAT_TOOLS,
            messages=[
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": CITY},
                message.model_dump(exclude_none=True),
                {"role": "tool", "tool_call_id": call.id, "content": result},
            ],
        )

    def chat_400(self) -> None:
        with_error(openai.BadRequestError, lambda: self.chat("Fail with [400]"))

    def chat_429(self) -> None:
        with_error(openai.RateLimitError, lambda: self.chat("Fail with [429]"))

    def responses(self, **options: Any) -> Any:
        return self.openai.responses.create(
            model="gpt-4o", instructions=SYSTEM, input=CITY, **options
        )

    def responses_stream(self) -> None:
        list(self.responses(stream=True))

    def responses_tools(self) -> None:
        call = self.responses(tools=RESPONSES_TOOLS).output[0]
        result = call_tool(self.kind, call.call_id, call.arguments)
        self.openai.responses.create(
            model="gpt-4o",
            tools=RESPONSES_TOOLS,
            input=[
                {"role": "user", "content": CITY},
                call.model_dump(exclude_none=True),
                {"type": "function_call_output", "call_id": call.call_id, "output": result},
            ],
        )

    def messages(self, text: str = CITY, **options: Any) -> Any:
        return self.claude.messages.create(
            model=CLAUDE,
            max_tokens=256,
            system=SYSTEM,
            messages=[{"role": "user", "content": text}],
            **options,
        )

    def messages_stream(self) -> None:
        with self.claude.messages.stream(
            model=CLAUDE, max_tokens=256, messages=[{"role": "user", "content": CITY}]
        ) as stream:
            list(stream)

    def messages_tools(self) -> None:
        block = self.messages(tools=CLAUDE_TOOLS).content[0]
        result = call_tool(self.kind, block.id, json.dumps(block.input))
        answer = {"type": "tool_result", "tool_use_id": block.id, "content": result}
        self.claude.messages.create(
            model=CLAUDE,
            max_tokens=256,
            tools=CLAUDE_TOOLS,
            messages=[
                {"role": "user", "content": CITY},
                {"role": "assistant", "content": [block.model_dump(exclude_none=True)]},
                {"role": "user", "content": [answer]},
            ],
        )

    def messages_400(self) -> None:
        with_error(anthropic.BadRequestError, lambda: self.messages("Fail with [400]"))

    def messages_429(self) -> None:
        with_error(anthropic.RateLimitError, lambda: self.messages("Fail with [429]"))


def with_error(expected: type[Exception], call: Callable[[], Any]) -> None:
    """Make a call that must fail, as an agent does that goes on after it."""
    try:
        call()
    except expected:
        return
    raise AssertionError("The provider did not fail.")


def main(kind: str, provider: str, *scenarios: str) -> None:
    spans, logs = TracerProvider(), LoggerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    trace.set_tracer_provider(spans)
    instrument(kind, logs)
    agent = Agent(kind, provider)
    for scenario in scenarios:
        with turn(kind, scenario):
            getattr(agent, scenario)()
    spans.shutdown()
    logs.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
