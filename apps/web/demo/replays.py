"""Replays of one of the demo's sessions: the agent as it was, with another prompt, and a fork.

The desk's agent is made up, so it is played once more: each call that it made is made again,
answered from the record by the client's own replayer, and reported as by any client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from playhead import places
from playhead.calls import Answer, make_call
from playhead.fetching import Server, fetch_session
from playhead.forking import Forking
from playhead.recorded import BOUNDARY
from playhead.replaying import Policy, Replaying
from playhead.reporting import Reporting
from playhead.sending import Sender
from playhead.tapes import Tape

from apps.web.demo.prompts import NAME, VERSIONS, Version
from apps.web.demo.saying import ask
from apps.web.demo.tools import Fields

SESSION = "demo-015-double-charge"
# The step at which the customer was told so much that they asked for a person.
TOO_MUCH = 13
SHORT = "You were charged twice. The second payment is on its way back to your card."
NEW = VERSIONS[-1]
# The newest session of the demo is one of a customer.
AGO = timedelta(days=1)
# What is said again of steps that are no calls.
NOTED = ("input", "output", "state", "state_patch", "handoff", "memory")
SECONDS = 10.0


def replay_all(key: str) -> None:
    """Replay a session of the server and fork it, unless somebody has erased it."""
    found = ask(key, f"sessions?{urlencode({'external_id': SESSION})}")["results"]
    if not found:
        return
    server = Server(settings.PLAYHEAD_URL, key)
    events = list(fetch_session(server, found[0]["id"]))
    sender = Earlier(settings.PLAYHEAD_URL, key)
    play_all(events, sender)
    sender.flush(SECONDS)


def play_all(events: Sequence[Mapping[str, Any]], sender: Sender) -> None:
    """Replay a session as it was, replay it with the new prompt, and fork it."""
    same = Replaying(Tape.of(SESSION, events), Policy())
    Desk(same, "demo-replay-as-it-was").play(sender)
    other = Replaying(Tape.of(SESSION, events), Policy(match="ordered"))
    Desk(other, f"demo-replay-with-{NAME}-{NEW.number}", prompt=NEW).play(sender)
    fork = Forking(Tape.of(SESSION, events), Policy(), TOO_MUCH)
    Desk(fork, f"demo-fork-with-{NAME}-{NEW.number}", prompt=NEW, since=TOO_MUCH).play(sender)


class Earlier(Sender):
    """Sends what happens now as of a day ago."""

    def put(self, event: Any) -> None:
        super().put(_earlier(event))

    def put_report(self, report: Any) -> None:
        super().put_report(_earlier(report))


def _earlier(told: Mapping[str, Any]) -> dict[str, Any]:
    moved = {
        name: (datetime.fromisoformat(told[name]) - AGO).isoformat()
        for name in ("started_at", "ended_at")
        if told.get(name)
    }
    return {**told, **moved}


@dataclass(frozen=True, slots=True)
class Desk:
    """The agent, which does again what the record says that it did."""

    run: Replaying
    name: str
    # The prompt that it uses from a step on; none: the recorded one.
    prompt: Version | None = None
    since: int = 1

    def play(self, sender: Sender) -> None:
        """Go through all steps, and report what that came to."""
        reporting = Reporting(sender, self.run, self.name)
        first = self.run.tape.events[0]
        shared = {name: first.get(name) for name in ("agent", "environment", "user", "tags")}
        self.run.record_as(self.name, sender.put, shared)
        with places.running(self.run):
            self._go_through()
        self.run.end()
        reporting.end(None)

    def _go_through(self) -> None:
        root = ""
        for step, event in enumerate(self.run.tape.events, 1):
            if event.get("kind") not in BOUNDARY:
                noted = self._note(event, root)
                root = root or noted
            elif self._call(step, event, root):
                return

    def _note(self, event: Mapping[str, Any], root: str) -> str:
        told = {name: event[name] for name in NOTED if event.get(name) is not None}
        return self.run.note(event["kind"], event["name"], {"parent": root or None} | told)

    def _call(self, step: int, event: Mapping[str, Any], root: str) -> bool:
        """Make a recorded call again; tell whether it was made for real, which ends the case."""
        known = {name: event[name] for name in ("model", "params", "tools") if event.get(name)}
        asked = self._asked(step, event)
        call = make_call(event["kind"], event["name"], asked, effects=event.get("effects"), **known)
        call.parent = root or None
        if self.run.begin(call) is not None:
            return False
        usage: Fields = {"input": 1_180, "output": 17}
        answer = Answer({"role": "assistant", "content": SHORT}, extra={"usage": usage})
        self.run.finish(call, answer)
        return True

    def _asked(self, step: int, event: Mapping[str, Any]) -> Any:
        """Return what is asked; models with the other prompt, where there is one."""
        asked = event.get("input")
        if self.prompt is None or step < self.since or event["kind"] != "llm":
            return asked
        system: Fields = {"role": "system", "content": self.prompt.text}
        return [system, *(asked or [])[1:]]
