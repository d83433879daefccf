"""A web server of the checkout on an existing database, and what each request costs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
from django.db import connection

from tests.playhead_process import ROOT, free_port

START_SECONDS = 60
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
# Which of the kernel's clocks of a process: the time it ran, in nanoseconds.
RUNNING = 2
RESET_PEAK = "5"
KIB_A_MIB = 1024


def cpu_ms(pid: int) -> float:
    """Return the CPU time of all threads of a process."""
    try:
        return time.clock_gettime_ns((~pid << 3) | RUNNING) / 1e6
    except OSError:
        return 0.0


@dataclass(frozen=True)
class Cost:
    """What a request took: CPU of both sides, the server's peak memory, the answer."""

    web_ms: float
    database_ms: float
    peak_mib: float
    size: int
    body: bytes = field(repr=False)


class WebServer:
    """The server that ``manage.py up`` starts, by itself, with a static folder of its own."""

    def __init__(self, cookie: str, key: str = "") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
        self.key = key

    def __enter__(self) -> Self:
        self.folder = tempfile.TemporaryDirectory(prefix="playhead-bench-")
        self.env = os.environ | {
            "PLAYHEAD_URL": self.url,
            "PLAYHEAD_ALLOWED_HOSTS": "127.0.0.1",
            "PLAYHEAD_STATIC_ROOT": str(Path(self.folder.name) / "static"),
        }
        self._run("manage.py", "collectstatic", "--noinput", "-v", "0")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.folder.cleanup()

    def start(self) -> None:
        self.child = subprocess.Popen(
            [
                *(sys.executable, "-m", "granian", "config.asgi:application"),
                *("--interface", "asginl", "--port", str(self.port), "--workers", "1"),
                *("--no-ws", "--log-level", "warning"),
            ],
            cwd=ROOT,
            env=self.env,
        )
        self._wait()
        (self.worker,) = psutil.Process(self.child.pid).children()

    def stop(self) -> None:
        self.child.terminate()
        self.child.wait()

    def restart(self) -> None:
        """Begin again with nothing in memory."""
        self.stop()
        self.start()

    def get(self, path: str) -> Cost:
        """Ask for a page, and measure the server while it answers."""
        headers = {"Authorization": f"Bearer {self.key}"} if path.startswith("/api/") else {}
        request = urllib.request.Request(self.url + path, headers=self.headers | headers)
        Path(f"/proc/{self.worker.pid}/clear_refs").write_text(RESET_PEAK)
        web, database = cpu_ms(self.worker.pid), database_ms()
        with urllib.request.urlopen(request, timeout=120) as response:
            body = response.read()
        web, database = cpu_ms(self.worker.pid) - web, database_ms() - database
        return Cost(web, database, self._peak(), len(body), body)

    def _peak(self) -> float:
        status = Path(f"/proc/{self.worker.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / KIB_A_MIB

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("The web server did not answer.")

    def _run(self, *command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=ROOT, env=self.env, check=True)


def database_ms() -> float:
    """Return the CPU time of all backends of this database."""
    with connection.cursor() as cursor:
        cursor.execute(BACKENDS)
        return sum(cpu_ms(pid) for (pid,) in cursor.fetchall())
