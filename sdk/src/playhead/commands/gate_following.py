"""A run on the server, looked at until it ends or waits for somebody."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from playhead.commands.gate_calls import Run, StoppedError
from playhead.commands.gate_outputs import money, plain

Json = Any

ENDED = frozenset({"done", "failed", "cancelled"})
PERSON = "person"
# Seconds between two looks: at first, and later.
SOON, LATER = 1.0, 5.0
# Looks that are soon, and seconds between two lines where no terminal draws one anew.
SOON_LOOKS, LINES_APART = 10, 30.0


def follow(found: Run, until: float | None) -> None:
    """Return once the run ended, or waits for somebody. Raises StoppedError when time is up."""
    line, looks = _Line(), 0
    while True:
        told = found.look()
        line.show(told)
        if told["state"] in ENDED or (told["state"] == "paused" and cause(told) != PERSON):
            line.end()
            return
        wait = SOON if looks < SOON_LOOKS else LATER
        if until is not None and time.monotonic() + wait > until:
            line.end()
            found.act("pause")
            raise StoppedError(
                f"Time is up. The run {found.id} is paused and spends nothing: resume it on its "
                f"page, then fetch its report by: playhead gate report {found.id}"
            )
        looks += 1
        time.sleep(wait)


def cause(told: Mapping[str, Json]) -> str:
    return str(told.get("paused_by") or "")


class _Line:
    """How far a run is: one line that is drawn anew, or now and then one where none can be."""

    def __init__(self) -> None:
        self._is_drawn, self._at, self._last = sys.stderr.isatty(), 0.0, ""

    def show(self, told: Mapping[str, Json]) -> None:
        text, now = _progress(told), time.monotonic()
        if self._is_drawn:
            sys.stderr.write(f"\x1b[2K{text}\r")
        elif text != self._last and (not self._last or now - self._at >= LINES_APART):
            sys.stderr.write(f"{text}\n")
            self._at, self._last = now, text
        sys.stderr.flush()

    def end(self) -> None:
        if self._is_drawn:
            sys.stderr.write("\x1b[2K\r")


def _progress(told: Mapping[str, Json]) -> str:
    progress = told.get("progress") or {}
    parts = [f"{told['state']}: {progress.get('ended', 0)} of {progress.get('count', '?')} trials"]
    if progress.get("paid") is not None:
        limit = f" of {money(progress['limit'])}" if progress.get("limit") is not None else ""
        parts.append(f"{money(progress['paid'])}{limit}")
    if progress.get("eta_seconds") is not None:
        parts.append(f"about {_span_of(float(progress['eta_seconds']))} left")
    return plain(", ".join(parts))


def _span_of(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
