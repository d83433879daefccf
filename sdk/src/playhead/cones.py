"""What lies behind a step: the steps that used what it answered, and those that used theirs.

An edge is declared where an event names its ``inputs``. Otherwise it is inferred: a value that
one step answered stands in what a later one asked; where no value of a step is found again, the
next step of its lane, and the first ones of lanes that began after it, are taken to rest on it.
"""

from __future__ import annotations

import functools
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Any
Event = Mapping[str, Json]

DECLARED, VALUE, LANE = "declared", "value", "lane"
WAYS = (DECLARED, VALUE, LANE)
# Shorter values, and those that every second step has, say nothing about where they are from.
SHORTEST = 4
COMMON = frozenset("true false null none error success stop user assistant tool".split())
# Leaves of one step that are looked at, and the longest text that is looked into for words.
MOST_LEAVES, LONGEST = 2_000, 20_000
# Texts up to this many characters are looked into once.
SHORT = 2_000
_WORD = re.compile(r"[\w.@:/+-]*\d[\w.@:/+-]*")
# Steps that ask nothing of the application; nothing rests on what they say.
SILENT = frozenset({"env", "time", "random"})


class Cones:
    """The edges of one session, by the numbers of its steps from 1 on."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._after: dict[int, dict[int, str]] = defaultdict(dict)
        self._connect_declared(events)
        self._connect_by_value(events)
        self._connect_lanes(events)

    def behind(self, step: int) -> dict[int, str]:
        """Return the steps behind one, in order, each with the weakest reason on the way to it."""
        found: dict[int, str] = {}
        waiting = [(step, DECLARED)]
        while waiting:
            at, way = waiting.pop()
            for after, how in self._after.get(at, {}).items():
                weakest = max(way, how, key=WAYS.index)
                if after not in found or WAYS.index(weakest) < WAYS.index(found[after]):
                    found[after] = weakest
                    waiting.append((after, weakest))
        return dict(sorted(found.items()))

    def _connect_declared(self, events: Sequence[Event]) -> None:
        numbers = {name: at for at, event in enumerate(events, 1) for name in _names(event)}
        for at, event in enumerate(events, 1):
            for name in event.get("inputs") or ():
                source = numbers.get(str(name), at)
                if source < at:
                    self._after[source][at] = DECLARED

    def _connect_by_value(self, events: Sequence[Event]) -> None:
        # Of every value the last steps that answered it, up to a few: it may be from any.
        sources: dict[str, list[int]] = {}
        for at, event in enumerate(events, 1):
            if not event.get("inputs"):
                for value in set(values_of(event.get("input"))):
                    for source in sources.get(value, ()):
                        self._after[source].setdefault(at, VALUE)
            if event.get("kind") not in SILENT | {"agent"}:
                for value in _answered(event):
                    sources[value] = [*sources.get(value, ())[-3:], at]

    def _connect_lanes(self, events: Sequence[Event]) -> None:
        steps = [
            (at, str(event.get("lane") or "0"), event.get("kind"))
            for at, event in enumerate(events, 1)
            if event.get("kind") not in SILENT
        ]
        # Reversed, so that of each lane the first step stays.
        begins = {lane: at for at, lane, _ in reversed(steps)}
        begun = defaultdict(list)
        for lane, at in begins.items():
            begun[lane.rpartition(".")[0]].append(at)
        following: dict[str, int] = {}
        for at, lane, kind in reversed(steps):
            if kind != "agent" and not self._after.get(at):
                own = _going_on(lane, following)
                started = [one for one in begun[lane] if one > at]
                self._after[at] |= dict.fromkeys([*own, *started], LANE)
            following[lane] = at


def _going_on(lane: str, following: Mapping[str, int]) -> list[int]:
    """Return the next step of a lane, or of the one that it was started from."""
    while lane:
        if lane in following:
            return [following[lane]]
        lane = lane.rpartition(".")[0]
    return []


def _names(event: Event) -> Iterator[str]:
    return (str(event[name]) for name in ("client_id", "id") if event.get(name))


def _answered(event: Event) -> set[str]:
    """Return the values that a step answered; a tool that says again what it was asked, is none."""
    found = set(values_of(event.get("output")))
    return found if event.get("kind") == "llm" else found - set(values_of(event.get("input")))


def values_of(value: Json) -> Iterator[str]:
    """Yield the values by which one step may be recognised in another: leaves, ids, numbers."""
    found = 0
    waiting = [value]
    while waiting and found < MOST_LEAVES:
        inner = waiting.pop()
        if isinstance(inner, Mapping):
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner
        elif isinstance(inner, str):
            found += 1
            # Conversations say the same again in every call.
            yield from (_known_text if len(inner) <= SHORT else _of_text)(inner)
        elif isinstance(inner, int | float) and not isinstance(inner, bool):
            found += 1
            yield from (one for one in [str(inner)] if len(one) >= SHORTEST)


def _opened(text: str) -> Json:
    if text[:1] not in ("{", "[") or len(text) > LONGEST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_text(text: str) -> tuple[str, ...]:
    opened = _opened(text)
    inner = [] if opened is None else list(values_of(opened))
    told = text.strip()
    if len(told) >= SHORTEST and told.lower() not in COMMON:
        inner.append(told)
    if len(told) <= LONGEST:
        inner += [one for one in _WORD.findall(told) if SHORTEST <= len(one) < len(told)]
    return tuple(inner)


_known_text = functools.lru_cache(4096)(_of_text)
