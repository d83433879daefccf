"""What becomes of an application's events while the server is away, and when processes end.

``python -m tests.bench.spooling`` starts a Playhead (or takes ``--url`` and ``--key``) behind a
door that can be shut, records from processes of their own, and counts in the end what the server
has: nothing may be missing but where it says so, and nothing may be there twice.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import playhead
import psutil
from playhead.fetching import NoSuchSessionError, Server, fetch_session

from tests.playhead_process import PlayheadProcess

OPEN, SHUT, SILENT = "open", "shut", "silent"
TEXT = "It rains in Oslo, and the fjord lies quiet. " * 60
SPAWN = multiprocessing.get_context("spawn")


class Door:
    """Passes connections on to a server, turns them away, or lets them wait for ever."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._to = (place.hostname or "", place.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.state = OPEN
        self._waiting: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            came, _ = self._listener.accept()
            if self.state == SHUT:
                came.close()
            elif self.state == SILENT:
                self._waiting.append(came)
            else:
                there = socket.create_connection(self._to)
                for source, target in ((came, there), (there, came)):
                    threading.Thread(target=passed_on, args=(source, target), daemon=True).start()


def passed_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@playhead.tool(effects="read")
def look_up(number: int) -> str:
    return f"{number} {TEXT}"


def work(session: str, first: int, count: int, pause: float = 0.0) -> None:
    with playhead.session(session):
        for number in range(first, first + count):
            look_up(number)
            time.sleep(pause)


# -- Applications: each runs in a process of its own.


def ends(url: str, key: str, session: str, spool: str | None, count: int, pause: float) -> None:
    """Record, and end at once."""
    playhead.init(url, key, spool=spool)
    work(session, 0, count, pause)


def lives_on(url: str, key: str, session: str, spool: str, count: int, pause: float) -> None:
    """Record, and go on living without recording anything more."""
    ends(url, key, session, spool, count, pause)
    time.sleep(3600)


def forks(url: str, key: str, session: str, spool: None, count: int, pause: float) -> None:
    """Record before a fork and after it, as servers do that fork their workers."""
    playhead.init(url, key)
    work(session, 0, count, pause)
    children = []
    for at in (1, 2):
        if (child := os.fork()) == 0:
            work(session, at * count, count, pause)
            # As gunicorn's workers end: Python's own way out runs.
            sys.exit(0)
        children.append(child)
    pool = [
        multiprocessing.get_context("fork").Process(target=work, args=(session, at * count, count))
        for at in (3, 4)
    ]
    for process in pool:
        process.start()
    for process in pool:
        process.join()
    for child in children:
        os.waitpid(child, 0)


def fills_memory(pipe: Any, url: str, count: int) -> None:
    playhead.init(url, "phk_none")
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    work("memory", 0, count)
    pipe.send(
        (
            (psutil.Process().memory_info().rss - before) / 2**20,
            (time.perf_counter() - began) / count * 1000,
            playhead.counts().lost,
        )
    )
    os._exit(0)


# -- What is tried.


class Trial:
    """One server behind a door, and what is counted on it."""

    def __init__(self, url: str, key: str) -> None:
        self.door, self.key, self._server = Door(url), key, Server(url, key)

    def start(self, application: Callable[..., None], spool: Path | None, *said: Any) -> Any:
        session = f"spool-{uuid.uuid4().hex}"
        place = None if spool is None else str(spool)
        process = SPAWN.Process(
            target=application, args=(self.door.url, self.key, session, place, *said)
        )
        process.start()
        process.session = session
        return process

    def counted(self, session: str) -> Counter[int]:
        """Return how often the server has each call of a session."""
        try:
            events = list(fetch_session(self._server, session))
        except NoSuchSessionError:
            return Counter()
        return Counter(one["input"]["number"] for one in events if one["kind"] == "tool")

    def wait_for(self, session: str, count: int, seconds: float = 120) -> float:
        """Return after how many seconds the server had so many calls."""
        began = time.monotonic()
        while len(self.counted(session)) < count and time.monotonic() - began < seconds:
            time.sleep(0.1)
        return time.monotonic() - began

    def verdict(self, session: str, count: int) -> str:
        counted = self.counted(session)
        twice = sum(times > 1 for times in counted.values())
        return f"{count - len(counted)} of {count} lost, {twice} twice"


