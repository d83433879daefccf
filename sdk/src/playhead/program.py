"""Recording or replaying a whole program that says nothing of Playhead itself.

``playhead record`` and ``playhead replay`` start a program with this in its environment; it
begins before the program's own first line, and ends with its process.
"""

from __future__ import annotations

import atexit
import json
import os
from contextlib import ExitStack
from pathlib import Path

from playhead.client import init, replay, session
from playhead.replaying import Replaying

# record or replay; the session's file or id; where the report goes; options as JSON.
MODE, SESSION, REPORT, OPTIONS = (
    f"PLAYHEAD_RUN_{name}" for name in ("MODE", "SESSION", "REPORT", "OPTIONS")
)
RECORD, REPLAY = "record", "replay"
BOOTSTRAP = Path(__file__).parent / "bootstrap"


def environment(mode: str, place: str, report: Path, options: dict[str, object]) -> dict[str, str]:
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
    place, report = os.environ.pop(SESSION), Path(os.environ.pop(REPORT))
    options = json.loads(os.environ.pop(OPTIONS))
    init()
    stack = ExitStack()
    if mode == RECORD:
        stack.enter_context(session(file=place or None, **options))
    else:
        run = stack.enter_context(replay(place, **options))
        stack.callback(_write_report, run, report)
    # Before what ``init`` has registered, which sends the last events.
    atexit.register(stack.close)


def _write_report(run: Replaying, path: Path) -> None:
    found = run.report
    path.write_text(json.dumps(found.as_json() | {"text": found.text()}, default=repr))
