"""Replaying a session: every answer from the record, each once, and a stop where it has none."""

from __future__ import annotations

import fnmatch
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playhead import breakpoints
from playhead.breakpoints import Choice, Question
from playhead.calls import UNSET, Answer, Call, Ordinals, _new_id
from playhead.chance import Chance, new_seed
from playhead.clocks import Clock, RecordedClock, RecordingClock, ShiftedClock
from playhead.divergences import Divergent, Made, explained, missed, read_on
from playhead.failures import error_of
from playhead.notes import Noted
from playhead.recording import Event, Recording
from playhead.reports import Around, Report, report_on
from playhead.served import about_given, about_served, costless
from playhead.stubs import sealed, stub_for
from playhead.tapes import CHOSEN, DRIFTED, FUZZY, MADE_LIVE, MODES, STUBBED, TYPED, Recorded, Tape
from playhead.telling import advice_on
from playhead.values import as_json

Json = Any

STOP, LIVE, STUB, ASK = "stop", "live", "stub", "ask"
POLICIES = (STOP, LIVE, STUB, ASK)
# Which time an application reads: as recorded, the real one, or that from then on.
CLOCKS = (RECORDED, REAL, SHIFTED) = ("recorded", "real", "shifted")
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
        lines += [f"why: {hint}" for hint in divergent.hints]
        lines += [f"nearest: {near.says}" for near in divergent.nearest]
        lines += [f"do: {advice}" for advice in advice_on(divergent)]
        super().__init__("\n  ".join(lines))


@dataclass(frozen=True, slots=True)
class Policy:
    """How calls are found in the record, and what is done about those that are not there."""

    match: str = MODES[0]
    on_divergence: str = STOP
    # Patterns of kind:name, such as llm:* or tool:search, that may run for real.
    allow_live: Sequence[str] = ()
    # Patterns of kind:name to the answer, or to what makes it.
    stubs: Mapping[str, Any] = field(default_factory=dict)
    # 1 plays streams as they came, 2 twice as fast, 0 at once.
    stream_speed: float = 0.0
    clock: str = RECORDED
    # A step of the record before which whoever sits at the terminal is asked.
    at: int | None = None

    def __post_init__(self) -> None:
        _check("match", self.match, MODES)
        _check("on_divergence", self.on_divergence, POLICIES)
        _check("clock", self.clock, CLOCKS)
        if not self.stream_speed >= 0:
            raise ValueError(f"stream_speed must be 0 or more, not {self.stream_speed}.")


