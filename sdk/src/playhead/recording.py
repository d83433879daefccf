"""Recording a session: every call as an event, handed to whoever sends or writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from playhead import places
from playhead.calls import Answer, Call, Ordinals, _new_id, _now_ns, event_of, stamp
from playhead.chance import Chance, new_seed
from playhead.clocks import Clock, RecordingClock, packed
from playhead.environment import environment_now

Json = Any
Event = dict[str, Json]

# Names of the steps that hold what the surroundings were.
SEED, CLOCK, PATCHED, SURROUNDINGS = "seed", "clock", "patched", "environment"


class Recording:
    """Makes events of what happens in one session. Safe to use from several threads."""

    is_replay = False
    stream_speed = 1.0

    def __init__(
        self,
        session: str,
        sink: Callable[[Event], None],
        shared: Mapping[str, Json] | None = None,
        variables: Iterable[str] = (),
        around: tuple[Clock, Chance] | None = None,
    ) -> None:
        """Take down session ``session``; ``shared`` fields are said on every event.

        ``variables`` of the environment are recorded by their names; secret ones as hashes.
        ``around`` is where the time and chance of a replay come from.
        """
        self.session = session
        self._sink = sink
        self._shared = {name: value for name, value in (shared or {}).items() if value is not None}
        self._ordinals = Ordinals()
        self.clock, self.chance = around or (RecordingClock(), Chance(new_seed()))
        self.note("random", SEED, {"output": self.chance.seed})
        self.note("env", SURROUNDINGS, {"output": environment_now(variables)})

    def end(self, *, is_over: bool = False) -> None:
        """Take down what is known at the end only: which times the application read.

        With ``is_over`` nothing more is expected of the session, as of one that is a replay.
        """
        if self.clock.reads or is_over:
            told = {"output": packed(self.clock.reads), "ends_session": is_over or None}
            self.note("time", CLOCK, told)

    def begin(self, call: Call) -> Answer | None:
        call.ordinal = self._ordinals.take(call)
        return None

    def finish(self, call: Call, answer: Answer) -> None:
        self._sink(self._shared | event_of(call, answer, self.session))

    def close(self, step: Call, answer: Answer) -> None:
        self.finish(step, answer)

    def patched(self, marker: str) -> bool:
        self.note("event", PATCHED, {"output": marker})
        return True

    def changed_body(self, body: bytes) -> bytes:
        return body

    def replaced(self, call: Call) -> Callable[..., Any] | None:
        return None

    def note(self, kind: str, name: str, fields: Mapping[str, Json]) -> str:
        at, step = stamp(_now_ns()), _new_id().hex
        event = {
            "id": step,
            "session": self.session,
            "parent": places.current_step(),
            "lane": places.lane_path(),
            "agent": places.current_agent(),
            "kind": kind,
            "name": name,
            "started_at": at,
            "ended_at": at,
        }
        told = {name: value for name, value in (event | dict(fields)).items() if value is not None}
        self._sink(self._shared | told)
        return step
