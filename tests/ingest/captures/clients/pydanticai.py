"""A weather service built with pydantic-ai, which traces itself by OpenTelemetry."""

from __future__ import annotations

import os
from typing import Any

from openai import AsyncOpenAI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

CITY = "What is the weather in Oslo?"
SYSTEM = "You are a weather service."
# Each is a session of its name, sent at once.
SCENARIOS = (
    "chat_tools responses_tools messages_tools structured invented two_turns tool_error chat_429"
).split()

tracer = trace.get_tracer("weather-agent", "1.0")


class Weather(BaseModel):
    """The weather in one place."""

    temperature: int
    sky: str


def get_weather(city: str, unit: str = "celsius") -> dict[str, Any]:
    """Weather of a city"""
    if city == "Atlantis":
        raise LookupError("No such city: Atlantis")
    return {"temperature": 4, "sky": "rain"}


class Service:
    """One way of asking for each method."""

    def __init__(self, provider: str) -> None:
        client = AsyncOpenAI(base_url=f"{provider}/v1", api_key="none", max_retries=0)
        openai = OpenAIProvider(openai_client=client)
        self.chat_model = OpenAIChatModel("gpt-4o", provider=openai)
        self.responses_model = OpenAIResponsesModel("gpt-4o", provider=openai)
        claude = AnthropicProvider(base_url=provider, api_key="none")
        self.claude = AnthropicModel("claude-sonnet-4-5", provider=claude)

    def agent(self, model: Any, **options: Any) -> Agent[None, Any]:
        return Agent(model, name="weather", instructions=SYSTEM, tools=[get_weather], **options)

    def chat_tools(self) -> None:
        self.agent(self.chat_model).run_sync(CITY, conversation_id="chat_tools")

    def responses_tools(self) -> None:
        self.agent(self.responses_model).run_sync(CITY, conversation_id="responses_tools")

    def messages_tools(self) -> None:
        self.agent(self.claude).run_sync(CITY, conversation_id="messages_tools")

    def structured(self) -> None:
        """The answer is an object, given by calling a tool for it."""
        self.agent(self.chat_model, output_type=Weather).run_sync(
            CITY, conversation_id="structured"
        )

    def invented(self) -> None:
        """The run invents a conversation of its own; the caller's span names the session."""
        named = {"session.id": "invented", "user.id": "customer-17"}
        with tracer.start_as_current_span("handle request", attributes=named):
            self.agent(self.chat_model).run_sync(CITY)

    def two_turns(self) -> None:
        """A second run goes on where the first ended, in a trace of its own."""
        agent = self.agent(self.chat_model)
        first = agent.run_sync(CITY, conversation_id="two_turns")
        agent.run_sync("And in [two] cities?", message_history=first.all_messages())

    def tool_error(self) -> None:
        try:
            self.agent(self.chat_model).run_sync("Weather of [lost]?", conversation_id="tool_error")
        except LookupError:
            return
        raise AssertionError("The tool did not fail.")

    def chat_429(self) -> None:
        try:
            self.agent(self.chat_model).run_sync("Fail with [429]", conversation_id="chat_429")
        except ModelHTTPError:
            return
        raise AssertionError("The provider did not fail.")


def main(provider: str) -> None:
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    Agent.instrument_all()
    service = Service(provider)
    for scenario in SCENARIOS:
        getattr(service, scenario)()
        spans.force_flush()
    spans.shutdown()


if __name__ == "__main__":
    main(os.environ["PROVIDER_URL"])
