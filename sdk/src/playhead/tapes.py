"""A recorded session as what a replay is answered from: each answer given once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from playhead.alignment import leaves
from playhead.calls import Answer, Call, Key
from playhead.clocks import opened
from playhead.matching import CANON, match_hashes
from playhead.recording import CLOCK, PATCHED, SEED, SURROUNDINGS

Json = Any
Event = Mapping[str, Json]

# Calls that leave the application: what a replay answers.
BOUNDARY = frozenset("llm tool retriever embedding reranker guardrail memory http".split())
# How a call was found, from the strictest on.
EXACT, MOVED, DRIFTED, LOOSE, FUZZY = "exact", "moved", "drifted", "loose", "fuzzy"
MODES = ("strict", "ordered", "content", "fuzzy")
_FINDS = {
    "strict": (EXACT,),
    "ordered": (EXACT, MOVED, DRIFTED),
    "content": (EXACT, MOVED, DRIFTED, LOOSE),
    "fuzzy": (EXACT, MOVED, DRIFTED, LOOSE, FUZZY),
}
# Of how many unconsumed calls the most alike is taken, and how alike it must be at least.
WINDOW, ALIKE = 8, 0.6
# Texts up to this many characters are compared word by word.
LONGEST = 20_000


@dataclass(slots=True, eq=False)
class Recorded:
    """One call of the record."""

    # 1, 2, ... in replay order, as pages count steps.
    seq: int
    event: Event
    key: Key
    loose: str
    is_consumed: bool = False

    def answer(self) -> Answer:
        replay = self.event.get("replay") or {}
        response = replay if "status" in replay else None
        return Answer(self.event.get("output"), self.event.get("error"), response=response)


@dataclass(slots=True)
class Tape:
    """The calls of a recorded session, and which of them have been answered from."""

    session: str
    events: list[Event]
    calls: list[Recorded] = field(default_factory=list)
    _by_key: dict[Key, Recorded] = field(default_factory=dict)
    _alike: dict[tuple[str, ...], list[Recorded]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, session: str, events: Iterable[Event]) -> Tape:
        tape = cls(session, list(events))
        counts: dict[tuple[str, str, str, str], int] = defaultdict(int)
        for seq, event in enumerate(tape.events, 1):
            if event.get("kind") in BOUNDARY and not _is_inside(event):
                tape._add(_recorded(seq, event, counts))
        return tape

    def _add(self, recorded: Recorded) -> None:
        self.calls.append(recorded)
        key = recorded.key
        self._by_key.setdefault(key, recorded)
        self._alike["same", key.kind, key.name, key.request].append(recorded)
        self._alike["next", key.lane, key.kind, key.name].append(recorded)
        self._alike["loose", key.kind, key.name, recorded.loose].append(recorded)

    def find(self, call: Call, mode: str) -> tuple[Recorded, str] | None:
        """Return the recorded call that answers this one, and how it was found."""
        for how in _FINDS[mode]:
            found = self._found(how, call)
            if found is not None:
                return found, how
        return None

    def _found(self, how: str, call: Call) -> Recorded | None:
        if how == EXACT:
            found = self._by_key.get(call.key)
            return found if found and not found.is_consumed else None
        if how == FUZZY:
            return self._most_alike(call)
        request, loose = call.hashes.request, call.hashes.loose
        places = {
            MOVED: ("same", call.kind, call.name, request),
            DRIFTED: ("next", call.lane, call.kind, call.name),
            LOOSE: ("loose", call.kind, call.name, loose),
        }
        return next(self._free(places[how]), None)

    def due(self, call: Call) -> Recorded | None:
        """Return the recorded call that comes next where this one is made."""
        return self._found(DRIFTED, call)

    def _free(self, place: tuple[str, ...]) -> Iterator[Recorded]:
        calls = self._alike.get(place, ())
        return (recorded for recorded in calls if not recorded.is_consumed)

    def _most_alike(self, call: Call) -> Recorded | None:
        best = max(self.candidates(call), key=lambda one: one[1], default=None)
        return best[0] if best and best[1] >= ALIKE else None

    def candidates(self, call: Call) -> list[tuple[Recorded, float]]:
        """Return the next unconsumed calls of the same kind, and how alike each is (0 to 1)."""
        free = [one for one in self.calls if not one.is_consumed and one.key.kind == call.kind]
        return [(one, similarity(call, one)) for one in free[:WINDOW]]

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
        moment = datetime.fromisoformat(str(first).replace("Z", "+00:00"))
        return int(moment.timestamp() * 1_000_000) * 1000

    def _steps(self, kind: str, name: str) -> Iterator[Event]:
        return (
            event
            for event in self.events
            if event.get("kind") == kind and event.get("name") == name and event.get("output")
        )

    def left(self) -> list[Recorded]:
        """Return the recorded calls that nothing has asked for."""
        return [recorded for recorded in self.calls if not recorded.is_consumed]


def similarity(call: Call, recorded: Recorded) -> float:
    """Return how alike a call is to a recorded one: 1 the same, 0 another tool."""
    if call.name != recorded.key.name:
        return 0.0
    if call.hashes.request == recorded.key.request:
        return 1.0
    ours, theirs = (
        set(leaves(asked, longest=LONGEST)) for asked in (call.asked, recorded.event.get("input"))
    )
    return len(ours & theirs) / len(ours | theirs)


def _is_inside(event: Event) -> bool:
    """Tell whether another recorded call answers for this one."""
    return bool((event.get("replay") or {}).get("is_inside"))


def _recorded(seq: int, event: Event, counts: dict[tuple[str, str, str, str], int]) -> Recorded:
    replay = event.get("replay") or {}
    request, loose = replay.get("request_hash"), replay.get("loose_hash")
    if request is None or loose is None or replay.get("canon") != CANON:
        made = match_hashes(
            event.get("input"),
            model=event.get("model"),
            params=event.get("params"),
            tools=event.get("tools"),
        )
        request, loose = made.request, made.loose
    lane, name = str(event.get("lane") or "0"), str(event.get("name") or "")
    alike = (lane, str(event["kind"]), name, request)
    ordinal = replay.get("ordinal", counts[alike])
    counts[alike] = ordinal + 1
    return Recorded(seq, event, Key(*alike, ordinal), loose)
