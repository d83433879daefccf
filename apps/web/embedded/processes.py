"""Starting child processes that do not outlive their purpose."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    # Runs between fork and exec: the kernel sends TERM when the parent is gone.
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    output: IO[bytes] | None = None,
    user: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches the supervisor alone."""
    return subprocess.Popen(
        list(command),
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_die_with_parent,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def started_at(pid: int) -> str | None:
    """Return a process's start time in clock ticks; with its pid it names a process for ever."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command's name may hold spaces and brackets; fields are counted after it.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


def stop(pid: int, *signals: tuple[signal.Signals, float]) -> bool:
    """Send each signal and wait its seconds; return whether the process is gone."""
    mark = started_at(pid)
    for number, seconds in signals:
        if not _send(pid, number):
            return True
        if _gone_within(pid, mark, seconds):
            return True
    return started_at(pid) != mark


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _gone_within(pid: int, mark: str | None, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if started_at(pid) != mark:
            return True
        time.sleep(0.05)
    return False
