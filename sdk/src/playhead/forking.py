"""Leaving the record at a step: what came before is served, what follows runs with changes.

The fork is a session of its own. What it was forked from is only read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from playhead.calls import Call
from playhead.clocks import RecordedClock
from playhead.places import MAIN
from playhead.replaying import LIVE, Policy, Replaying
from playhead.restoring import state_before
from playhead.tapes import Recorded, Tape

Json = Any

# What ``overrides`` may change: the model, parameters of its calls, tools and prompts by name.
MODEL, PARAMS, TOOL, PROMPT = "model", "params", "tool:", "prompt:"
# As ``playhead.prompt`` fetches one of the library.
FETCHED = ("retriever", "prompt")
NUMBER = re.compile(r"v?([1-9][0-9]{0,8})")


class Forking(Replaying):
    """Answers calls from before step ``at``; later ones run for real, as far as they may."""

    origin = "fork"

    def __init__(
        self, tape: Tape, policy: Policy, at: int, overrides: Mapping[str, Any] | None = None
    ) -> None:
        """Leave ``tape`` at step ``at`` (1 is the first). Models run for real after it; tools
        where the record does not answer them and they are allowed, by name or as harmless.
        """
        _check(at, tape, overrides or {})
        allowed = ("llm:*", *policy.allow_live)
        super().__init__(tape, replace(policy, on_divergence=LIVE, allow_live=allowed))
        self.at, self.overrides = at, dict(overrides or {})

    def describes(self) -> dict[str, Json]:
        """Return what the fork is of, and what was changed."""
        changed = {name: _told(value) for name, value in self.overrides.items()}
        return {"session": self.tape.session, "step": self.at, "overrides": changed}

    def restore(self, lane: str = MAIN) -> Any:
        """Return the state before the step at which the fork begins; None where none was told.

        What lies before counts as done: a program that can go on from its state calls this
        first, and makes none of the calls before the step again. Raises PatchError.
        """
        states = state_before(self.tape.events, self.at)
        if lane not in states:
            return None
        with self._lock:
            for one in self.tape.pass_over(self.at):
                self._ordinals.pass_over(one.key)
        if isinstance(self.clock, RecordedClock):
            self.clock.pass_over(self.tape.started_ns(self.at))
        return states[lane]

    def answers(self, call: Call, recorded: Recorded) -> bool:
        if recorded.seq < self.at:
            return True
        # After the fork models are asked anew, and so is what was replaced.
        is_asked_anew = call.kind == "llm" or self._is_other_prompt(call)
        return not is_asked_anew and TOOL + call.name not in self.overrides

    def prompt_at(self, name: str) -> dict[str, Json] | None:
        """Return which version, or label, of a prompt of the library is fetched instead."""
        wanted = self.overrides.get(PROMPT + name)
        return None if wanted is None else _prompt_at(name, wanted)

    def _is_other_prompt(self, call: Call) -> bool:
        asked = call.asked if isinstance(call.asked, Mapping) else {}
        return (
            call.kind,
            call.name,
        ) == FETCHED and f"{PROMPT}{asked.get('name')}" in self.overrides

    def changed_body(self, body: bytes) -> bytes:
        """Return a request of a model with what is overridden, after the fork."""
        changed = dict(self.overrides.get(PARAMS, {}))
        if MODEL in self.overrides:
            changed[MODEL] = self.overrides[MODEL]
        return json.dumps(json.loads(body) | changed).encode() if changed else body

    def has_left(self) -> bool:
        """Tell whether all calls before the fork have been served."""
        return not any(one.is_left for one in self.tape.calls if one.seq < self.at)

    def replaced(self, call: Call) -> Callable[..., Any] | None:
        """Return what runs in the place of a tool after the fork."""
        found = self.overrides.get(f"{call.kind}:{call.name}")
        return found or super().replaced(call)

    def patched(self, marker: str) -> bool:
        if super().patched(marker):
            return True
        return self.recording is None or self.recording.patched(marker)

    def _may_run(self, call: Call) -> bool:
        is_known = self.tape.find(call, self.policy.match) is not None
        if not is_known and not self.has_left():
            # Before the fork the record is followed to the letter.
            return False
        is_replaced = TOOL + call.name in self.overrides or self._is_other_prompt(call)
        return is_replaced or super()._may_run(call)


def _told(value: Any) -> Json:
    return getattr(value, "__qualname__", repr(value)) if callable(value) else value


def _check(at: int, tape: Tape, overrides: Mapping[str, Any]) -> None:
    if not 1 <= at <= len(tape.events):
        raise ValueError(f"at must be a step from 1 to {len(tape.events)}, not {at}.")
    for name, wanted in overrides.items():
        if name.startswith(PROMPT):
            _prompt_at(name.removeprefix(PROMPT), wanted)
        elif name not in (MODEL, PARAMS) and not name.startswith(TOOL):
            known = "model, params, tool:<name> and prompt:<name>"
            raise ValueError(f"overrides may name {known}, not {name!r}.")


def _prompt_at(name: str, wanted: Any) -> dict[str, Json]:
    """Return what 8, "8", "v8" or "staging" names: a version, or else a label."""
    if isinstance(wanted, str) and wanted:
        number = NUMBER.fullmatch(wanted)
        return {"version": int(number[1])} if number else {"label": wanted}
    if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0:
        return {"version": wanted}
    raise ValueError(f"prompt:{name} takes a version such as 8 or v8, or a label, not {wanted!r}.")
