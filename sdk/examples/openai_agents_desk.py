"""The travel desk with the OpenAI Agents SDK: agents, a hand-off, tools at the same time, a stream.

    pip install -r requirements-openai-agents.txt
    export OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=none
    python openai_agents_desk.py               # records agents.playhead
    python openai_agents_desk.py --replay      # runs again from it, with no provider

Calls of the model are recorded where they leave the openai client; tools have both decorators,
that of the SDK outside.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from datetime import datetime, timezone
from typing import Any

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    RunContextWrapper,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

import playhead

# Its own tracing sends to OpenAI.
set_tracing_disabled(True)

MODEL = "gpt-4o"
FRONT_PROMPT = "You are the front desk. Look for trains and rooms, then hand over to booking."
BOOKING_PROMPT = "You are the booking desk. Tell the traveller briefly what you booked, and why."
QUESTION = "I need to be in Oslo on Thursday, for two nights."


@function_tool
@playhead.tool(effects="read")
async def search_trains(city: str, day: int) -> list[str]:
    """Trains to a city on a day."""
    await asyncio.sleep(random.uniform(0, 0.02))
    return [f"R{random.randint(1, 99)} to {city} on {day}" for _ in range(3)]


@function_tool
@playhead.tool(effects="read")
async def search_rooms(city: str, nights: int) -> list[str]:
    """Rooms in a city."""
    await asyncio.sleep(random.uniform(0, 0.02))
    return [f"{random.choice(['harbour', 'old town'])} in {city}, {nights} nights"]


@function_tool
@playhead.tool(effects="write")
async def book(train: str, room: str) -> str:
    """Books a train and a room."""
    await asyncio.sleep(random.uniform(0, 0.02))
    return f"booked {train} and {room} as {random.getrandbits(32):08x}"


def instructions(_: RunContextWrapper[Any], agent: Agent[Any]) -> str:
    return f"{FRONT_PROMPT} Today is {datetime.now(timezone.utc):%A, %d %B %Y}."


def desks() -> Agent[Any]:
    """Return the front desk, which hands over to the booking desk."""
    model = OpenAIChatCompletionsModel(MODEL, AsyncOpenAI(max_retries=8))
    # Tokens of streams are told only when they are asked for.
    shared: dict[str, Any] = {"model": model, "model_settings": ModelSettings(include_usage=True)}
    booking = Agent(name="booking", instructions=BOOKING_PROMPT, tools=[book], **shared)
    looking = [search_trains, search_rooms]
    return Agent(
        name="front", instructions=instructions, tools=looking, handoffs=[booking], **shared
    )


@playhead.agent
async def serve(question: str) -> list[Any]:
    """Run the desks to their end, and return what each step said."""
    run = Runner.run_streamed(desks(), question)
    pieces = [event.type async for event in run.stream_events()]
    steps = [[item.agent.name, item.type] for item in run.new_items]
    return [len(pieces), steps, run.last_agent.name, run.final_output]


def run() -> list[Any]:
    """Serve one traveller."""
    return asyncio.run(serve(QUESTION))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--file", default="agents.playhead")
    options.add_argument("--replay", action="store_true", help="run from the record")
    chosen = options.parse_args()
    if chosen.replay:
        with playhead.replay(chosen.file) as replay:
            print(run()[-1])
        print(replay.report.text())
    else:
        with playhead.session("trip-by-agents", file=chosen.file, user="ada"):
            print(run()[-1])


if __name__ == "__main__":
    main()
