"""Break one thing after the other under load, and look at every answer that senders get.

Run by hand: ``.venv/bin/python -m tests.bench.faults`` (as root where the disk is to be full:
the data folder then lies on a small file system of its own). Four senders and one application
with OpenTelemetry's exporter go on all the time. While something is broken they must get 2xx or
503 with Retry-After, within a bounded time; afterwards everything acknowledged must be in the
record exactly once, and every span that the application made.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psutil
import psycopg

from tests.bench.senders import Answer, Exporter, Sender, stored
from tests.playhead_process import PlayheadProcess

SENDERS = 4
DISK_MIB = 1500
POSTGRES, VALKEY, WORKER, WEB = r"postgres", r"valkey", r"celery", r"granian"
RECOVERY_SECONDS = 60


class OnSmallDisk(PlayheadProcess):
    """A Playhead whose data folder can be full, where we may mount file systems."""

    # One that is never reached: it is counted in Valkey.
    settings = {"PLAYHEAD_EVENTS_PER_MINUTE": "100000000"}

    @property
    def has_disk(self) -> bool:
        return os.geteuid() == 0

    def __enter__(self) -> OnSmallDisk:
        if self.has_disk:
            options = f"size={DISK_MIB}m,mode=700"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", self.data], check=True)
        super().__enter__()
        return self

    def __exit__(self, *told: object) -> None:
        super().__exit__(*told)
        if self.has_disk:
            subprocess.run(["umount", "-l", self.data], check=True)
            self.data.rmdir()


def tell(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


@contextmanager
def hanging(playhead: PlayheadProcess, pattern: str) -> Iterator[None]:
    """Stop processes in the middle of what they do; they keep their connections."""
    processes = playhead.children(pattern)
    tell(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        tell(processes, signal.SIGCONT)


@contextmanager
def gone(playhead: PlayheadProcess, pattern: str) -> Iterator[None]:
    """End processes, and let nobody start them again meanwhile."""
    processes = playhead.children(pattern)
    playhead.process.suspend()
    tell(processes, signal.SIGINT if pattern == POSTGRES else signal.SIGKILL)
    try:
        yield
    finally:
        playhead.process.resume()


@contextmanager
def restarted(playhead: PlayheadProcess, pattern: str) -> Iterator[None]:
    tell(playhead.children(pattern), signal.SIGINT)
    yield


@contextmanager
def full(playhead: PlayheadProcess, pattern: str) -> Iterator[None]:
    """Leave no byte on the disk of the database."""
    filler = playhead.data / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1024 * 1024)):
                pass
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def locked(playhead: PlayheadProcess, pattern: str) -> Iterator[None]:
    """Hold a lock for which every writer waits, as a careless change of the schema does."""
    with psycopg.connect(playhead.kept("DATABASE_OWNER_URL")) as connection:
        connection.execute("LOCK TABLE agent_sessions_session IN ACCESS EXCLUSIVE MODE")
        yield


FAULTS: dict[str, tuple[Any, str, float]] = {
    "PostgreSQL hangs": (hanging, POSTGRES, 20),
    "PostgreSQL is stopped": (gone, POSTGRES, 10),
    "PostgreSQL is restarted": (restarted, POSTGRES, 5),
    "PostgreSQL's disk is full": (full, POSTGRES, 10),
    "PostgreSQL waits for a lock": (locked, POSTGRES, 20),
    "Valkey hangs": (hanging, VALKEY, 10),
    "Valkey is gone": (gone, VALKEY, 10),
    "the worker is gone": (gone, WORKER, 10),
    "the web server is gone": (gone, WEB, 10),
}


def suffer(playhead: PlayheadProcess, name: str, senders: list[Sender]) -> dict[str, Any]:
    """Break something, mend it, and report what the senders saw."""
    make, pattern, seconds = FAULTS[name]
    time.sleep(3)
    fault: AbstractContextManager[None] = make(playhead, pattern)
    started = time.monotonic()
    with fault:
        time.sleep(seconds)
    mended = time.monotonic()
    recovery = wait_for_all(senders, mended)
    answers = [one for sender in senders for one in list(sender.answers)]
    # Also those that began before and were still under way.
    seen = [one for one in answers if one.started + one.seconds > started and one.started < mended]
    return report(seen) | {"seconds broken": seconds, "seconds to recover": recovery}


def wait_for_all(senders: list[Sender], since: float) -> float:
    """Return the seconds until every sender was acknowledged something that it sent since."""
    while time.monotonic() - since < RECOVERY_SECONDS:
        if all(has_success(sender, since) for sender in senders):
            return round(time.monotonic() - since, 1)
        time.sleep(0.05)
    raise SystemExit(f"not recovered after {RECOVERY_SECONDS} s")


def has_success(sender: Sender, since: float) -> bool:
    newest = sender.answers[-1]
    return newest.status == 200 and newest.started > since


def report(answers: list[Answer]) -> dict[str, Any]:
    statuses = Counter(str(one.status or "no answer") for one in answers)
    unsaid = sum(1 for one in answers if one.status == 503 and not one.retry_after)
    return {
        "answers": dict(sorted(statuses.items())),
        "503 without Retry-After": unsaid,
        "longest answer in seconds": round(max(one.seconds for one in answers), 1),
    }


def run(playhead: OnSmallDisk, names: list[str], timeout: float) -> dict[str, Any]:
    stopping = threading.Event()
    senders = [Sender(playhead, number, stopping) for number in range(SENDERS)]
    exporter = Exporter(playhead, stopping, timeout)
    for thread in (*senders, exporter):
        thread.start()
    found = {}
    for name in names:
        if FAULTS[name][0] is full and not playhead.has_disk:
            sys.stderr.write(f"left out, for it needs root: {name}\n")
            continue
        found[name] = suffer(playhead, name, senders)
        sys.stderr.write(f"{name}: {json.dumps(found[name])}\n")
    stopping.set()
    for thread in (*senders, exporter):
        thread.join(150)
    return {"faults": found} | count(playhead, senders, exporter)


def count(playhead: PlayheadProcess, senders: list[Sender], exporter: Exporter) -> dict[str, Any]:
    lost = twice = 0
    for sender in senders:
        ids = stored(playhead, sender.session)
        lost += sum(1 for acknowledged in sender.acknowledged if not ids[acknowledged])
        twice += sum(1 for times in ids.values() if times > 1)
    spans = stored(playhead, exporter.session, "name")
    return {
        "acknowledged": sum(len(sender.acknowledged) for sender in senders),
        "lost": lost,
        "twice": twice,
        "spans made": exporter.count,
        "spans stored": len(spans),
        "spans stored twice": sum(1 for times in spans.values() if times > 1),
    }


def is_well(found: dict[str, Any]) -> bool:
    """Whether nothing was lost and nobody was told anything but 2xx and 503."""
    told = list(found["faults"].values())
    allowed = {"200", "503", "no answer"}
    return (
        not found["lost"]
        and not found["twice"]
        and found["spans made"] == found["spans stored"]
        and all(fault["answers"].keys() <= allowed for fault in told)
        and not any(fault["503 without Retry-After"] for fault in told)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=FAULTS, action="append", help="a fault; all without it")
    # An exporter gives a batch up after its timeout, which is 10 s unless it is set.
    parser.add_argument("--exporter-timeout", type=float, default=60, metavar="SECONDS")
    options = parser.parse_args()
    with OnSmallDisk() as playhead:
        found = run(playhead, options.only or list(FAULTS), options.exporter_timeout)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    if not is_well(found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
