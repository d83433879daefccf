"""A small agent: a model asked twice, once streamed, tools at the same time, a decision."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import playhead
from playhead.replaying import Replaying

CHANCE = random.SystemRandom()


@playhead.tool(effects="read")
def look_up(city: str) -> dict[str, Any]:
    # Ends in any order, and never answers the same twice.
    time.sleep(CHANCE.random() / 200)
    # Names in no alphabetic order, which who stores JSON need not keep.
    return {"degrees": CHANCE.random(), "city": city}


@playhead.tool(effects="read")
async def ask_around(city: str) -> str:
    await asyncio.sleep(CHANCE.random() / 200)
    return f"{city}: {CHANCE.random()}"


async def _ask_all(cities: list[str]) -> list[str]:
    return await asyncio.gather(*(ask_around(city) for city in cities))


@playhead.agent
def forecast(client: openai.OpenAI, city: str = "Oslo") -> list[Any]:
    said = [{"role": "user", "content": f"What is the weather in {city}?"}]
    answer = client.chat.completions.create(model="gpt-4o", messages=said)
    streamed = client.chat.completions.create(model="gpt-4o", messages=said, stream=True)
    text = "".join(part.choices[0].delta.content or "" for part in streamed if part.choices)
    with ThreadPoolExecutor(3) as pool:
        looked_up = list(pool.map(look_up, ["Oslo", "Oslo", "Bergen"]))
    playhead.record_decision("rain", ["sun"], "both cities are wet")
    around = asyncio.run(_ask_all(["Oslo", "Oslo", "Bergen"]))
    return [answer.choices[0].message.content, text, looked_up, around]


def record(path: Path, act: Callable[[], Any]) -> Any:
    """Run something as a session that is written to a file."""
    with playhead.session("sample", file=path, agent="forecast"):
        return act()


def replayed(path: Path, act: Callable[[], Any], **options: Any) -> tuple[Any, Replaying]:
    with playhead.replay(path, **options) as replay:
        return act(), replay
