"""Replaying a session: every answer from the record, each once, and a stop where it has none."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from playhead.calls import Answer, Call, Ordinals, _new_id
from playhead.chance import Chance, new_seed
from playhead.clocks import RecordedClock
from playhead.reports import Divergent, Made, Report, divergent, report_on
from playhead.tapes import MODES, Recorded, Tape

Json = Any

STOP, LIVE, STUB = "stop", "live", "stub"
POLICIES = (STOP, LIVE, STUB)
# What a tool may do while nobody allowed it by name.
HARMLESS = ("none",)


class Divergence(BaseException):
    """A call that the record does not answer.

    It is no ``Exception``, so that an application which handles its tools' errors does not
    handle this one and go on.
    """

    def __init__(self, divergent: Divergent, nearest: Sequence[tuple[Recorded, float]]) -> None:
        self.divergent, self.nearest = divergent, nearest
        lines = [divergent.says, *map(str, divergent.differences[:10])]
        lines += [_told(one, alike) for one, alike in nearest[:3]]
        super().__init__("\n  ".join(lines))


def _told(recorded: Recorded, alike: float) -> str:
    key = recorded.key
    where = f"step {recorded.seq}, {key.kind} {key.name} in lane {key.lane}"
    return f"nearest: {where}, {alike:.0%} alike"


class Replaying:
    """Answers the calls of a session from a tape. Safe to use from several threads."""

    is_replay = True

    def __init__(
        self,
        tape: Tape,
        *,
        match: str = "strict",
        on_divergence: str = STOP,
        allow_live: Sequence[str] = (),
        stubs: Mapping[str, Json] | None = None,
        stream_speed: float = 0.0,
    ) -> None:
        _check("match", match, MODES)
        _check("on_divergence", on_divergence, POLICIES)
        self.tape, self.match, self.policy = tape, match, on_divergence
        self.allow_live, self.stubs = tuple(allow_live), dict(stubs or {})
        self.stream_speed = stream_speed
        self.clock = RecordedClock(tape.reads(), tape.start_ns())
        self.chance = Chance(tape.seed() or new_seed())
        self._markers = tape.markers()
        self._ordinals = Ordinals()
        self._lock = threading.Lock()
        self._made: dict[str, Made] = {}

    @property
    def report(self) -> Report:
        """The report on what was replayed so far."""
        with self._lock:
            return report_on(self.tape, self._made.values())

    def begin(self, call: Call) -> Answer | None:
        with self._lock:
            call.ordinal = self._ordinals.take(call)
            found = self.tape.find(call, self.match)
            if found is not None and self.answers(call, found[0]):
                recorded, how = found
                recorded.is_consumed = True
                answer = recorded.answer()
                self._made[call.id] = Made(call, recorded, how, answer)
                return answer
            self._made[call.id] = Made(call, None, None, due=self.tape.due(call))
            return self._missed(call)

    def answers(self, call: Call, recorded: Recorded) -> bool:
        """Tell whether the record is to answer a call that it has."""
        return True

    def _missed(self, call: Call) -> Answer | None:
        """Return what a call gets that is not in the record; None to make it for real."""
        if self.policy == LIVE and self._may_run(call):
            return None
        name = f"{call.kind}:{call.name}"
        if self.policy == STUB and name in self.stubs:
            return Answer(self.stubs[name])
        nearest = sorted(self.tape.candidates(call), key=lambda one: -one[1])
        after = max((one.recorded.seq for one in self._made.values() if one.recorded), default=0)
        raise Divergence(divergent(self._made[call.id], after=after), nearest)

    def _may_run(self, call: Call) -> bool:
        name = f"{call.kind}:{call.name}"
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.allow_live):
            return True
        return call.kind == "tool" and call.effects in HARMLESS

    def finish(self, call: Call, answer: Answer) -> None:
        with self._lock:
            self._made[call.id] = Made(call, None, None, answer)

    def close(self, step: Call, answer: Answer) -> None:
        return None

    def patched(self, marker: str) -> bool:
        return marker in self._markers

    def changed_body(self, body: bytes) -> bytes:
        return body

    def replaced(self, call: Call) -> Callable[..., Any] | None:
        return None

    def note(self, kind: str, name: str, fields: Mapping[str, Json]) -> str:
        return str(_new_id().hex)


def refused(address: str) -> Divergent:
    """Return what is said where a replay reaches for the network."""
    says = f"a connection to {address} was refused: the record answers all calls of a replay"
    return Divergent("extra", None, "", address, says)


def _check(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{field} must be one of {', '.join(allowed)}, not {value!r}.")
