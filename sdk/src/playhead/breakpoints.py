"""A breakpoint where a replay leaves the record: shows what came, and asks what to do.

It talks to the terminal itself and not to standard input and output, which belong to the
program. Where nobody sits at one (no terminal, a job in the background, CI) nobody is asked, and
the replay stops.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from playhead.calls import Call
from playhead.commands.terminal import printable, shortly
from playhead.reports import Divergent
from playhead.tapes import Recorded

Json = Any

SERVE, TYPE, LIVE, STUB, ONWARDS, STOP = "serve", "type", "live", "stub", "onwards", "stop"
TERMINAL = "/dev/tty"
# Places that are shown at first; all of them on demand.
DIFFERENCES = 8


@dataclass(frozen=True, slots=True)
class Question:
    """A call that the record does not answer, and what may be done about it."""

    call: Call
    divergent: Divergent
    nearest: Sequence[tuple[Recorded, float]]
    may_run: bool
    has_stub: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose; ``recorded`` to be served, or a ``value`` that was typed."""

    act: str
    recorded: Recorded | None = None
    value: Json = None


def ask(question: Question) -> Choice | None:
    """Return what whoever sits at the terminal chooses; None where nobody does."""
    with _terminal() as terminal:
        return None if terminal is None else _Asking(question, *terminal).choice()


@contextlib.contextmanager
def _terminal() -> Iterator[tuple[TextIO, TextIO] | None]:
    """Yield the terminal to read from and to write to; None where nobody sits at one."""
    if os.environ.get("CI"):
        yield None
        return
    with contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(Path(TERMINAL).open(encoding="utf-8", errors="replace"))
            target = stack.enter_context(Path(TERMINAL).open("w", encoding="utf-8"))
            # A job in the background would be halted by reading.
            is_ours = os.tcgetpgrp(source.fileno()) == os.getpgrp()
        except OSError:
            is_ours = False
        yield (source, target) if is_ours else None


class _Asking:
    """One question, until there is an answer to it."""

    def __init__(self, question: Question, source: TextIO, target: TextIO) -> None:
        self._question, self._source, self._target = question, source, target

    def choice(self) -> Choice:
        self._show()
        while True:
            self._say("> ", end="")
            line = self._source.readline()
            if not line:
                # Ctrl-D.
                self._say("")
                return Choice(STOP)
            found = self._read(line.strip())
            if found is not None:
                return found

    def _say(self, text: str, end: str = "\n") -> None:
        self._target.write(printable(text) + end)
        self._target.flush()

    def _show(self) -> None:
        asked, found = self._question.call, self._question.divergent
        left = "" if found.kind == "reached" else "the replay left the record: "
        self._say(f"\n{left}{found.says}")
        for one in found.differences[:DIFFERENCES]:
            self._say(f"  {one}")
        if len(found.differences) > DIFFERENCES:
            self._say(f"  and {len(found.differences) - DIFFERENCES} more places (d shows all)")
        self._say(f"  asked: {shortly(asked.asked)}")
        if self._question.nearest:
            self._say("In the record, not given yet:")
        for number, (recorded, alike) in enumerate(self._question.nearest, 1):
            self._say(f"  {number}  {_line(recorded, alike)}")
        self._menu()

    def _menu(self) -> None:
        last = len(self._question.nearest)
        numbers = {0: "", 1: "1 give that answer, "}.get(last, f"1-{last} give that answer, ")
        live = "l make the call for real, " if self._question.may_run else ""
        stub = "b give its stub, " if self._question.has_stub else ""
        self._say(f"{numbers}t type an answer, {live}{stub}e go on to the end without asking,")
        self._say("s stop; d all differences, a all that is asked, ? this again")

    def _read(self, typed: str) -> Choice | None:
        """Return the choice that was typed, or None after saying what is asked again."""
        if typed.isdigit() and 1 <= int(typed) <= len(self._question.nearest):
            return Choice(SERVE, self._question.nearest[int(typed) - 1][0])
        plain = {"e": Choice(ONWARDS), "s": Choice(STOP)}
        if self._question.may_run:
            plain["l"] = Choice(LIVE)
        if self._question.has_stub:
            plain["b"] = Choice(STUB)
        if typed in plain:
            return plain[typed]
        if typed == "t" or typed[:1] in ("{", "[", '"'):
            return self._typed("" if typed == "t" else typed)
        self._tell(typed)
        return None

    def _tell(self, typed: str) -> None:
        if typed == "d":
            for one in self._question.divergent.differences:
                self._say(f"  {one.path or '/'}")
                self._say(f"    expected {one.expected!r}\n    got      {one.got!r}")
        elif typed == "a":
            self._say(json.dumps(self._question.call.asked, indent=1, ensure_ascii=False))
        elif typed == "l":
            self._say("This call may not be made for real: name it in allow_live.")
        else:
            self._menu()

    def _typed(self, begun: str) -> Choice | None:
        """Read JSON, of as many lines as it takes; an empty line gives up."""
        if not begun:
            self._say('The answer as JSON (text in "quotes"); an empty line to go back:')
            begun = self._source.readline()
        text = begun
        while text.strip():
            try:
                return Choice(TYPE, value=json.loads(text))
            except ValueError as error:
                more = self._source.readline()
                if not more.strip():
                    self._say(f"That is no JSON: {error}.")
                    return None
                text += more
        return None


def _line(recorded: Recorded, alike: float) -> str:
    key, event = recorded.key, recorded.event
    came = event.get("error") or event.get("output")
    where = f"step {recorded.seq}, {alike:.0%} alike, {key.kind} {key.name}"
    return f"{where} {shortly(event.get('input'))} -> {shortly(came)}"
