"""The steps of a free replay's new session, in the order and at the times at which they came.

Up to where the replay departs from its record, steps stand where they stood in it; its answers
take the time that they took, and what follows moves along. From there on there is only what was
asked and answered.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.replays.server.copies import Copy
from apps.replays.server.free import FreeAsking
from apps.replays.server.loops import TOOL, Event, is_same
from apps.replays.server.models import ServerStep, StepState, Stop
from apps.replays.server.sealed import open_answer
from apps.replays.server.tools import LOOSE, UNANSWERED, Served
from apps.replays.server.walking import Made
from apps.sessions.native import moment

Json = Any

NOTHING = timedelta(0)
AROUND = ("agent", "chain")
NOT_ANSWERED = {"type": "NotAnswered", "message": "Neither the record nor a simulator answers it."}


def story_of(asking: FreeAsking) -> list[Copy]:
    """Return the steps of the new session."""
    rows = list(asking.run.steps.order_by("seq"))
    story = Story(asking)
    done = [row for row in rows if row.state == StepState.DONE]
    for row, made in zip(done, asking.walk.made, strict=True):
        story.add_made(row, made)
    for row in rows:
        if row.state == StepState.FAILED:
            story.add_failed(row)
    return story.told()


class Story:
    """Puts steps one behind the other."""

    def __init__(self, asking: FreeAsking) -> None:
        self.asking, self.loop = asking, asking.loop
        self.run_id = asking.run.pk
        self.copies: list[Copy] = []
        self.ids: set[str] = set()
        self.times = Times()
        self.is_departed = False
        # Tools that models called; others are the application's own calls.
        self._called = {
            told.event["id"]
            for told in asking.tools.answers
            if told.event is not None and told.key != told.event["id"]
        }
        self._children: dict[str, list[Event]] = {}
        for event in self.loop.events:
            self._children.setdefault(event.get("parent") or "", []).append(event)
        first = asking.first.seq
        for event in self.loop.events[: first - 1]:
            self._serve(event)

    def told(self) -> list[Copy]:
        """Return the steps; what lies around those of a departed replay came to something else."""
        self._end_what_lies_around()
        if not self.is_departed:
            return self.copies
        return [
            Copy({**copy.event, "output": None}, beside=copy.event)
            if copy.event["kind"] in AROUND and not copy.is_asked
            else copy
            for copy in self.copies
        ]

    def _end_what_lies_around(self) -> None:
        """Let no step end before those that lie in it."""
        by_id: dict[str, Any] = {copy.event["id"]: copy.event for copy in self.copies}
        for copy in reversed(self.copies):
            around, end = by_id.get(copy.event.get("parent") or ""), copy.event.get("ended_at")
            if around is not None and end and around.get("ended_at") and around["kind"] != "llm":
                around["ended_at"] = max(around["ended_at"], end)

    def add_made(self, row: ServerStep, made: Made) -> None:
        """Add an answer of a model, and what followed it."""
        answer = open_answer(self.asking.cipher, row) or {}
        recorded = made.beside.event
        is_new = recorded["id"] in self.ids
        self.is_departed |= not is_same(made.answer, made.beside.answer)
        self._ask(row, made.request if not made.is_verbatim else None, recorded, answer)
        is_over = made.stopped is not None and made.stopped.stop != Stop.ENDED
        if made.is_same_decision and not is_new and not is_over:
            self._serve_following(made)
        model = self.copies_of_model()
        for served in made.served:
            if served.is_answered:
                self._serve_tool(served, model)
        if made.missing is not None:
            self._add_unanswered(made, model)

    def copies_of_model(self) -> Event:
        """Return the last call of a model that was asked."""
        return next(copy.event for copy in reversed(self.copies) if copy.is_asked)

    def add_failed(self, row: ServerStep) -> None:
        """Add the question to which no answer came."""
        walk = self.asking.walk
        request = None if walk.is_verbatim else walk.question()
        self._ask(row, request, walk.beside.event, None)

    def _ask(
        self, row: ServerStep, request: Any, recorded: Event, answer: Mapping[str, Json] | None
    ) -> None:
        is_new = recorded["id"] in self.ids
        told = self.asking.questions.told_of(recorded, request)
        took = (answer or {}).get("latency_ms")
        event = {**recorded, **told, "parent": self._parent(recorded)}
        event |= self.times.asked(recorded, took, is_new=is_new)
        event["id"] = row.event_id.hex if is_new else recorded["id"]
        self._add(Copy(event, row, answer, beside=recorded, is_new=is_new))

    def _serve(self, event: Event, how: str = "") -> None:
        """Add a step of the record where it stood in it."""
        told = {**event, **self.times.moved(event), "parent": self._parent(event)}
        self._add(Copy(told, beside=event, how=how))

    def _serve_following(self, made: Made) -> None:
        """Add what followed a call in the record, but for tools that are not called now."""
        hows = {event["id"]: served.how for served in made.served if (event := _event(served))}
        left_out: set[str] = set()
        for event in self._following(made):
            is_other = event["id"] in self._called and event["id"] not in hows
            if is_other or event.get("parent") in left_out or event["id"] in self.ids:
                left_out.add(event["id"])
                continue
            self._serve(event, hows.get(event["id"], ""))

    def _following(self, made: Made) -> Sequence[Event]:
        steps = self.loop.steps
        at = steps.index(made.beside)
        end = steps[at + 1].seq - 1 if at + 1 < len(steps) else len(self.loop.events)
        return self.loop.events[made.beside.seq : end]

    def _serve_tool(self, served: Served, model: Event) -> None:
        """Add a call of a tool, unless it stands among what followed in the record."""
        event = _event(served)
        if event is not None and event["id"] not in self.ids:
            self._serve_apart(event, served, model)
        elif event is None or not self._is_there(event, model):
            self._add(self._made_tool(served, event, model))

    def _is_there(self, event: Event, model: Event) -> bool:
        """Tell whether a tool's step was added after the model that called it."""
        for copy in reversed(self.copies):
            if copy.event["id"] == event["id"]:
                return True
            if copy.event is model:
                return False
        return False

    def _serve_apart(self, event: Event, served: Served, model: Event) -> None:
        """Add a recorded tool that is called elsewhere than in the record, and what it did."""
        asked = {"input": served.call.arguments} if served.how == LOOSE else {}
        place = {"parent": self._parent(event) or model["id"]}
        told = {**event, **self.times.after(event), **asked, **place}
        self._add(Copy(told, beside=event, how=served.how))
        for one in self._inside(event):
            inner = {**one, **self.times.after(one), "parent": self._parent(one) or event["id"]}
            self._add(Copy(inner, beside=one))

    def _inside(self, event: Event) -> Iterator[Event]:
        for child in self._children.get(event["id"], ()):
            if child["id"] not in self.ids:
                yield child
                yield from self._inside(child)

    def _made_tool(self, served: Served, recorded: Event | None, model: Event) -> Copy:
        status = {"status": "error"} if served.is_error else {"status": "ok"}
        event = self._tool_event(served.call.name, served.call.arguments, model, recorded)
        event |= {**status, "output": None if served.is_error else served.output}
        if served.is_error:
            event["error"] = {"type": "ToolError", "message": str(served.output)}
        return Copy(
            event, beside=recorded, is_new=recorded is None, how=served.how, source=served.source
        )

    def _add_unanswered(self, made: Made, model: Event) -> None:
        if made.missing is None:
            return
        event = self._tool_event(made.missing.name, made.missing.arguments, model, None)
        event |= {"status": "error", "error": NOT_ANSWERED}
        self._add(Copy(event, is_new=True, how=UNANSWERED))

    def _tool_event(
        self, name: str, arguments: Json, model: Event, recorded: Event | None
    ) -> dict[str, Json]:
        number = len(self.copies) + 1
        shape: dict[str, Json] = {
            "id": uuid.uuid5(self.run_id, f"tool {number}").hex,
            "kind": TOOL,
            "name": name,
            "input": arguments,
            "lane": model.get("lane"),
            "parent": model["id"],
            "agent": model.get("agent"),
        }
        return shape | self.times.after(recorded or {"started_at": model.get("started_at")})

    def _parent(self, event: Event) -> str | None:
        parent = event.get("parent")
        return parent if parent in self.ids else None

    def _add(self, copy: Copy) -> None:
        event: Any = copy.event
        event["seq"] = len(self.copies) + 1
        self.ids.add(event["id"])
        self.copies.append(copy)


