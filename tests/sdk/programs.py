"""Programs of many shapes, made at random: what an application may do in a session."""

from __future__ import annotations

import asyncio
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import playhead
from hypothesis import strategies as st
from playhead import places
from playhead.client import _listen, replaying_from
from playhead.files import _in_order
from playhead.recording import Recording
from playhead.replaying import Replaying
from playhead.tapes import Tape

_listen()
CHANCE = random.SystemRandom()
Program = tuple[Any, ...]


@playhead.tool(effects="read")
def look_up(about: int) -> dict[str, Any]:
    # Never the same twice, and of parallel ones in any order.
    time.sleep(CHANCE.random() / 2000)
    return {"about": about, "found": CHANCE.random()}


@playhead.tool(effects="write")
def fail(about: int) -> None:
    raise LookupError("nothing there", about)


@playhead.tool(effects="read")
async def ask_around(about: int) -> float:
    await asyncio.sleep(CHANCE.random() / 2000)
    return CHANCE.random()


def answer(request: httpx2.Request) -> httpx2.Response:
    message = {"role": "assistant", "content": f"{CHANCE.random()}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return httpx2.Response(200, json={"choices": [choice], "model": "m-1"})


CLIENT = playhead.wrap(
    openai.OpenAI(
        base_url="http://provider/v1",
        api_key="none",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )
)


def ask(about: int) -> str:
    said = [{"role": "user", "content": f"What about {about}?"}]
    return CLIENT.chat.completions.create(model="m", messages=said).choices[0].message.content


def failing(about: int) -> str:
    try:
        fail(about)
    except LookupError as error:
        return str(error)
    return "came back"


def draw(_: int) -> list[Any]:
    return [random.random(), str(uuid.uuid4()), time.time_ns()]


def decide(about: int) -> None:
    playhead.record_decision(f"{about}", ["no"], "because")
    playhead.set_state({"about": about, "at": time.time_ns()})


SINGLE: dict[str, Callable[[int], Any]] = {
    "tool": look_up,
    "fail": failing,
    "model": ask,
    "draw": draw,
    "decide": decide,
}


def in_pool(inner: Iterable[Program]) -> list[Any]:
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(run, inner))


def in_threads(inner: Iterable[Program]) -> list[Any]:
    found: dict[int, Any] = {}

    def put(at: int, one: Program) -> None:
        found[at] = run(one)

    threads = [threading.Thread(target=put, args=pair) for pair in enumerate(inner)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[at] for at in sorted(found)]


async def _together(abouts: Iterable[int]) -> list[float]:
    return await asyncio.gather(*(ask_around(about) for about in abouts))


@playhead.agent
def agent(inner: Any) -> list[Any]:
    return [run(one) for one in inner]


def run(program: Program) -> Any:
    """Do what a program says, and return all that came of it."""
    how, what = program
    if how in SINGLE:
        return SINGLE[how](what)
    if how == "gather":
        return asyncio.run(_together(what))
    return {"agent": agent, "pool": in_pool, "threads": in_threads}[how](what)


NUMBERS = st.integers(0, 2)
LEAVES = st.tuples(st.sampled_from(sorted(SINGLE)), NUMBERS) | st.tuples(
    st.just("gather"), st.lists(NUMBERS, max_size=3)
)
PROGRAMS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from(["agent", "pool", "threads"]), st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)


def record(program: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Return what a program came to, and its events in replay order."""
    return record_of(lambda: run(("agent", program)))


def record_of(act: Callable[[], Any]) -> tuple[Any, list[dict[str, Any]]]:
    """Return what something came to, and its events in replay order."""
    events: list[dict[str, Any]] = []
    recording = Recording("program", events.append)
    with places.running(recording):
        found = act()
    recording.end()
    return found, sorted(events, key=_in_order)


def replay(
    events: list[dict[str, Any]], act: Callable[[], Any], **how: Any
) -> tuple[Any, Replaying]:
    """Return what something came to that is answered from events."""
    replaying = replaying_from(Tape.of("program", events), **how)
    with places.running(replaying):
        return act(), replaying
