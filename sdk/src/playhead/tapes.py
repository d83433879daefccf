"""A recorded session as what a replay is answered from: each answer given once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from playhead.alignment import leaves
from playhead.calls import Call, Key
from playhead.clocks import opened
from playhead.masked import is_masked
from playhead.recorded import ASKED, BOUNDARY, LOOSE, OTHERS, SAID, Asking, Recorded, recorded_calls
from playhead.recording import CLOCK, PATCHED, SEED, SURROUNDINGS

Json = Any
Event = Mapping[str, Json]

__all__ = ["BOUNDARY", "Recorded", "Tape"]

# How a call was found, from the strictest on. Calls that others recorded are found by what was
# said, and those with masked requests by what is not masked: as strictly as the record allows.
EXACT, MASKED, MOVED, DRIFTED, FUZZY = "exact", "masked", "moved", "drifted", "fuzzy"
# What else answered: a stub, a person who chose or typed, the world itself.
STUBBED, CHOSEN, TYPED, MADE_LIVE = "stub", "chosen", "typed", "live"
# Ways of finding a call that say that it asks the same.
SAME = frozenset({EXACT, SAID, MASKED, MOVED})
MODES = ("strict", "ordered", "content", "fuzzy")
_FINDS = {
    "strict": (EXACT, SAID, MASKED),
    "ordered": (EXACT, SAID, MASKED, MOVED, DRIFTED),
    "content": (EXACT, SAID, MASKED, MOVED, DRIFTED, LOOSE),
    "fuzzy": (EXACT, SAID, MASKED, MOVED, DRIFTED, LOOSE, FUZZY),
}
# Of how many unconsumed calls the most alike is taken, and how alike it must be at least.
WINDOW, ALIKE = 8, 0.6
# Texts up to this many characters are compared word by word.
LONGEST = 20_000


@dataclass(slots=True)
class Tape:
    """The calls of a recorded session, and which of them have been answered from."""

    session: str
    events: list[Event]
    calls: list[Recorded] = field(default_factory=list)
    # Where of each place the first call lies that can still be given.
    _begin: dict[tuple[tuple[str, ...], bool], int] = field(default_factory=dict)
    _misses: int = 0
    # The step before which nothing is made again.
    begins_at: int = 1
    _has_others: bool = False
    _by_key: dict[Key, Recorded] = field(default_factory=dict)
    _alike: dict[tuple[str, ...], list[Recorded]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, session: str, events: Iterable[Event]) -> Tape:
        tape = cls(session, list(events))
        for recorded in recorded_calls(tape.events):
            tape._add(recorded)
        return tape

    def _add(self, recorded: Recorded) -> None:
        self.calls.append(recorded)
        key = recorded.key
        self._alike["kind", key.kind].append(recorded)
        if is_masked(recorded.event, *ASKED):
            self._alike["masked", key.kind].append(recorded)
        if not recorded.is_own:
            self._has_others = True
            for place in recorded.places():
                self._alike[place].append(recorded)
            return
        self._by_key.setdefault(key, recorded)
        self._alike["same", key.kind, key.name, key.request].append(recorded)
        self._alike["next", key.lane, key.kind, key.name].append(recorded)
        self._alike["lane", key.lane].append(recorded)
        self._alike["loose", key.kind, key.name, recorded.loose].append(recorded)

    def find(self, call: Call, mode: str) -> tuple[Recorded, str] | None:
        """Return the recorded call that answers this one, and how it was found."""
        found = self.meant(call, mode)
        return None if found is None or found[0].why_not() else found

    def meant(self, call: Call, mode: str) -> tuple[Recorded, str] | None:
        """Return the recorded call that this one is, though it may have no answer to give."""
        for how in _FINDS[mode]:
            found = self._found(how, call)
            if found is not None:
                return found, how
        return None

    def _found(self, how: str, call: Call) -> Recorded | None:
        if how == EXACT:
            found = self._by_key.get(call.key)
            return found if found and not (found.is_consumed or found.is_passed) else None
        if how == FUZZY:
            return self._most_alike(call)
        if how in (SAID, MASKED):
            return self._said_alike(how, call)
        request, loose = call.hashes.request, call.hashes.loose
        places = {
            MOVED: ("same", call.kind, call.name, request),
            DRIFTED: ("next", call.lane, call.kind, call.name),
            LOOSE: ("loose", call.kind, call.name, loose),
        }
        own = next(self._free(places[how]), None)
        return own or (None if how == MOVED else self._of_others(how, call))

    def _said_alike(self, how: str, call: Call) -> Recorded | None:
        """Return another recorder's call that asks the same, or a masked one that may do so."""
        asking = Asking(call)
        if how == MASKED:
            masked = self._free(("masked", call.kind))
            return next((one for one in masked if asking.is_all_but_masked_in(one)), None)
        said = self._free(asking.place(SAID)) if self._has_others else iter(())
        return next((one for one in said if asking.is_same_as(one)), None)

    def _of_others(self, how: str, call: Call) -> Recorded | None:
        if not self._has_others:
            return None
        return next(self._free(Asking(call).place(LOOSE if how == LOOSE else OTHERS)), None)

    def due(self, call: Call) -> Recorded | None:
        """Return the recorded call that this one stands for, or that comes next where it is made.

        None where all of those have been answered from, or stand beside other calls.
        """
        found = self.meant(call, "strict")
        if found is not None and not found[0].is_met:
            return found[0]
        places = (("next", call.lane, call.kind, call.name), Asking(call).place(OTHERS))
        return next(chain.from_iterable(self._free(place, alone=True) for place in places), None)

    def next_in(self, lane: str) -> Recorded | None:
        """Return the recorded call with which a lane goes on."""
        return next(self._free(("lane", lane), alone=True), None)

    def _free(self, place: tuple[str, ...], *, alone: bool = False) -> Iterator[Recorded]:
        """Return the calls of a place that can be given; ``alone``: that stand beside no other."""
        calls, begin = self._alike.get(place, ()), self._begin.get((place, alone), 0)
        while begin < len(calls) and not calls[begin].is_free(alone=alone):
            # What has been given once is never looked at again.
            begin += 1
        self._begin[place, alone] = begin
        return (one for one in islice(calls, begin, None) if one.is_free(alone=alone))

    def _most_alike(self, call: Call) -> Recorded | None:
        best = max(self.candidates(call), key=lambda one: one[1], default=None)
        return best[0] if best and best[1] >= ALIKE else None

    def take_miss(self) -> int:
        """Count a call that the record does not answer."""
        self._misses += 1
        return self._misses

    def given(self, call: Call) -> Recorded | None:
        """Return the last call with the same request that has been answered from."""
        same = self._alike.get(("same", call.kind, call.name, call.hashes.request), ())
        return next((one for one in reversed(same) if one.is_consumed), None)

    def candidates(self, call: Call) -> list[tuple[Recorded, float]]:
        """Return the next unconsumed calls of the same kind, and how alike each is (0 to 1)."""
        free = (one for one in self._free(("kind", call.kind)) if one.is_left)
        return [(one, similarity(call, one)) for one in islice(free, WINDOW)]

    def seed(self) -> str | None:
        """Return the seed from which the session drew; None for one that has none recorded."""
        found = (event.get("output") for event in self._steps("random", SEED))
        return next((seed for seed in found if isinstance(seed, str)), None)

    def markers(self) -> set[str]:
        """Return the markers of code that was there when the session was recorded."""
        return {str(event["output"]) for event in self._steps("event", PATCHED)}

    def environment(self) -> Json:
        """Return what the application ran with; None where nobody recorded it."""
        found = next(self._steps("env", SURROUNDINGS), None)
        return found["output"] if found else None

    def reads(self) -> dict[str, dict[str, list[int]]]:
        """Return the times that the application read, by lane and module."""
        found = next(self._steps("time", CLOCK), None)
        return opened(found["output"]) if found else {}

    def start_ns(self) -> int:
        """Return when the session began, in nanoseconds since 1970; 0 where that is unknown."""
        starts = (event.get("started_at") for event in self.events)
        first = min((start for start in starts if start), default=None)
        if first is None:
            return 0
        return _nanoseconds(str(first))

    def _steps(self, kind: str, name: str) -> Iterator[Event]:
        return (
            event
            for event in self.events
            if event.get("kind") == kind and event.get("name") == name and event.get("output")
        )

    def pass_over(self, at: int) -> list[Recorded]:
        """Take the calls before a step as done, and return those that nothing had asked for."""
        passed = [one for one in self.calls if one.seq < at and not one.is_consumed]
        for one in passed:
            one.is_passed = True
        self.begins_at = at
        return passed

    def started_ns(self, at: int) -> int:
        """Return when a step began, in nanoseconds since 1970; 0 where that is unknown."""
        told = self.events[at - 1].get("started_at")
        return _nanoseconds(str(told)) if told else 0

    def left(self) -> list[Recorded]:
        """Return the recorded calls that nothing has asked for."""
        return [recorded for recorded in self.calls if recorded.is_left]


def _nanoseconds(told: str) -> int:
    moment = datetime.fromisoformat(told.replace("Z", "+00:00"))
    return int(moment.timestamp() * 1_000_000) * 1000


def similarity(call: Call, recorded: Recorded) -> float:
    """Return how alike a call is to a recorded one: 1 the same, 0 another tool."""
    if call.name != recorded.key.name and (recorded.is_own or call.kind != "llm"):
        return 0.0
    if call.hashes.request == recorded.key.request:
        return 1.0
    ours, theirs = (set(leaves(asked, longest=LONGEST)) for asked in _comparable(call, recorded))
    return len(ours & theirs) / len(ours | theirs)


def _comparable(call: Call, recorded: Recorded) -> tuple[Json, Json]:
    """Return what both ask, in one form where the record has another than calls."""
    said = None if recorded.is_own else Asking(call).said
    if said is None or recorded.said is None or call.kind != "llm":
        return call.asked, recorded.event.get("input")
    return said.as_json(), recorded.said.as_json()
