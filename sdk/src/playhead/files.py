"""A session in one file: JSON lines, the first says what it is, the last proves it whole.

``{"playhead": 1, "session": ...}``, then an event a line in the shape of the native API, then
``{"events": n, "sha256": ...}`` over the bytes of all lines before it. A file may be encrypted
as a whole: see ``sealing``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from playhead import sealing
from playhead.sealing import BrokenFileError

__all__ = ["BrokenFileError", "read_file", "write_file"]

Json = Any

VERSION = 1
SUFFIX = ".playhead"
PASSPHRASE = "PLAYHEAD_PASSPHRASE"  # noqa: S105


def write_file(
    path: str | Path,
    session: str,
    events: Iterable[Mapping[str, Json]],
    *,
    passphrase: str | None = None,
) -> int:
    """Write a session, and return how many events it has. What was there is replaced at once.

    With a passphrase, also that of ``PLAYHEAD_PASSPHRASE``, the file is encrypted; with an empty
    one it never is.
    """
    path, secret = Path(path), os.environ.get(PASSPHRASE) if passphrase is None else passphrase
    writing = _Lines(session, events)
    octets = sealing.sealed(iter(writing), secret) if secret else iter(writing)
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as file:
            file.writelines(octets)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return writing.count


def check_place(path: str | Path) -> None:
    """Raise OSError where no file can be written, before anything is run for it."""
    folder = Path(path).absolute().parent
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file in it.")
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder} to write {Path(path).name} to.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"The folder {folder} cannot be written to.")
    if os.environ.get(PASSPHRASE):
        sealing.check_available()


class _Lines:
    """The lines of a file, and how many events they hold once they have been taken."""

    def __init__(self, session: str, events: Iterable[Mapping[str, Json]]) -> None:
        self._head, self._events = {"playhead": VERSION, "session": session}, events
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        head = _line(self._head)
        digest.update(head)
        yield head
        for event in self._events:
            line = _line(event)
            digest.update(line)
            self.count += 1
            yield line
        yield _line({"events": self.count, "sha256": digest.hexdigest()})


def _line(value: Json) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="surrogatepass") + b"\n"


def read_file(
    path: str | Path, *, passphrase: str | None = None
) -> tuple[str, list[dict[str, Json]]]:
    """Return the session's name and its events. Raises BrokenFileError, naming what is wrong."""
    content = Path(path).read_bytes()
    if sealing.is_sealed(content):
        secret = passphrase or os.environ.get(PASSPHRASE)
        content = sealing.opened(path, content, secret)
    # Only line feeds end a line: texts may hold other characters that Python splits at.
    lines = [line + b"\n" for line in content.removesuffix(b"\n").split(b"\n")]
    if len(lines) < 2:
        raise BrokenFileError(f"{path} is no recording: it has only {len(lines)} line.")
    head, end = _opened(path, lines[0], 1), _opened(path, lines[-1], len(lines))
    _check_version(path, head)
    if end.get("events") != len(lines) - 2:
        raise BrokenFileError(f"{path} is cut off: its last line does not count its events.")
    digest = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    if end.get("sha256") != digest:
        raise BrokenFileError(f"{path} was changed: its digest is not that of its lines.")
    events = [_opened(path, line, at) for at, line in enumerate(lines[1:-1], 2)]
    return str(head.get("session")), sorted(events, key=_in_order)


def _check_version(path: str | Path, head: Mapping[str, Json]) -> None:
    version = head.get("playhead")
    if not isinstance(version, int) or isinstance(version, bool):
        raise BrokenFileError(f"{path} is no recording: its first line does not say so.")
    if version != VERSION:
        newer = "a newer" if version > VERSION else "an older"
        raise BrokenFileError(
            f"{path} is of version {version}, this client reads version {VERSION}: "
            f"read it with {newer} playhead."
        )


def _opened(path: str | Path, line: bytes, number: int) -> dict[str, Json]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise BrokenFileError(f"{path}, line {number}, is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise BrokenFileError(f"{path}, line {number}, holds no object.")
    return found


def _in_order(event: Mapping[str, Json]) -> tuple[str, str]:
    """Return the place of an event in replay order; events are written as they end."""
    return str(event.get("started_at") or ""), str(event.get("id") or "")
