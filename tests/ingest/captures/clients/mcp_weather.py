"""An agent that calls the tools of an MCP server; both trace themselves by OpenTelemetry.

The server runs in the same process and is spoken to through memory. The trace goes with
each request, in ``params._meta``.
"""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.client import Client
from mcp.server.mcpserver import MCPServer
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# Each is a session of its name, sent at once.
SCENARIOS = "tool tool_error resources".split()

tracer = trace.get_tracer("weather-agent", "1.0")
server = MCPServer("weather")


@server.tool()
def get_weather(city: str) -> dict[str, Any]:
    """Weather of a city"""
    if city == "Atlantis":
        raise LookupError("No such city: Atlantis")
    return {"temperature": 4, "sky": "rain"}


@server.resource("weather://stations")
def stations() -> str:
    """The stations that are asked."""
    return "Blindern"


@server.prompt()
def forecast(city: str) -> str:
    """A question about tomorrow"""
    return f"What will the weather in {city} be tomorrow?"


async def call(client: Client, name: str, arguments: dict[str, Any]) -> None:
    """Call a tool in a span of the agent's own, as frameworks make it."""
    told = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.type": "extension",
        "gen_ai.tool.call.arguments": str(arguments).replace("'", '"'),
    }
    with tracer.start_as_current_span(f"execute_tool {name}", attributes=told) as span:
        answer = await client.call_tool(name, arguments)
        span.set_attribute("gen_ai.tool.call.result", answer.model_dump_json(exclude_none=True))
        if answer.is_error:
            span.set_status(trace.StatusCode.ERROR, answer.content[0].text)


async def tool(client: Client) -> None:
    await call(client, "get_weather", {"city": "Oslo"})


async def tool_error(client: Client) -> None:
    await call(client, "get_weather", {"city": "Atlantis"})


async def resources(client: Client) -> None:
    await client.list_tools()
    await client.read_resource("weather://stations")
    await client.get_prompt("forecast", {"city": "Oslo"})


async def run(scenario: str) -> None:
    told = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "weather",
        "gen_ai.conversation.id": scenario,
    }
    with tracer.start_as_current_span("invoke_agent weather", attributes=told):
        async with Client(server) as client:
            await globals()[scenario](client)


def main() -> None:
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    for scenario in SCENARIOS:
        asyncio.run(run(scenario))
        spans.force_flush()
    spans.shutdown()


if __name__ == "__main__":
    main()
