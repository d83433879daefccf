"""Whoever watches is told by one look for all, and no longer than they may see it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from apps.core import watching
from apps.core.errors import UnavailableError
from apps.core.watching import EventStream, Look, watch


@dataclass
class Shown:
    """Somebody's pass."""

    credential: str = "me"
    may: bool = True

    def is_good(self):
        return self.may


@dataclass
class Thing:
    """Something that goes on by one a look, until it is over."""

    last: int = 4
    looks: int = 0
    failing: int = 0

    def look(self):
        self.looks += 1
        if self.looks == self.failing:
            raise OperationalError("the database is away")
        return Look({"at": self.looks}, is_over=self.looks >= self.last)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(watching, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(watching, "LOOKING_SHARE", 0)


def watched(*passes, thing):
    """Return what each watcher was sent; in a thread of its own, with an event loop of its own."""

    async def all_of_them():
        streams = [EventStream("key", thing.look, one) for one in passes]
        try:
            return await asyncio.gather(*map(read, streams))
        finally:
            for stream in streams:
                stream.close()

    async def read(stream):
        return b"".join([part async for part in stream]).decode()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, all_of_them()).result()


def test_everybody_is_told_by_the_same_looks():
    thing = Thing()
    told = watched(*(Shown(str(number)) for number in range(50)), thing=thing)

    assert thing.looks == 4
    assert {text.count("event: progress") for text in told} <= {1, 2, 3, 4}
    assert all(text.endswith('event: end\ndata: {"why":"over"}\n\n') for text in told)
    assert all('data: {"at":4}' in text for text in told)


def test_whoever_may_no_longer_see_it_is_sent_away_and_others_stay():
    barred, may = watched(Shown("out", may=False), Shown("in"), thing=Thing())

    assert barred.endswith('event: end\ndata: {"why":"barred"}\n\n')
    assert '"at"' not in barred
    assert '"why":"over"' in may


def test_a_look_that_fails_is_no_news():
    [told] = watched(Shown(), thing=Thing(failing=2))

    assert "over" in told
    assert '"at":2' not in told


def test_what_is_gone_is_told_so():
    class Gone(Thing):
        def look(self):
            return None

    [told] = watched(Shown(), thing=Gone())
    assert told.endswith('event: end\ndata: {"why":"gone"}\n\n')


def test_whoever_has_seen_the_last_word_is_not_told_it_again():
    thing = Thing(last=1)
    [told] = watched(Shown(), thing=thing)
    seen = told.partition("id: ")[2].partition("\n")[0]
    thing.looks = 0

    again = RequestFactory().get("/", headers={"Last-Event-ID": seen})
    assert watch(again, "key", thing.look, Shown()).status_code == 204


def test_more_than_a_process_takes_are_told_to_ask_instead(monkeypatch):
    monkeypatch.setattr(watching.SEATS, "_value", 1)
    first = EventStream("key", Thing().look, Shown())
    with pytest.raises(UnavailableError, match="Too many watch"):
        EventStream("key", Thing().look, Shown())
    first.close()
    EventStream("key", Thing().look, Shown()).close()
