"""A session in one file: JSON lines, the first says what it is, the last proves it whole.

``{"playhead": 1, "session": ...}``, then an event a line in the shape of the native API, then
``{"events": n, "sha256": ...}`` over the bytes of all lines before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

Json = Any

VERSION = 1
SUFFIX = ".playhead"


class BrokenFileError(ValueError):
    """A file is no recording, or not the whole of one."""


def write_file(path: str | Path, session: str, events: Iterable[Mapping[str, Json]]) -> int:
    """Write a session, and return how many events it has. What was there is replaced at once."""
    path = Path(path)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        count = _write(file, session, events)
    unfinished.replace(path)
    return count


def _write(file: BinaryIO, session: str, events: Iterable[Mapping[str, Json]]) -> int:
    digest, count = hashlib.sha256(), 0
    head = _line({"playhead": VERSION, "session": session})
    digest.update(head)
    file.write(head)
    for event in events:
        line = _line(event)
        digest.update(line)
        file.write(line)
        count += 1
    file.write(_line({"events": count, "sha256": digest.hexdigest()}))
    return count


def _line(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_file(path: str | Path) -> tuple[str, list[dict[str, Json]]]:
    """Return the session's name and its events. Raises BrokenFileError, naming what is wrong."""
    lines = Path(path).read_bytes().splitlines(keepends=True)
    if len(lines) < 2:
        raise BrokenFileError(f"{path} is no recording: it has {len(lines)} lines.")
    head, end = _opened(path, lines[0], 1), _opened(path, lines[-1], len(lines))
    if head.get("playhead") != VERSION:
        raise BrokenFileError(f"{path} is no recording of version {VERSION}.")
    if end.get("events") != len(lines) - 2:
        raise BrokenFileError(f"{path} is cut off: its last line does not count its events.")
    digest = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    if end.get("sha256") != digest:
        raise BrokenFileError(f"{path} was changed: its digest is not that of its lines.")
    events = [_opened(path, line, at) for at, line in enumerate(lines[1:-1], 2)]
    return str(head["session"]), sorted(events, key=_in_order)


def _opened(path: str | Path, line: bytes, number: int) -> dict[str, Json]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise BrokenFileError(f"{path}, line {number}: {error}.") from None
    if not isinstance(found, dict):
        raise BrokenFileError(f"{path}, line {number} holds no object.")
    return found


def _in_order(event: Mapping[str, Json]) -> tuple[str, str]:
    """Return the place of an event in replay order; events are written as they end."""
    return str(event.get("started_at") or ""), str(event.get("id") or "")
