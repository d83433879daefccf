"""``playhead record``, ``replay`` and ``fork``: programs that say nothing of Playhead."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playhead.commands.terminal import (
    DIFFERENT,
    FAILED,
    GREEN,
    INTERRUPTED,
    NOT_TRIED,
    RED,
    SAME,
    YELLOW,
    coloured,
    complain,
    show,
)
from playhead.program import FORK, RECORD, REPLAY, environment

Json = Any

# How long a program may take to end after Ctrl-C, in seconds.
GRACE = 10.0
GOOD = ("identical", "faithful")


class NotTriedError(Exception):
    """What was asked for could not be tried; the message says why."""


def record(options: argparse.Namespace) -> int:
    """Run a program and record it; return the program's own code."""
    said = {"id": options.session} if options.session else {}
    code, told = _run(options, RECORD, options.file, said)
    if told is None:
        complain(f"the program ended with {code} and was not recorded: {_UNREAD}")
        return NOT_TRIED
    if told.get("failed"):
        raise NotTriedError(told["failed"])
    if options.json:
        show(told, as_json=True)
    return code


def replay(options: argparse.Namespace) -> int:
    said = {
        "match": options.match,
        "on_divergence": options.on_divergence,
        "clock": options.clock,
        "at": options.at,
        **_shared(options),
    }
    return _judged(options, *_run(options, REPLAY, options.session, said))


def fork(options: argparse.Namespace) -> int:
    overrides = {"model": options.model} if options.model else {}
    said = {
        "at": options.at,
        "overrides": overrides | ({"params": dict(options.param)} if options.param else {}),
        "tools": dict(options.tool),
        **_shared(options),
    }
    return _judged(options, *_run(options, FORK, options.session, said))


def _shared(options: argparse.Namespace) -> dict[str, Json]:
    return {
        "allow_live": options.allow_live,
        "stubs": dict(options.stub),
        "stream_speed": options.stream_speed,
        "file": options.file or None,
        "id": options.name,
        "report": not options.no_report,
    }


_UNREAD = (
    "is it a Python program that reads PYTHONPATH? (python -I, -E and -S do not; one that is "
    "killed says nothing)"
)


def _run(
    options: argparse.Namespace, mode: str, place: str, said: Mapping[str, Json]
) -> tuple[int, Json]:
    """Run the program, and return its code and what it left; None where it left nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        asked = {**said, "progress": not options.json}
        around = environment(mode, place, path, asked)
        try:
            code = _ended(subprocess.Popen(options.program, env=around))  # noqa: S603
        except FileNotFoundError:
            raise NotTriedError(f"there is no program {options.program[0]!r} to start") from None
        return code, json.loads(path.read_text()) if path.exists() else None


def _ended(program: subprocess.Popen[bytes]) -> int:
    """Return the program's code; after Ctrl-C, which it gets as well, it may say what it did."""
    try:
        return program.wait()
    except KeyboardInterrupt:
        try:
            program.wait(GRACE)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        return INTERRUPTED


def _judged(options: argparse.Namespace, code: int, told: Json) -> int:
    if told is None:
        if code == INTERRUPTED:
            return INTERRUPTED
        raise NotTriedError(f"the program ended with {code} before its replay: {_UNREAD}")
    if told.get("failed"):
        raise NotTriedError(told["failed"])
    verdict = _verdict(code, told)
    if options.json:
        show(told | {"exit_code": verdict}, as_json=True)
    else:
        _print(told, verdict)
    if verdict == FAILED:
        complain(f"nothing differs from the record, but the program itself ended with {code}")
    return verdict


def _verdict(code: int, told: Mapping[str, Json]) -> int:
    is_different = told["stopped"] if told["origin"] == FORK else bool(told["divergences"])
    if code == INTERRUPTED:
        return INTERRUPTED
    if is_different:
        return DIFFERENT
    return SAME if code == 0 else FAILED


def _print(told: Mapping[str, Json], verdict: int) -> None:
    colour = {SAME: GREEN, DIFFERENT: RED}.get(verdict, YELLOW)
    # What the program printed comes first.
    sys.stdout.flush()
    first, _, rest = str(told["text"]).partition("\n")
    show(coloured(first, colour))
    if rest:
        show(rest)
    if told.get("url"):
        show(f"on the server: {told['url']}")
