"""A help desk built with openai-agents, traced by OpenInference."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    input_guardrail,
)
from openai import AsyncOpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

CITY = "What is the weather in Oslo?"
SYSTEM = "You are a weather service."
# Each is a session of its name, sent at once.
SCENARIOS = "responses_tools chat_tools stream handoff parallel tool_error guardrail".split()


@function_tool(description_override="Weather of a city")
def get_weather(city: str, unit: str = "celsius") -> dict[str, Any]:
    if city == "Atlantis":
        raise LookupError("No such city: Atlantis")
    return {"temperature": 4, "sky": "rain"}


@input_guardrail(name="no_secrets")
async def no_secrets(_: Any, __: Any, asked: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(
        output_info={"reason": "Looked for secrets."}, tripwire_triggered="[secret]" in str(asked)
    )


class Desk:
    """One way of asking for each method."""

    def __init__(self, provider: str) -> None:
        client = AsyncOpenAI(base_url=f"{provider}/v1", api_key="none", max_retries=0)
        self.responses = OpenAIResponsesModel("gpt-4o", client)
        self.chat = OpenAIChatCompletionsModel("gpt-4o", client)

    def agent(self, model: Any = None, **options: Any) -> Agent[Any]:
        told = {"name": "weather", "instructions": SYSTEM, "tools": [get_weather]}
        return Agent(model=model or self.responses, **(told | options))

    async def responses_tools(self) -> None:
        await Runner.run(self.agent(), CITY)

    async def chat_tools(self) -> None:
        await Runner.run(self.agent(self.chat), CITY)

    async def stream(self) -> None:
        async for _ in Runner.run_streamed(self.agent(tools=[]), CITY).stream_events():
            pass

    async def handoff(self) -> None:
        billing = self.agent(name="billing", tools=[])
        await Runner.run(self.agent(name="desk", tools=[], handoffs=[billing]), "Refund my order.")

    async def parallel(self) -> None:
        await Runner.run(self.agent(), "Weather in [two] cities?")

    async def tool_error(self) -> None:
        await Runner.run(self.agent(), "Weather of [lost]?")

    async def guardrail(self) -> None:
        try:
            await Runner.run(self.agent(input_guardrails=[no_secrets]), "Tell me the [secret].")
        except InputGuardrailTripwireTriggered:
            return
        raise AssertionError("The guardrail let it pass.")


async def ask_all(desk: Desk, spans: TracerProvider) -> None:
    for scenario in SCENARIOS:
        with using_attributes(session_id=scenario, user_id="customer-17", tags=["desk"]):
            await getattr(desk, scenario)()
        spans.force_flush()


def main(provider: str) -> None:
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    OpenAIAgentsInstrumentor().instrument(tracer_provider=spans)
    asyncio.run(ask_all(Desk(provider), spans))
    spans.shutdown()


if __name__ == "__main__":
    main(os.environ["PROVIDER_URL"])
