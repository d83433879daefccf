"""Two agents book a trip: a front desk that looks around, and a booking desk that decides.

Plain Python and the openai client, and nearly everything that Playhead records: agents that hand
over, tools at the same time as tasks and as threads, memory, a retriever, a decision, changes of
state, tries again after a 429, a streamed answer, the clock, chance and ids.

    python random_provider.py --port 8080 &
    export OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=none
    python travel_desk.py                      # records travel.playhead
    python travel_desk.py --replay             # runs again from it, with no provider

Nothing in the agents knows whether they are recorded or replayed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

from openai import AsyncOpenAI, OpenAI

import playhead

Json = dict[str, Any]

MODEL = "gpt-4o"
FRONT_PROMPT = "You are the front desk. Look for trains and rooms, then hand over to booking."
BOOKING_PROMPT = "You are the booking desk. Tell the traveller briefly what you booked, and why."
QUESTION = "I need to be in Oslo on Thursday, for two nights."


# -- What the model may call: a name, what it is for, and its parameters as JSON schema.


def offered(name: str, description: str, **parameters: Json) -> Json:
    schema = {"type": "object", "properties": parameters, "required": list(parameters)}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": schema},
    }


CITY = {"type": "string", "enum": ["Oslo", "Bergen", "Trondheim"]}
TOOLS = [
    offered("search_trains", "Trains on a day.", city=CITY, day={"type": "integer", "maximum": 28}),
    offered("search_rooms", "Rooms in a city.", city=CITY, nights={"type": "integer"}),
    offered("transfer_to_booking", "Hands over to the booking desk."),
]


# -- The world: everything behind a decorator is recorded, and answered by the record at a replay.
# What these functions return differs on every call, and they end in any order.


@playhead.tool(effects="read")
async def search_trains(city: str, day: int) -> list[Json]:
    await asyncio.sleep(random.uniform(0, 0.02))
    hours = sorted(random.sample(range(6, 23), 3))
    return [{"train": f"R{hour}", "to": city, "day": day, "at": hour} for hour in hours]


@playhead.tool(effects="read")
async def search_rooms(city: str, nights: int) -> list[Json]:
    await asyncio.sleep(random.uniform(0, 0.02))
    return [{"room": name, "in": city, "nights": nights} for name in ("harbour", "old town")]


@playhead.tool(effects="read")
def price_of(train: str, room: str) -> int:
    time.sleep(random.uniform(0, 0.02))
    return random.randint(100, 900)


@playhead.tool(effects="write")
def hold(reference: str, trip: Json, until: datetime) -> str:
    return f"held as {reference} until {until:%d %B}, ticket {random.getrandbits(32):08x}"


NOTES: dict[str, list[str]] = {"ada": ["travels light", "no trains before eight"]}


@playhead.memory(effects="read")
def recall(traveller: str) -> list[str]:
    return NOTES.get(traveller, [])


@playhead.memory(effects="write")
def remember(traveller: str, note: str) -> None:
    NOTES.setdefault(traveller, []).append(note)


RULES = ["Trips of two nights need no approval.", "Rooms up to 900 a night.", "Trains before cars."]


@playhead.retriever
def travel_rules(question: str, most: int = 2) -> list[str]:
    return random.sample(RULES, most)


SEARCHES = {"search_trains": search_trains, "search_rooms": search_rooms}


# -- The agents.


@playhead.agent
async def front_desk(traveller: str, question: str) -> Json:
    """Find out what there is, and hand over to the booking desk."""
    today = datetime.now(timezone.utc)
    known = [*recall(traveller), *travel_rules(question)]
    playhead.set_state({"traveller": traveller, "known": known, "found": []})
    messages: list[Json] = [
        {"role": "system", "content": f"{FRONT_PROMPT} Today is {today:%A, %d %B %Y, %H:%M}."},
        {"role": "user", "content": "\n".join([question, *known])},
    ]
    found: list[Json] = []
    # The client tries again by itself when the provider is busy; each try is a step.
    async with AsyncOpenAI(max_retries=8) as client:
        while searches := await wanted_searches(client, messages):
            offers = await asyncio.gather(*(search(call) for call in searches))
            for call, offer in zip(searches, offers, strict=True):
                messages.append(
                    {"role": "tool", "tool_call_id": call.id, "content": json.dumps(offer)}
                )
                found += offer
            playhead.patch_state([{"op": "replace", "path": "/found", "value": found}])
    return booking_desk(traveller, question, found)


async def wanted_searches(client: AsyncOpenAI, messages: list[Json]) -> list[Any]:
    """Ask the model, and return what it wants to look for; nothing once it hands over."""
    answer = await client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
    message = answer.choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    return [call for call in message.tool_calls or () if call.function.name in SEARCHES]


async def search(call: Any) -> list[Json]:
    return await SEARCHES[call.function.name](**json.loads(call.function.arguments))


@playhead.agent
def booking_desk(traveller: str, question: str, found: list[Json]) -> Json:
    """Choose a trip, hold it, and tell the traveller."""
    trips = possible_trips(found)
    with ThreadPoolExecutor(max_workers=3) as pool:
        prices = list(pool.map(lambda trip: price_of(trip["train"], trip["room"]), trips))
    price, trip = min(zip(prices, trips, strict=True), key=lambda priced: priced[0])
    others = [other for other in trips if other != trip]
    playhead.record_decision(trip, alternatives=others, reason=f"{price} is the least")

    reference = f"TRIP-{uuid.uuid4().hex[:6].upper()}"
    held = hold(reference, trip, until=datetime.now(timezone.utc) + timedelta(days=1))
    playhead.patch_state([{"op": "add", "path": "/reference", "value": reference}])
    remember(traveller, f"went to {trip['to']} by {trip['train']}")
    return {"reference": reference, "trip": trip, "said": tell(question, trip, price, held)}


def possible_trips(found: list[Json]) -> list[Json]:
    trains = [one for one in found if "train" in one]
    rooms = [one for one in found if "room" in one]
    return [{"train": t["train"], "to": t["to"], "room": r["room"]} for t in trains for r in rooms]


def tell(question: str, trip: Json, price: int, held: str) -> str:
    """Return what the model tells the traveller; it comes word by word."""
    booked = f"{trip['train']} to {trip['to']}, {trip['room']}, {price}: {held}."
    said = [
        {"role": "system", "content": BOOKING_PROMPT},
        {"role": "user", "content": f"{question}\nBooked: {booked}"},
    ]
    with OpenAI(max_retries=8) as client:
        # Providers tell the tokens of a stream only when they are asked to.
        stream = client.chat.completions.create(
            model=MODEL, messages=said, stream=True, stream_options={"include_usage": True}
        )
        return "".join(text_in(stream))


def text_in(stream: Iterable[Any]) -> Iterable[str]:
    for part in stream:
        if part.choices and part.choices[0].delta.content:
            yield part.choices[0].delta.content


def run() -> Json:
    """Serve one traveller, and return what was booked and said."""
    greeting = random.choice(["Good morning.", "Hello.", "Hei."])
    booked = asyncio.run(front_desk("ada", QUESTION))
    return booked | {"said": f"{greeting} {booked['said']}"}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--file", default="travel.playhead")
    options.add_argument("--replay", action="store_true", help="run from the record")
    chosen = options.parse_args()
    if chosen.replay:
        with playhead.replay(chosen.file) as replay:
            print(run()["said"])
        print(replay.report.text())
    else:
        with playhead.session("trip-to-oslo", file=chosen.file, user="ada"):
            print(run()["said"])


if __name__ == "__main__":
    main()
