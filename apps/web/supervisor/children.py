"""One child process: started, watched, started again with a growing pause."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from apps.web.embedded import processes

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
# A child that lived this long starts with the first pause again.
STEADY_SECONDS = 3.0

# Every child carries its data folder in its environment, and passes it on to its own children.
MARK = "PLAYHEAD_CHILD_OF"

Signals = tuple[tuple[signal.Signals, float], ...]
GENTLE: Signals = ((signal.SIGTERM, 4.0), (signal.SIGKILL, 1.0))
# INT is PostgreSQL's fast shutdown: it ends sessions and writes a checkpoint. QUIT only stops.
DATABASE: Signals = ((signal.SIGINT, 4.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 1.0))


@dataclass
class Child:
    """A program of ours, as it is to be run."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    # Null: what it prints goes to the console.
    log: Path | None = None
    user: int | None = None
    signals: Signals = GENTLE
    before_start: Callable[[], None] | None = None

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    next_start: float = 0.0

    def start(self) -> None:
        if self.before_start is not None:
            self.before_start()
        output = None if self.log is None else self.log.open("ab")
        try:
            self.process = processes.start(
                self.command, env=self.env, output=output, user=self.user
            )
        finally:
            if output is not None:
                output.close()
        self.started = time.monotonic()
        self.next_start = 0.0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def watch(self, tell: Callable[[str], None]) -> None:
        """Start the child again when it has ended and its pause is over."""
        if self.is_running or self.process is None:
            return
        now = time.monotonic()
        if not self.next_start:
            self._plan_restart(now, tell)
        if now >= self.next_start:
            self.start()

    def _plan_restart(self, now: float, tell: Callable[[str], None]) -> None:
        if now - self.started > STEADY_SECONDS:
            self.pause = FIRST_PAUSE
        code = self.process.returncode if self.process else None
        self._end_group()
        tell(f"{self.name} ended ({code}); starting it again in {self.pause:g} s.")
        self.next_start = now + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)

    def stop(self) -> None:
        """Stop the child, ever less gently."""
        if self.process is None or self.process.poll() is not None:
            return
        for number, seconds in self.signals:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            break
        self._end_group()

    def _end_group(self) -> None:
        """End what the child started and left behind: a killed web server leaves its workers."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def strays(folder: Path) -> list[int]:
    """Return the processes that an earlier supervisor of this data folder left behind."""
    wanted = f"{MARK}={folder}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
        except OSError:
            # Ended meanwhile, or somebody else's.
            continue
    return [pid for pid in found if pid != os.getpid()]
