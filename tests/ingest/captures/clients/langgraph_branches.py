"""A trip planner built with LangGraph: three branches run at once. Traced by OpenInference."""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from langchain_core.tools import BaseTool, tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


class Trip(TypedDict):
    city: str
    found: Annotated[list[str], operator.add]


Node = Callable[[Trip], dict[str, Any]]


@tool
def get_weather(city: str) -> str:
    """Weather of a city"""
    time.sleep(0.12)
    return "rain"


@tool
def find_trains(city: str) -> str:
    """Trains to a city"""
    time.sleep(0.25)
    return "07:12"


@tool
def find_hotels(city: str) -> str:
    """Hotels of a city"""
    time.sleep(0.18)
    return "Harbour"


def asking(model: Any, text: str) -> Node:
    def node(state: Trip) -> dict[str, Any]:
        model.invoke(f"{text} {state['city']}, {state['found']}")
        return {"found": []}

    return node


def looking(with_tool: BaseTool) -> Node:
    def node(state: Trip) -> dict[str, Any]:
        return {"found": [with_tool.invoke({"city": state["city"]})]}

    return node


def graph_of(model: Any) -> Any:
    """A graph that plans, looks in three places at once, and answers with all of it."""
    branches = {"weather": get_weather, "trains": find_trains, "hotels": find_hotels}
    builder = StateGraph(Trip)
    builder.add_node("plan", asking(model, "Plan a trip to"))
    builder.add_node("answer", asking(model, "Say how to travel to"))
    for name, with_tool in branches.items():
        builder.add_node(name, looking(with_tool))
        builder.add_edge("plan", name)
    builder.add_edge(list(branches), "answer")
    builder.add_edge(START, "plan")
    builder.add_edge("answer", END)
    return builder.compile(name="trip-planner")


def main(provider: str) -> None:
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    LangChainInstrumentor().instrument(tracer_provider=spans)
    model = ChatOpenAI(model="gpt-4o", base_url=f"{provider}/v1", api_key="none", max_retries=0)
    trip = {"city": "Oslo", "found": []}
    graph_of(model).invoke(trip, {"configurable": {"thread_id": "branches"}})
    spans.shutdown()


if __name__ == "__main__":
    main(os.environ["PROVIDER_URL"])
