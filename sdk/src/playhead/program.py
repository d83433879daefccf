"""Recording or replaying a whole program that says nothing of Playhead itself.

``playhead record``, ``replay`` and ``fork`` start a program with this in its environment; it
begins before the program's own first line, and ends with its process.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from playhead.client import fork, init, replay, reported, session
from playhead.commands.terminal import NOT_TRIED, Progress, told_of
from playhead.replaying import Divergence, Replaying
from playhead.stubs import Named, NoSuchFunctionError

Json = Any

# record, replay or fork; the session's file or id; where the report goes; options as JSON.
MODE, SESSION, REPORT, OPTIONS = (
    f"PLAYHEAD_RUN_{name}" for name in ("MODE", "SESSION", "REPORT", "OPTIONS")
)
RECORD, REPLAY, FORK = "record", "replay", "fork"
BOOTSTRAP = Path(__file__).parent / "bootstrap"
# How long the end of a program waits for the server's word on its replay, in seconds.
PATIENCE = 5.0


def environment(
    mode: str, place: str, report: Path, options: Mapping[str, object]
) -> dict[str, str]:
    """Return the environment in which a program is recorded or replayed."""
    paths = [str(BOOTSTRAP), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        MODE: mode,
        SESSION: place,
        REPORT: str(report),
        OPTIONS: json.dumps(options),
    }


def begin() -> None:
    """Begin what the environment asks for, once: programs that this one starts run as ever."""
    mode = os.environ.pop(MODE, None)
    if mode is None:
        return
    place, path = os.environ.pop(SESSION), Path(os.environ.pop(REPORT))
    options = json.loads(os.environ.pop(OPTIONS))
    stack = ExitStack()
    try:
        _begin(mode, place, path, options, stack)
    except (LookupError, OSError, ValueError) as error:
        path.write_text(json.dumps({"failed": told_of(error)}))
        # The program has not begun, and must not: it would run for real.
        os._exit(NOT_TRIED)
    # Before what ``init`` has registered, which sends the last events.
    atexit.register(stack.close)


def _begin(mode: str, place: str, path: Path, options: dict[str, Json], stack: ExitStack) -> None:
    init()
    progress = Progress("served", is_wanted=options.pop("progress", False))
    if mode == RECORD:
        run = stack.enter_context(session(file=place or None, **options))
        _write(path, {"session": run.session, "file": place or None})
        return
    stubs = {name: as_stub(told) for name, told in options.pop("stubs", {}).items()}
    if mode == FORK:
        tools = {f"tool:{name}": Named(told) for name, told in options.pop("tools").items()}
        overrides = options.pop("overrides") | tools
        replaying = _left(stack, fork(place, overrides=overrides, stubs=stubs, **options), path)
    else:
        replaying = _left(stack, replay(place, stubs=stubs, **options), path)
    replaying.progress = progress
    stack.callback(progress.end)


def _left(stack: ExitStack, opened: AbstractContextManager[Replaying], path: Path) -> Replaying:
    """Enter a replay that says at its end what it came to."""
    return stack.enter_context(_Ending(opened, path))


class _Ending(AbstractContextManager[Replaying]):
    """A replay of a whole program: it ends with what ended the program, and is written down."""

    def __init__(self, inner: AbstractContextManager[Replaying], path: Path) -> None:
        self._inner, self._path = inner, path

    def __enter__(self) -> Replaying:
        self._run = self._inner.__enter__()
        return self._run

    def __exit__(self, *_: object) -> None:
        # Of an error that nobody handled the interpreter keeps this alone.
        error = getattr(sys, "last_value", None)
        self._inner.__exit__(type(error) if error else None, error, None)
        if isinstance(error, NoSuchFunctionError):
            _write(self._path, {"failed": str(error)})
        else:
            _write_report(self._run, self._path)


def _write_report(run: Replaying, path: Path) -> None:
    found = run.report
    # The server's word on it has the address at which it can be looked at.
    told = reported(run, PATIENCE) or {}
    is_stopped = isinstance(getattr(sys, "last_value", None), Divergence)
    more = {"text": found.text(), "url": told.get("url"), "origin": run.origin, "id": run.id}
    report = found.as_json()
    _write(path, report | more | {"stopped": is_stopped or bool(report.get("stopped"))})


def _write(path: Path, told: Mapping[str, Json]) -> None:
    path.write_text(json.dumps(told, default=repr))


def as_stub(told: Json) -> Json | Callable[..., Any]:
    """Return a stub as the command was given it: ``module:function``, or the answer itself."""
    return Named(told["named"]) if isinstance(told, dict) and "named" in told else told["value"]
