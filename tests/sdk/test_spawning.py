"""Lanes follow how work was started; in which order it ends changes no key."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

import playhead
from hypothesis import given, settings
from hypothesis import strategies as st
from playhead import places
from playhead.client import _listen
from playhead.recording import Recording

_listen()


@playhead.tool
async def slow(name: str, turns: int) -> str:
    for _ in range(turns):
        await asyncio.sleep(0)
    return name


def calls_of(events) -> list:
    return [event for event in events if event["kind"] == "tool"]


def keys_of(act) -> set:
    """Return the keys of all calls that something makes, without what came back."""
    events = []
    with places.running(Recording("s", events.append)):
        act()
    return {
        (event["lane"], event["name"], event["input"].get("name"), event["replay"]["ordinal"])
        for event in calls_of(events)
    }


async def _tree(turns: list[int]) -> None:
    async def branch(at: int) -> None:
        await slow("branch", turns[at])
        await asyncio.gather(*(slow("leaf", turns[at + leaf + 1]) for leaf in range(3)))

    await asyncio.gather(*(branch(at) for at in (0, 4, 8)), slow("beside", turns[12]))


def ordered(turns: list[int]) -> set:
    """Return the keys of a tree of tasks that take so many turns each; turns are no request."""
    events = []
    with places.running(Recording("s", events.append)):
        asyncio.run(_tree(turns))
    return {(event["lane"], event["input"]["name"]) for event in calls_of(events)}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=13, max_size=13))
def test_in_whichever_order_tasks_end_their_lanes_are_the_same(turns):
    assert ordered(turns) == ordered([1] * 13)


def test_threads_and_pools_know_their_session_and_have_lanes_of_their_own():
    @playhead.tool
    def note(name: str) -> None:
        return None

    def act() -> None:
        threads = [threading.Thread(target=note, args=(f"t{n}",)) for n in range(3)]
        for thread in threads:
            thread.start()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(note, ["p0", "p1", "p2"]))
        for thread in threads:
            thread.join()

    lanes = {name: lane for lane, _, name, _ in keys_of(act)}
    assert lanes == {"t0": "0.0", "t1": "0.1", "t2": "0.2", "p0": "0.3", "p1": "0.4", "p2": "0.5"}


def test_work_that_a_loop_sends_to_threads_has_lanes_too():
    @playhead.tool
    def note(name: str) -> None:
        return None

    async def act() -> None:
        await asyncio.gather(*(asyncio.to_thread(note, name) for name in "ab"))

    lanes = {name: lane for lane, _, name, _ in keys_of(lambda: asyncio.run(act()))}
    assert len(set(lanes.values())) == 2
    assert lanes == {name: lane for lane, _, name, _ in keys_of(lambda: asyncio.run(act()))}


def test_a_context_that_is_brought_along_gets_the_lane_however_deep_it_lies():
    @playhead.tool
    def note(name: str) -> None:
        return None

    def later(run, *args):
        return run(*args)

    def act() -> None:
        with ThreadPoolExecutor(2) as pool:
            pool.submit(copy_context().run, note, "a")
            pool.submit(partial(copy_context().run, later, copy_context().run, note, "b"))

    lanes = {name: lane for lane, _, name, _ in keys_of(act)}
    assert lanes == {"a": "0.0", "b": "0.1"}


def test_outside_of_a_session_nothing_is_recorded():
    assert asyncio.run(slow("alone", 0)) == "alone"


def test_what_a_call_starts_inside_of_itself_shifts_no_lane():
    @playhead.tool
    async def connect(tries: int) -> None:
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0) for _ in range(tries)))

    async def act(tries: int) -> None:
        await connect(tries)
        await asyncio.gather(slow("a", 0), slow("b", 0))

    def lanes(tries: int) -> set:
        return {key[0] for key in keys_of(lambda: asyncio.run(act(tries))) if key[1] == "slow"}

    assert lanes(0) == lanes(3) == {"0.0.0", "0.0.1"}


def test_what_a_library_starts_shifts_no_lane_of_the_application():
    library = {"__name__": "some_client", "asyncio": asyncio}
    exec("async def first_call(): await asyncio.to_thread(int)", library)

    async def act(*, is_first: bool) -> None:
        if is_first:
            await library["first_call"]()
        await asyncio.gather(slow("a", 0), slow("b", 0))

    def keys(*, is_first: bool) -> set:
        return keys_of(lambda: asyncio.run(act(is_first=is_first)))

    assert keys(is_first=True) == keys(is_first=False)


def test_the_lane_of_a_library_says_its_name_once():
    library = {"__name__": "some_client", "asyncio": asyncio}
    once = "asyncio.gather(deep(act, left - 1) if left else act())"
    exec(f"async def deep(act, left): await {once}", library)

    async def both() -> None:
        await asyncio.gather(slow("a", 0), slow("b", 0))

    lanes = {key[0] for key in keys_of(lambda: asyncio.run(library["deep"](both, 2)))}
    assert lanes == {"0.0.some_client0.0.0.own0", "0.0.some_client0.0.0.own1"}


def test_contexts_that_threads_share_out_among_themselves_keep_the_lanes_of_the_jobs():
    @playhead.tool
    def note(name: str) -> None:
        return None

    def act() -> None:
        contexts = [copy_context() for _ in range(4)]

        def nested(name: str) -> None:
            inner = copy_context()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(lambda: inner.run(note, name)).result()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: contexts.pop().run(nested, name), "abcd"))

    lanes = {name: lane for lane, _, name, _ in keys_of(act)}
    assert lanes == {"a": "0.0.0", "b": "0.1.0", "c": "0.2.0", "d": "0.3.0"}


def test_a_call_is_that_of_the_agent_in_whose_step_it_is_made():
    @playhead.agent(name="booking")
    async def booking() -> None:
        await asyncio.gather(slow("room", 0))
        playhead.record_decision("harbour")

    @playhead.agent(name="front")
    async def front() -> None:
        await slow("train", 0)
        await booking()

    events = []
    with places.running(Recording("s", events.append, {"agent": "desk"})):
        asyncio.run(slow("greeting", 0))
        asyncio.run(front())

    agents = [(e["agent"], e["kind"]) for e in events if e["kind"] in ("tool", "decision")]
    assert agents == [
        ("desk", "tool"),
        ("front", "tool"),
        ("booking", "tool"),
        ("booking", "decision"),
    ]
