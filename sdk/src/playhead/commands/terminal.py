"""How the command talks: to people in colours and with progress, to programs in JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

Json = Any

# What is as recorded, what differs, what could not be tried, a program that failed by itself.
SAME, DIFFERENT, NOT_TRIED, FAILED, INTERRUPTED = 0, 1, 2, 3, 130
GREEN, RED, YELLOW, FAINT, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
# Of a value, what is shown in a line.
SHORT = 100
# How often progress is drawn, in seconds.
DRAWN = 0.1


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return text in a colour where somebody sees it."""
    stream = stream or sys.stdout
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"{colour}{text}{PLAIN}"


def show(told: Json, *, as_json: bool = False) -> None:
    """Print a text, or JSON."""
    sys.stdout.write(f"{json.dumps(told, indent=1, default=str) if as_json else told}\n")


def show_line(told: Mapping[str, Json]) -> None:
    """Print JSON on one line, at once: a program may wait for it."""
    sys.stdout.write(f"{json.dumps(told, default=str)}\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Say in one line what is wrong."""
    line = " ".join(str(text).split())
    sys.stderr.write(coloured(f"playhead: {line}", RED, sys.stderr) + "\n")


def told_of(error: BaseException) -> str:
    """Return what is wrong, in words and not in numbers of the system."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"there is no file {error.filename}"
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} may not be opened: {error.strerror}"
    return str(error)


class Progress:
    """How far something is, in one line that is drawn again; nothing where nobody sees it."""

    def __init__(self, words: str, *, is_wanted: bool = True) -> None:
        self._words, self._drawn_at = words, 0.0
        self._is_shown = is_wanted and sys.stderr.isatty()

    def __call__(self, done: int, whole: int | None) -> None:
        now = time.monotonic()
        if not self._is_shown or now - self._drawn_at < DRAWN:
            return
        self._drawn_at = now
        of = f"/{whole}" if whole else ""
        # What the program prints next takes the place of the line.
        sys.stderr.write(f"\x1b[2K{self._words} {done}{of}\r")
        sys.stderr.flush()

    def end(self) -> None:
        if self._is_shown and self._drawn_at:
            sys.stderr.write("\x1b[2K\r")
            sys.stderr.flush()


def shortly(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= SHORT else text[:SHORT] + "..."


def printable(text: str) -> str:
    """Return recorded text without what a terminal would obey."""
    strange = "\N{REPLACEMENT CHARACTER}"
    return "".join(one if one.isprintable() or one in "\n\t" else strange for one in text)
