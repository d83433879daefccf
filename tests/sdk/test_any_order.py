"""Work at the same time: in whichever order it ends, every call keeps its key."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import playhead
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sdk.programs import record_of

TURNS = st.lists(st.integers(0, 4), min_size=6, max_size=6)


@playhead.tool(effects="read")
async def slow(about: str) -> str:
    for _ in range(WAITS[about]):
        await asyncio.sleep(0)
    return about


@playhead.tool(effects="read")
def busy(about: str) -> str:
    time.sleep(WAITS[about] / 4000)
    return about


WAITS: dict[str, int] = {}


async def _gathered() -> None:
    async def branch(about: str) -> None:
        await slow(about)
        await asyncio.gather(slow(about), slow(about + "+"))

    await asyncio.gather(*(branch(about) for about in "abc"))


async def _grouped() -> None:
    async with asyncio.TaskGroup() as group:
        for about in "abc":
            group.create_task(slow(about))
            group.create_task(slow(about + "+"))


def gathered() -> None:
    asyncio.run(_gathered())


def grouped() -> None:
    asyncio.run(_grouped())


def pooled() -> None:
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(busy, about) for about in ("a", "a+", "b", "b+")]
        list(pool.map(busy, ["c", "c+"]))
    assert all(job.done() for job in jobs)


def threaded() -> None:
    def work(about: str) -> None:
        busy(about)
        inner = threading.Thread(target=busy, args=[about + "+"])
        inner.start()
        busy(about)
        inner.join()

    threads = [threading.Thread(target=work, args=[about]) for about in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def keys(act, turns: list[int]) -> list[tuple]:
    """Return the keys of all calls and what came back, when calls take so many turns each."""
    WAITS.update(zip(("a", "a+", "b", "b+", "c", "c+"), turns, strict=True))
    calls = [event for event in record_of(act)[1] if event["kind"] == "tool"]
    return sorted(
        (one["lane"], one["replay"]["request_hash"], one["replay"]["ordinal"], one["output"])
        for one in calls
    )


GROUPS = pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio has no groups of tasks yet")
WAYS = [gathered, pytest.param(grouped, marks=GROUPS), pooled, threaded]


@pytest.mark.parametrize("act", WAYS)
@settings(max_examples=8, deadline=None)
@given(turns=TURNS)
def test_in_whichever_order_work_ends_every_key_is_the_same(act, turns):
    assert keys(act, turns) == keys(act, [0] * 6)
    assert len({lane for lane, *_ in keys(act, turns)}) >= 6
