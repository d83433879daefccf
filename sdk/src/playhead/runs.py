"""What listens to the calls of a session: a recording, or a replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from playhead.calls import Answer, Call
from playhead.chance import Chance
from playhead.clocks import Clock

Json = Any


class Run(Protocol):
    """A session that is being run: recorded, or answered from a record."""

    def begin(self, call: Call) -> Answer | None:
        """Number a call that starts, and return its answer; None to make it for real."""

    def finish(self, call: Call, answer: Answer) -> None:
        """Take down what a call that was made for real came back with."""

    def close(self, step: Call, answer: Answer) -> None:
        """Take down a step that held others, once it has ended; nothing answers it."""

    def note(self, kind: str, name: str, fields: Mapping[str, Json]) -> str:
        """Take down a step that asks nothing: a decision, a change of state; return its id."""

    def patched(self, marker: str) -> bool:
        """Tell whether code that came with a marker is to run."""

    def changed_body(self, body: bytes) -> bytes:
        """Return the request of a model that is made for real, with what the run changes."""

    def replaced(self, call: Call) -> Callable[..., Any] | None:
        """Return what runs in the place of a tool; None for the tool itself."""

    @property
    def clock(self) -> Clock:
        """Where the application's time comes from."""

    @property
    def chance(self) -> Chance:
        """Where the application's random numbers and ids come from."""

    @property
    def is_replay(self) -> bool:
        """Whether answers come from a record."""

    @property
    def stream_speed(self) -> float:
        """How fast recorded streams are played: 1 as they came, 2 twice as fast, 0 at once."""
