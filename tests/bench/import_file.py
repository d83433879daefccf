"""Import a large file through the API and a worker, and measure time and memory.

Run by hand: ``.venv/bin/python -m tests.bench.import_file --mib 1024``. The file is made while
it is sent. Printed are the speeds of sending and of reading, and by how much the web server
and the worker grew meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.playhead_process import PlayheadProcess

MIB = 1024 * 1024
SERVERS = {"web": r"granian", "worker": r"celery"}
HEAD = (
    b'--b\r\nContent-Disposition: form-data; name="format"\r\n\r\nplayhead-jsonl\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="large.jsonl"\r\n\r\n'
)
NAMES = "status records accepted duplicates refused sessions".split()
TAIL = b"\r\n--b--\r\n"
WORDS = "the customer asked for a refund of order 7 and the agent looked it up in the system "


@dataclass
class Memory(threading.Thread):
    """Watches how large the processes of the servers become."""

    playhead: PlayheadProcess
    first: dict[int, int] = field(default_factory=dict)
    most: dict[int, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    is_over: bool = False

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.is_over:
            for name, pattern in SERVERS.items():
                for process in self.processes(pattern):
                    self.note(name, process)
            time.sleep(0.25)

    def processes(self, pattern: str) -> list[psutil.Process]:
        try:
            return self.playhead.children(pattern)
        except psutil.Error:
            return []

    def note(self, name: str, process: psutil.Process) -> None:
        try:
            size = process.memory_info().rss
        except psutil.Error:
            return
        self.names[process.pid] = name
        self.first.setdefault(process.pid, size)
        self.most[process.pid] = max(size, self.most.get(process.pid, 0))

    def report(self, when: str) -> dict[str, Any]:
        """Return the growth of the process that grew most, and the largest size."""
        told: dict[str, Any] = {}
        for name in SERVERS:
            pids = [pid for pid in self.first if self.names[pid] == name]
            grown = max(self.most[pid] - self.first[pid] for pid in pids)
            told[f"{name} grew {when}, MiB"] = round(grown / MIB, 1)
            told[f"{name} at most {when}, MiB"] = round(max(map(self.most.get, pids)) / MIB, 1)
        self.first, self.most = {}, {}
        return told


def lines(size: int, event_bytes: int) -> Iterator[bytes]:
    """Return about ``size`` bytes of events, ten to a session, in chunks of a mebibyte."""
    text = (WORDS * (event_bytes // len(WORDS) + 1))[:event_bytes]
    chunk, made, number = bytearray(), 0, 0
    while made + 2 * MIB <= size:
        event = {
            "id": str(number),
            "session": f"large-{number // 10}",
            "kind": "llm",
            "started_at": "2026-11-01T00:00:00Z",
            "output": f"{number} {text}",
        }
        chunk += json.dumps(event).encode() + b"\n"
        number += 1
        if len(chunk) >= MIB:
            made += len(chunk)
            yield bytes(chunk)
            chunk.clear()


def send(playhead: PlayheadProcess, size: int, event_bytes: int) -> dict[str, Any]:
    """Send the file and return the import."""
    connection = http.client.HTTPConnection("127.0.0.1", playhead.port, timeout=600)

    def body() -> Iterator[bytes]:
        yield HEAD
        yield from lines(size, event_bytes)
        yield TAIL

    headers = {
        "Authorization": f"Bearer {playhead.key}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    connection.request("POST", "/api/v1/imports", body(), headers, encode_chunked=True)
    answer = connection.getresponse()
    told: dict[str, Any] = json.loads(answer.read())
    if answer.status != 202:
        raise SystemExit(f"{answer.status}: {told}")
    return told


def follow(playhead: PlayheadProcess, import_id: str, kills: int) -> dict[str, Any]:
    """Wait for the end of the import, killing the worker meanwhile each time it got on."""
    killed_at = 0
    while True:
        told: dict[str, Any] = playhead.request(f"/api/v1/imports/{import_id}")
        sys.stderr.write(f"{told['status']} {told['percent']} % {told['records']} records\n")
        if told["status"] not in {"waiting", "running"}:
            return told
        if kills and told["records"] > killed_at + 500:
            killed_at, kills = told["records"], kills - 1
            kill_worker(playhead)
        time.sleep(2)


def kill_worker(playhead: PlayheadProcess) -> None:
    """Kill the worker and its children with -9, as the lack of memory does."""
    for process in playhead.children(SERVERS["worker"]):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    sys.stderr.write("killed the worker\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--event-bytes", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=0, help="of the worker, with -9")
    options = parser.parse_args()
    with PlayheadProcess() as playhead:
        report = measure(playhead, options.mib * MIB, options.event_bytes, options.kills)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def measure(playhead: PlayheadProcess, size: int, event_bytes: int, kills: int) -> dict[str, Any]:
    send(playhead, 4 * MIB, event_bytes)  # Everything is loaded once before it is measured.
    time.sleep(10)
    memory = Memory(playhead)
    memory.start()
    time.sleep(1)
    started = time.monotonic()
    sent = send(playhead, size, event_bytes)
    uploaded = time.monotonic()
    report = memory.report("while sending")
    ended = follow(playhead, sent["id"], kills)
    seconds = time.monotonic() - uploaded
    report |= memory.report("while reading")
    memory.is_over = True
    return {
        "MiB": round(sent["size"] / MIB),
        "sent at MiB/s": round(sent["size"] / MIB / (uploaded - started), 1),
        "read at MiB/s": round(sent["size"] / MIB / seconds, 2),
        **{name: ended[name] for name in NAMES},
        **report,
    }


if __name__ == "__main__":
    main()
