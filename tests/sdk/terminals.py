"""Programs that run at a terminal: what they show is read, and answers are typed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import termios
from pathlib import Path

# Far longer than anything takes: a test that waits so long has failed.
PATIENCE = 60


class Terminal:
    """A program with a terminal of its own."""

    def __init__(self, command: list[str], folder: Path, around: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._shown = ""
        self.program = subprocess.Popen(
            command,
            cwd=folder,
            env=around,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def read_until(self, text: str) -> str:
        """Return what is shown up to a text."""
        while text not in self._shown:
            ready, _, _ = select.select([self._ours], [], [], PATIENCE)
            assert ready, f"{text!r} is not shown: {self._shown}"
            self._shown += self._part()
        before, _, self._shown = self._shown.partition(text)
        return before + text

    def _part(self) -> str:
        part = os.read(self._ours, 65536).decode()
        assert part, self._shown
        return part

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> tuple[int, str]:
        """Return the program's code and the rest of what it shows."""
        while True:
            try:
                self._shown += self._part()
            except (OSError, AssertionError):
                break
        os.close(self._ours)
        return self.program.wait(PATIENCE), self._shown
