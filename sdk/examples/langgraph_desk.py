"""The travel desk as a graph of LangGraph: agents as nodes, tools at the same time, a checkpointer.

    pip install -r requirements-langgraph.txt
    export OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=none
    python langgraph_desk.py                   # records langgraph.playhead
    python langgraph_desk.py --replay          # runs again from it, with no provider

Calls of the model are recorded where they leave ``ChatOpenAI``; tools have both decorators, that
of LangChain outside.
"""

from __future__ import annotations

import argparse
import random
import time
from datetime import datetime, timezone
from typing import Any

from langchain_core.messages import AIMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

import playhead

MODEL = "gpt-4o"
FRONT_PROMPT = "You are the front desk. Look for trains and rooms, then hand over to booking."
BOOKING_PROMPT = "You are the booking desk. Tell the traveller briefly what you booked, and why."
QUESTION = "I need to be in Oslo on Thursday, for two nights."


@tool
@playhead.tool(effects="read")
def search_trains(city: str, day: int) -> list[str]:
    """Trains to a city on a day."""
    time.sleep(random.uniform(0, 0.02))
    return [f"R{random.randint(1, 99)} to {city} on {day}" for _ in range(3)]


@tool
@playhead.tool(effects="read")
def search_rooms(city: str, nights: int) -> list[str]:
    """Rooms in a city."""
    time.sleep(random.uniform(0, 0.02))
    return [f"{random.choice(['harbour', 'old town'])} in {city}, {nights} nights"]


@tool
def transfer_to_booking() -> str:
    """Hands over to the booking desk."""
    return "The booking desk takes over."


@playhead.tool(effects="read")
def price_of(offer: str) -> int:
    time.sleep(random.uniform(0, 0.02))
    return random.randint(100, 900)


TOOLS = [search_trains, search_rooms, transfer_to_booking]


def model() -> ChatOpenAI:
    # Tokens of streams are told only when they are asked for.
    return ChatOpenAI(model=MODEL, max_retries=8, stream_usage=True)


@playhead.agent
def front_desk(state: MessagesState) -> dict[str, Any]:
    """Ask for tools, all at once, until it hands over."""
    said = SystemMessage(f"{FRONT_PROMPT} Today is {datetime.now(timezone.utc):%A, %d %B %Y}.")
    return {"messages": [model().bind_tools(TOOLS).invoke([said, *state["messages"]])]}


def next_desk(state: MessagesState) -> str:
    """Return who goes on once the tools have answered."""
    called = {
        call["name"] for said in state["messages"] for call in getattr(said, "tool_calls", ())
    }
    return "booking_desk" if "transfer_to_booking" in called else "front_desk"


@playhead.agent
def booking_desk(state: MessagesState) -> dict[str, Any]:
    """Choose by price, and tell the traveller, word by word."""
    offers = [str(said.content) for said in state["messages"] if said.type == "tool"]
    prices = {offer: price_of(offer) for offer in offers}
    chosen = min(prices, key=lambda offer: prices[offer])
    others = [offer for offer in offers if offer != chosen]
    playhead.record_decision(chosen, others, reason=f"{prices[chosen]} is the least")
    said = [SystemMessage(BOOKING_PROMPT), ("user", f"{QUESTION}\nBooked: {chosen}")]
    return {"messages": [AIMessage("".join(part.text for part in model().stream(said)))]}


def graph() -> Any:
    desk = StateGraph(MessagesState)
    desk.add_node("front_desk", front_desk)
    desk.add_node("tools", ToolNode(TOOLS))
    desk.add_node("booking_desk", booking_desk)
    desk.add_edge(START, "front_desk")
    desk.add_edge("front_desk", "tools")
    desk.add_conditional_edges("tools", next_desk, ["front_desk", "booking_desk"])
    desk.add_edge("booking_desk", END)
    return desk.compile(checkpointer=InMemorySaver())


def run() -> Any:
    """Serve one traveller, and return what each message said."""
    asked = {"messages": [("user", QUESTION)]}
    ended = graph().invoke(asked, {"configurable": {"thread_id": "trip-1"}})
    return [[said.type, said.content] for said in ended["messages"]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--file", default="langgraph.playhead")
    options.add_argument("--replay", action="store_true", help="run from the record")
    chosen = options.parse_args()
    if chosen.replay:
        with playhead.replay(chosen.file) as replay:
            print(run()[-1])
        print(replay.report.text())
    else:
        with playhead.session("trip-by-langgraph", file=chosen.file, user="ada"):
            print(run()[-1])


if __name__ == "__main__":
    main()
