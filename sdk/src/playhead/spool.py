"""A folder in which events wait while the server is away, for this process or a later one.

Several processes may share it: each file is claimed by a new name before it is sent. What a
process had claimed that is gone is free again, so that a file may be sent twice; the server takes
an event once, by its id.
"""

from __future__ import annotations

import gzip
import logging
import os
import time
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

from playhead.batches import EVENTS, REPORTS, Batch

log = logging.getLogger("playhead")

WAITING, UNFINISHED, BROKEN = ".gz", ".part", ".broken"
REPORT_MARK = ".report"
# A file that is still unfinished after so many seconds was left by a process that was killed.
ABANDONED = 3600


@dataclass(frozen=True, slots=True)
class Claimed:
    """A batch that lay on disk, and is this process's to send."""

    file: Path
    batch: Batch

    def was_sent(self) -> None:
        self.file.unlink(missing_ok=True)

    def give_back(self) -> None:
        self.file.rename(self.file.with_suffix(WAITING))


class Spool:
    """The folder, of at most so many bytes. What it holds is readable by its owner alone."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes

    def put(self, batch: Batch) -> bool:
        """Write a batch where there is room; tell whether it is there."""
        packed = gzip.compress(b"\n".join(batch.lines), 1)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.used_bytes() + len(packed) > self._most:
                return False
            self._write(_name_of(batch), packed)
        except OSError as error:
            log.warning("Playhead cannot keep events on disk: %s", error)
            return False
        return True

    def _write(self, name: str, packed: bytes) -> None:
        unfinished = self._folder / (name + UNFINISHED)
        unfinished.touch(mode=0o600, exist_ok=False)
        unfinished.write_bytes(packed)
        unfinished.rename(self._folder / (name + WAITING))

    def used_bytes(self) -> int:
        sizes = (_size_of(file) for file in self._folder.glob(f"*{WAITING}"))
        return sum(sizes)

    def claim(self) -> Claimed | None:
        """Return what has waited longest; None where nothing waits."""
        try:
            self._free_abandoned()
            for file in sorted(self._folder.glob(f"*{WAITING}")):
                claimed = _claim(file)
                if claimed is not None:
                    return claimed
        except OSError as error:
            log.warning("Playhead cannot read events on disk: %s", error)
        return None

    def _free_abandoned(self) -> None:
        for file in self._folder.glob("*.[0-9]*"):
            if not _is_running(file.suffix[1:]):
                file.rename(file.with_suffix(WAITING))
        for file in self._folder.glob(f"*{UNFINISHED}"):
            if time.time() - file.stat().st_mtime > ABANDONED:
                file.unlink(missing_ok=True)


def _name_of(batch: Batch) -> str:
    # Names sort by time, so that what was put aside first goes out first.
    mark = REPORT_MARK if batch.place == REPORTS else ""
    return f"{time.time_ns():020}-{uuid.uuid4().hex}{mark}"


def _claim(file: Path) -> Claimed | None:
    """Return a file as this process's own; None where another took it, or it is broken."""
    ours = file.with_suffix(f".{os.getpid()}")
    try:
        file.rename(ours)
        lines = gzip.decompress(ours.read_bytes()).split(b"\n")
    except FileNotFoundError:
        return None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        log.warning("Playhead cannot read %s and leaves it as %s: %s", file, BROKEN, error)
        ours.rename(file.with_suffix(BROKEN))
        return None
    return Claimed(ours, Batch(REPORTS if file.stem.endswith(REPORT_MARK) else EVENTS, lines))


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True
    return True


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