def _event(served: Served) -> Event | None:
    """Return the recorded step of what answered a call, if it has one."""
    return served.told.event if served.told is not None else None


class Times:
    """When steps came: as recorded, moved by how much longer or shorter answers took."""

    def __init__(self) -> None:
        self.shift = NOTHING
        # The end of all that came so far; None while no step has a time.
        self.now: datetime | None = None

    def asked(self, event: Event, took_ms: float | None, *, is_new: bool) -> dict[str, Json]:
        """Return the times of a call that was asked."""
        begun, ended = _of(event)
        if begun is None:
            return {}
        start = begun + self.shift
        if self.now is not None and (is_new or start < self.now):
            start = self.now
        took = NOTHING if ended is None else ended - begun
        if took_ms is not None:
            took = timedelta(milliseconds=took_ms)
        self.shift = start + took - (ended or begun)
        return self._told(start, start + took)

    def moved(self, event: Event) -> dict[str, Json]:
        """Return the times of a recorded step that stands where it stood."""
        before = self.now
        begun, ended = _of(event)
        if begun is None:
            return {}
        told = self._told(begun + self.shift, ended and ended + self.shift)
        if event.get("children"):
            # It ends when what lies in it has ended.
            self.now = max(filter(None, (before, begun + self.shift)))
        return told

    def after(self, event: Event) -> dict[str, Json]:
        """Return the times of a step that comes after all before it."""
        begun, ended = _of(event)
        if begun is None or self.now is None:
            return {"started_at": None, "ended_at": None}
        return self._told(self.now, self.now + (NOTHING if ended is None else ended - begun))

    def _told(self, start: datetime, end: datetime | None) -> dict[str, Json]:
        self.now = max(filter(None, (self.now, start, end)))
        return {"started_at": moment(start), "ended_at": moment(end)}


def _of(event: Event) -> tuple[datetime | None, datetime | None]:
    begun, ended = (event.get(name) for name in ("started_at", "ended_at"))
    return (
        None if begun is None else datetime.fromisoformat(begun),
        None if ended is None else datetime.fromisoformat(ended),
    )
