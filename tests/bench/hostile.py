"""Bombs, slow senders and lies about length against a whole Playhead, with memory and time.

Run by hand: ``.venv/bin/python -m tests.bench.hostile``. It prints one line for each case and
ends with 1 if a bar was missed: no answer of 5xx, a bomb refused with 413 within a second and
with less than 50 MiB over idle, and other senders served meanwhile.
"""

from __future__ import annotations

import gzip
import io
import json
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import zstandard

from tests.playhead_process import PlayheadProcess

MIB = 1 << 20
GIB = 1 << 30
SLOW_SENDERS = 50
EVENT = {
    "id": "e1",
    "session": "s1",
    "kind": "tool",
    "started_at": "2026-11-01T00:00:00Z",
}


@dataclass
class Memory:
    """Samples how much the web processes hold."""

    processes: list[psutil.Process]
    peak: int = 0
    idle: int = 0

    def now(self) -> int:
        return sum(process.memory_info().rss for process in self.processes)

    @contextmanager
    def watched(self) -> Iterator[None]:
        self.idle = self.peak = self.now()
        done = threading.Event()

        def sample() -> None:
            while not done.wait(0.01):
                self.peak = max(self.peak, self.now())

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            yield
        finally:
            done.set()
            sampler.join()

    @property
    def grown(self) -> float:
        return (self.peak - self.idle) / MIB


@dataclass
class Report:
    """What was seen, and which bars were missed."""

    missed: list[str] = field(default_factory=list)

    def line(self, name: str, told: str, *, is_good: bool) -> None:
        sys.stdout.write(f"{'ok  ' if is_good else 'MISS'} {name:45} {told}\n")
        if not is_good:
            self.missed.append(name)


def packed(compressor: zlib._Compress, size: int) -> bytes:
    """Return ``size`` zeros, compressed without ever holding them."""
    block = bytes(16 * MIB)
    return b"".join(compressor.compress(block) for _ in range(size // len(block))) + (
        compressor.flush()
    )


def zstd_bomb(size: int) -> bytes:
    packed_into = io.BytesIO()
    block = bytes(16 * MIB)
    with zstandard.ZstdCompressor().stream_writer(packed_into, closefd=False) as writer:
        for _ in range(size // len(block)):
            writer.write(block)
    return packed_into.getvalue()


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip of 4 GiB": ("gzip", lambda: packed(zlib.compressobj(9, zlib.DEFLATED, 31), 4 * GIB)),
    "deflate of 4 GiB": ("deflate", lambda: packed(zlib.compressobj(9), 4 * GIB)),
    "zstd of 4 GiB": ("zstd", lambda: zstd_bomb(4 * GIB)),
    "gzip of 1,000 members": ("gzip", lambda: gzip.compress(bytes(4 * MIB)) * 1000),
}


@dataclass(frozen=True)
class Target:
    """Where to send, over plain sockets: client libraries tell no lies."""

    port: int
    key: str

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def head(self, *headers: str, path: str = "/api/v1/events") -> bytes:
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self.key}",
            "Content-Type: application/json",
            *headers,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def ask(self, *pieces: bytes, then_close: bool = False) -> int:
        """Send the pieces and return the status of the answer; 0 where there was none."""
        with self.connect() as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                if then_close:
                    connection.shutdown(socket.SHUT_WR)
                return status_of(connection.recv(65536))
            except OSError:
                return 0

    def post(self, body: bytes, *headers: str) -> int:
        return self.ask(self.head(f"Content-Length: {len(body)}", *headers), body)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


def throw_bombs(target: Target, memory: Memory, report: Report) -> None:
    for name, (encoding, make) in BOMBS.items():
        bomb = make()
        with memory.watched():
            started = time.monotonic()
            status = target.post(bomb, f"Content-Encoding: {encoding}")
            seconds = time.monotonic() - started
        told = f"{len(bomb) / MIB:.1f} MiB -> {status} in {seconds:.2f} s, +{memory.grown:.0f} MiB"
        report.line(name, told, is_good=status == 413 and seconds < 1 and memory.grown < 50)