@contextmanager
def spool_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def away(trial: Trial, state: str, count: int, pause: float) -> None:
    """Shut the door for as long as an application records, then open it."""
    with spool_folder() as folder:
        trial.door.state = state
        process = trial.start(lives_on, folder, count, pause)
        memory = highest_memory(process.pid, count * pause + 3)
        time.sleep(2)
        files = list(folder.iterdir())
        disk = sum(file.stat().st_size for file in files) / 2**20
        trial.door.state = OPEN
        seconds = trial.wait_for(process.session, count)
        tell(
            f"server {state} while {count} events of 2.6 KB are recorded in {count * pause:.0f} s: "
            f"{len(files)} files, {disk:.2f} MiB on disk, memory at most {memory:.0f} MiB; "
            f"all there {seconds:.1f} s after it was back; {trial.verdict(process.session, count)}"
        )
        process.kill()
        process.join()


def highest_memory(pid: int, seconds: float) -> float:
    highest, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        highest = max(highest, psutil.Process(pid).memory_info().rss)
        time.sleep(0.2)
    return highest / 2**20


def passed_to_the_next(trial: Trial, count: int) -> None:
    """End an application while the server is away; a later one sends what it left."""
    with spool_folder() as folder:
        trial.door.state = SHUT
        process = trial.start(ends, folder, count, 0.0)
        process.join()
        left = len(list(folder.iterdir()))
        trial.door.state = OPEN
        trial.start(ends, folder, 1, 0.0).join()
        trial.wait_for(process.session, count, 20)
        told = trial.verdict(process.session, count)
        tell(
            f"application ends while the server is away ({left} files), the next one sends: {told}"
        )


def at_exit(trial: Trial, count: int) -> None:
    process = trial.start(ends, None, count, 0.0)
    process.join()
    tell(f"application ends right after its last call: {trial.verdict(process.session, count)}")


def forked(trial: Trial, count: int) -> None:
    process = trial.start(forks, None, count, 0.001)
    process.join()
    told = trial.verdict(process.session, 5 * count)
    tell(f"2 forked workers and 2 processes of multiprocessing beside their parent: {told}")


def killed(trial: Trial, count: int, pause: float) -> None:
    """Kill an application with -9 in the middle of its work."""
    process = trial.start(lives_on, None, count, pause)
    while not trial.counted(process.session):
        time.sleep(0.05)
    time.sleep(2)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    time.sleep(1)
    counted = trial.counted(process.session)
    told = sum(times > 1 for times in counted.values())
    tell(
        f"killed with -9 at {1 / pause:.0f} events a second: the server has the first "
        f"{len(counted)} without a gap: {sorted(counted) == list(range(len(counted)))}, "
        f"{told} twice; what was recorded in the last half second is lost"
    )


def bounded_memory(count: int) -> None:
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=fills_memory, args=(theirs, "http://127.0.0.1:9", count))
    process.start()
    grown, each_ms, lost = ours.recv()
    process.join()
    tell(
        f"no server and no folder, {count} events of 2.6 KB ({count * 2.6 / 1024:.0f} MiB): memory "
        f"grows by {grown:.0f} MiB, {each_ms:.2f} ms a call, {lost} counted as lost"
    )


def tell(line: str) -> None:
    sys.stdout.write(f"- {line}\n")
    sys.stdout.flush()


def try_all(url: str, key: str) -> None:
    trial = Trial(url, key)
    at_exit(trial, 2_000)
    forked(trial, 200)
    killed(trial, 4_000, 0.005)
    passed_to_the_next(trial, 2_000)
    away(trial, SHUT, 3_000, 0.005)
    away(trial, SILENT, 6_000, 0.005)
    bounded_memory(60_000)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--url")
    options.add_argument("--key", default="")
    chosen = options.parse_args()
    if chosen.url:
        try_all(chosen.url, chosen.key)
        return
    with PlayheadProcess() as started:
        try_all(started.url, started.key)


if __name__ == "__main__":
    main()