class Replaying:
    """Answers the calls of a session from a tape. Safe to use from several threads."""

    is_replay = True
    origin = "replay"

    def __init__(self, tape: Tape, policy: Policy) -> None:
        self.tape, self.policy = tape, policy
        self.stream_speed = policy.stream_speed
        self.clock = _clock(tape, policy.clock)
        self.chance = Chance(tape.seed() or new_seed())
        self.id = _new_id().hex
        # Where the replay's own events go; None where nobody wants them.
        self.recording: Recording | None = None
        # Told after each step how many were served so far.
        self.progress: Callable[[int, int], None] | None = None
        self._served = 0
        self._is_asking = policy.on_divergence == ASK
        self._markers = tape.markers()
        self._ordinals = Ordinals()
        self._lock = threading.Lock()
        self._made: dict[str, Made] = {}
        self._stubs: dict[str, Callable[..., Any]] = {}
        self._refused: list[Divergent] = []
        # What the application said of itself: decisions, states, what its agents came to.
        self._noted: list[Noted] = []

    @property
    def name(self) -> str:
        """What the session is called by default that the replay itself is."""
        return f"{self.origin}-{self.id}"

    def describes(self) -> dict[str, Json]:
        """Return what this is a replay of."""
        return {"session": self.tape.session, "match": self.policy.match}

    def record_as(
        self, name: str, sink: Callable[[Event], None], shared: Mapping[str, Json]
    ) -> None:
        """Take the replay down as a session of its own, so that it can be looked at."""
        variables = (self.tape.environment() or {}).get("variables") or ()
        around = (self.clock, self.chance)
        self.recording = Recording(name, sink, shared, variables, around)
        word = "branch" if self.origin == "fork" else self.origin
        self.recording.note("event", word, {"output": self.describes()})

    @property
    def report(self) -> Report:
        """The report on what was replayed so far."""
        with self._lock:
            clock = self.clock if isinstance(self.clock, RecordedClock) else None
            around = Around(list(self._noted), clock, list(self._refused))
            return report_on(self.tape, self._made.values(), around)

    def begin(self, call: Call) -> Answer | None:
        with self._lock:
            call.ordinal = self._ordinals.take(call)
            found = self.tape.find(call, self.policy.match)
            if found is not None and self.answers(call, found[0]):
                return self._reach(call, *found)
            self._made[call.id] = missed(self.tape, call)
            return self._missed(call)

    def answers(self, call: Call, recorded: Recorded) -> bool:
        """Tell whether the record is to answer a call that it has."""
        return True

    def _reach(self, call: Call, recorded: Recorded, how: str) -> Answer | None:
        """Serve a recorded call, once whoever wants to be asked at it has said so."""
        if recorded.seq != self.policy.at:
            return self._serve(call, recorded, how)
        self._made[call.id] = missed(self.tape, call)
        says = f"step {recorded.seq} is reached: {call.kind} {call.name} in lane {call.lane}"
        reached = Divergent("reached", recorded.seq, call.lane, call.name, says)
        choice = self._choice(call, reached, [(recorded, 1.0)])
        if choice is None or choice.recorded is not None or choice.act == breakpoints.ONWARDS:
            return self._serve(call, recorded, how)
        stopped = Divergence(reached, ())
        if choice.act == breakpoints.STOP:
            # Nothing is wrong with the step; it was not made.
            del self._made[call.id]
            raise self._stopped(call, stopped)
        return self._chosen(call, stopped, choice)

    def _serve(self, call: Call, recorded: Recorded, how: str) -> Answer:
        recorded.is_consumed = True
        answer = recorded.answer()
        answer.beyond = functools.partial(self._read_on, call, recorded)
        self._made[call.id] = Made(call, recorded, how, answer)
        self._tell(call, costless(answer, recorded), about_served(recorded, how))
        if self.progress is not None:
            self._served += 1
            self.progress(self._served, len(self.tape.calls))
        return answer

    def _tell(self, call: Call, answer: Answer, about: Mapping[str, Json]) -> None:
        if self.recording is not None:
            call.extra |= {"metadata": dict(about)} if about else {}
            self.recording.finish(call, answer)

    def _missed(self, call: Call) -> Answer | None:
        """Return what a call gets that is not in the record; None to make it for real."""
        how = self.policy.on_divergence
        if how == LIVE and self._may_run(call):
            return None
        stub = stub_for(call, self.policy.stubs, declared=how == STUB)
        if how in (LIVE, STUB) and stub is not UNSET:
            return self._stub(call, stub)
        found = self._divergence(call)
        if self._is_asking:
            return self._ask(call, found)
        if how == ASK:
            return self._go_on(call, found)
        raise self._stopped(call, found)

    def _divergence(self, call: Call) -> Divergence:
        nearest = sorted(self.tape.candidates(call), key=lambda one: -one[1])
        after = max((one.recorded.seq for one in self._made.values() if one.recorded), default=0)
        return Divergence(explained(self._made[call.id], after=after), nearest)

    def _stopped(self, call: Call, found: Divergence) -> Divergence:
        """Take down the call at which a replay stops."""
        self._tell(call, Answer(error=error_of(found)), {"stopped": True})
        return found

    def _stub(self, call: Call, stub: Any) -> Answer | None:
        """Answer a call by its stub, which the report says: it is not the record's answer."""
        if callable(stub):
            self._stubs[call.id] = sealed(stub, self)
            return None
        return self._give(call, stub, STUBBED)

    def _give(self, call: Call, value: Any, how: str) -> Answer:
        answer = Answer(as_json(value))
        self._made[call.id] = replace(self._made[call.id], how=how, answer=answer)
        self._tell(call, answer, about_given(how))
        return answer

    def _ask(self, call: Call, found: Divergence) -> Answer | None:
        near = [one for one in found.nearest if one[1] or one[0].key.name == call.name]
        choice = self._choice(call, found.divergent, near)
        return self._chosen(call, found, choice or Choice(breakpoints.STOP))

    def _choice(
        self, call: Call, found: Divergent, near: Sequence[tuple[Recorded, float]]
    ) -> Choice | None:
        stub = stub_for(call, self.policy.stubs, declared=True)
        may = Question(call, found, near, self._may_run(call), stub is not UNSET)
        return breakpoints.ask(may)

    def _chosen(self, call: Call, found: Divergence, choice: Choice) -> Answer | None:
        stub = stub_for(call, self.policy.stubs, declared=True)
        acts: dict[str, Callable[[], Answer | None]] = {
            breakpoints.TYPE: lambda: self._give(call, choice.value, TYPED),
            breakpoints.LIVE: lambda: None,
            breakpoints.STUB: lambda: self._stub(call, stub),
            breakpoints.ONWARDS: lambda: self._never_ask_again(call, found),
        }
        if choice.recorded is not None:
            return self._serve(call, choice.recorded, CHOSEN)
        if choice.act in acts:
            return acts[choice.act]()
        raise self._stopped(call, found)

    def _never_ask_again(self, call: Call, found: Divergence) -> Answer | None:
        self._is_asking = False
        return self._go_on(call, found)

    def _go_on(self, call: Call, found: Divergence) -> Answer | None:
        """Take what comes next or is nearest; a stub where nothing is, otherwise stop."""
        due = self._made[call.id].due
        if due is not None and not due.is_consumed:
            return self._serve(call, due, DRIFTED)
        if found.nearest and found.nearest[0][1] > 0:
            return self._serve(call, found.nearest[0][0], FUZZY)
        stub = stub_for(call, self.policy.stubs, declared=True)
        if stub is not UNSET:
            return self._stub(call, stub)
        raise self._stopped(call, found)

    def _may_run(self, call: Call) -> bool:
        name = f"{call.kind}:{call.name}"
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.policy.allow_live):
            return True
        return call.kind == "tool" and call.effects in HARMLESS

    def finish(self, call: Call, answer: Answer) -> None:
        with self._lock:
            how = STUBBED if self._stubs.pop(call.id, None) else MADE_LIVE
            made, took = self._made[call.id], call.elapsed_ms()
            self._made[call.id] = replace(made, how=how, answer=answer, took_ms=took)
            self._tell(call, answer, about_given(how))

    def close(self, step: Call, answer: Answer) -> None:
        self._noted.append(Noted.of_step(step, answer))
        if self.recording is not None:
            self.recording.close(step, answer)

    def patched(self, marker: str) -> bool:
        if marker not in self._markers:
            return False
        if self.recording is not None:
            self.recording.patched(marker)
        return True

    def changed_body(self, body: bytes) -> bytes:
        return body

    def replaced(self, call: Call) -> Callable[..., Any] | None:
        return self._stubs.get(call.id)

    def note(self, kind: str, name: str, fields: Mapping[str, Json]) -> str:
        recording = self.recording
        made = recording.note(kind, name, fields) if recording else str(_new_id().hex)
        self._noted.append(Noted.of_fact(kind, name, fields, made))
        return made

    def refuse(self, address: str) -> Divergence:
        """Take down a connection that was not made, and return what stops the replay."""
        return self._stop_at(refused(address))

    def _read_on(self, call: Call, recorded: Recorded) -> Divergence:
        """Take down that a stream is read beyond where it was left, and return what stops it."""
        return self._stop_at(read_on(call, recorded))

    def _stop_at(self, found: Divergent) -> Divergence:
        with self._lock:
            self._refused.append(found)
        return Divergence(found, ())

    def end(self) -> None:
        """Say that nothing more comes."""
        if self.recording is not None:
            self.recording.end(is_over=True)


def _clock(tape: Tape, kind: str) -> Clock:
    if kind == REAL:
        return RecordingClock()
    if kind == SHIFTED:
        return ShiftedClock(tape.start_ns())
    return RecordedClock(tape.reads(), tape.start_ns())


def refused(address: str) -> Divergent:
    """Return what is said where a replay reaches for the network."""
    says = f"a connection to {address} was refused: the record answers all calls of a replay"
    return Divergent("extra", None, "", address, says)


def _check(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{field} must be one of {', '.join(allowed)}, not {value!r}.")