def tell_lies(target: Target, report: Report) -> None:
    body = json.dumps({"events": [EVENT]}).encode()
    lies = {
        "length shorter than the body": ([target.head("Content-Length: 5"), body], {400}),
        "length that is no number": ([target.head("Content-Length: many"), body], {400}),
        "length below zero": ([target.head("Content-Length: -1"), body], {400}),
        "length of 5,000 digits": ([target.head("Content-Length: " + "9" * 5000), body], {400}),
        "two lengths": ([target.head("Content-Length: 5", "Content-Length: 9"), body], {400}),
        "length and chunks": (
            [target.head("Content-Length: 5", "Transfer-Encoding: chunked"), b"0\r\n\r\n"],
            {400},
        ),
        "chunk of no size": ([target.head("Transfer-Encoding: chunked"), b"zz\r\n"], {400}),
        "declared 30 MiB": ([target.head(f"Content-Length: {30 * MIB}")], {413}),
        "header of 1 MiB": ([target.head("X-Long: " + "x" * MIB)], {400, 431}),
        "10,000 headers": ([target.head(*[f"X-{n}: 1" for n in range(10_000)])], {400, 431}),
        "no HTTP at all": ([b"\x16\x03\x01\x02\x00\x01\x00" + bytes(300)], {400}),
    }
    for name, (pieces, wanted) in lies.items():
        status = target.ask(*pieces)
        # A connection that is closed without an answer is an answer to what is no HTTP.
        report.line(name, str(status or "closed"), is_good=status in wanted | {0})
    status = target.ask(target.head("Content-Length: 500"), body, then_close=True)
    report.line("body that breaks off", str(status or "closed"), is_good=status in {0, 400})


def send_slowly(target: Target, memory: Memory, report: Report) -> None:
    """Hold connections that trickle or say nothing, and see that others are served."""
    statuses: list[int] = []

    def trickle(seconds: float) -> None:
        with target.connect() as connection:
            connection.sendall(target.head("Content-Length: 1000"))
            ends = time.monotonic() + 100
            connection.settimeout(seconds)
            while time.monotonic() < ends:
                try:
                    connection.sendall(b" ")
                    statuses.append(status_of(connection.recv(65536)))
                    return
                except TimeoutError:
                    continue
                except OSError:
                    statuses.append(0)
                    return

    # Half of them send a byte each second, the others fall silent after the first.
    waits = [1.0] * (SLOW_SENDERS // 2) + [99.0] * (SLOW_SENDERS // 2)
    senders = [threading.Thread(target=trickle, args=(wait,), daemon=True) for wait in waits]
    with memory.watched():
        for sender in senders:
            sender.start()
        time.sleep(2)
        worst = max(_seconds(target, number) for number in range(100))
        for sender in senders:
            sender.join(110)
    told = f"{worst * 1000:.0f} ms the slowest of 100 others, +{memory.grown:.0f} MiB"
    report.line(f"{SLOW_SENDERS} slow senders", told, is_good=worst < 1)
    ended = sum(status == 408 for status in statuses)
    report.line("slow senders told so (408)", f"{ended} of {SLOW_SENDERS}", is_good=ended > 0)


def _seconds(target: Target, number: int) -> float:
    body = json.dumps({"events": [EVENT | {"id": f"slow-{number}"}]}).encode()
    started = time.monotonic()
    status = target.post(body)
    return time.monotonic() - started if status == 200 else 99


def main() -> int:
    report = Report()
    with PlayheadProcess() as playhead:
        target = Target(playhead.port, playhead.key)
        memory = Memory(playhead.children("granian"))
        for number in range(20):
            _seconds(target, number)
        throw_bombs(target, memory, report)
        tell_lies(target, report)
        send_slowly(target, memory, report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
