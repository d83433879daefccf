"""A travel agent built with LangGraph, traced by OpenInference."""

from __future__ import annotations

import os
from typing import Any

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

CITY = "What is the weather in Oslo?"
SYSTEM = "You are a weather service."
# Each is a session of its name, sent at once.
SCENARIOS = "chat_tools responses_tools parallel named stream tool_error".split()


@tool
def get_weather(city: str, unit: str = "celsius") -> dict[str, Any]:
    """Weather of a city"""
    if city == "Atlantis":
        raise LookupError("No such city: Atlantis")
    return {"temperature": 4, "sky": "rain"}


def graph_of(model: Any) -> Any:
    """A graph in which a model and its tools take turns."""
    asked = model.bind_tools([get_weather])

    def agent(state: MessagesState) -> dict[str, Any]:
        return {"messages": [asked.invoke([("system", SYSTEM), *state["messages"]])]}

    builder = StateGraph(MessagesState)
    builder.add_node("agent", agent)
    builder.add_node("tools", ToolNode([get_weather]))
    builder.add_edge(START, "agent")
    builder.add_conditional_edges("agent", tools_condition)
    builder.add_edge("tools", "agent")
    return builder.compile(name="travel-agent")


class Travel:
    """One way of asking for each method."""

    def __init__(self, provider: str) -> None:
        address = {"base_url": f"{provider}/v1", "api_key": "none", "max_retries": 0}
        self.chat = graph_of(ChatOpenAI(model="gpt-4o", stream_usage=True, **address))
        self.responses = graph_of(ChatOpenAI(model="gpt-4o", use_responses_api=True, **address))

    def ask(self, graph: Any, text: str, thread: str) -> None:
        graph.invoke({"messages": [("user", text)]}, {"configurable": {"thread_id": thread}})

    def chat_tools(self) -> None:
        self.ask(self.chat, CITY, "chat_tools")

    def responses_tools(self) -> None:
        self.ask(self.responses, CITY, "responses_tools")

    def parallel(self) -> None:
        self.ask(self.chat, "Weather in [two] cities?", "parallel")

    def named(self) -> None:
        """There is no thread; the caller names session and user."""
        with using_attributes(session_id="named", user_id="customer-17", tags=["travel"]):
            self.chat.invoke({"messages": [("user", CITY)]})

    def stream(self) -> None:
        asked = {"messages": [("user", CITY)]}
        list(self.chat.stream(asked, {"configurable": {"thread_id": "stream"}}))

    def tool_error(self) -> None:
        try:
            self.ask(self.chat, "Weather of [lost]?", "tool_error")
        except LookupError:
            return
        raise AssertionError("The tool did not fail.")


def main(provider: str) -> None:
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    LangChainInstrumentor().instrument(tracer_provider=spans)
    travel = Travel(provider)
    for scenario in SCENARIOS:
        getattr(travel, scenario)()
        spans.force_flush()
    spans.shutdown()


if __name__ == "__main__":
    main(os.environ["PROVIDER_URL"])
