"""A whole Playhead, started by ``manage.py up`` on a temporary data folder and a free port."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, Self

import psutil

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
STOP_SECONDS = 20


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """Return our environment without any setting of Playhead, as a newcomer's shell has it."""
    ours = ("PLAYHEAD_", "DATABASE_", "REDIS_", "DJANGO_", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


class PlayheadProcess:
    """Starts, talks to, kills and stops a Playhead; its folder goes with it."""

    # What its environment says besides.
    settings: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *options: str) -> None:
        self.options = options
        self.data = Path(tempfile.mkdtemp(prefix="playhead-test-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.data.with_suffix(".log")

    def __enter__(self) -> Self:
        with ExitStack() as unless_ready:
            unless_ready.callback(self.__exit__)
            self.start()
            self.manage("create_project", *self.project)
            self.key = self.manage(
                "create_api_key", *self.project, "--scopes", "ingest,read:content"
            ).strip()
            unless_ready.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.log.unlink(missing_ok=True)

    @property
    def project(self) -> list[str]:
        return ["--organization", "test", "--project", "test"]

    def start(self) -> None:
        """Start ``up`` and wait until it answers."""
        command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [*command, "--data", str(self.data), *self.options],
                cwd=ROOT,
                env=clean_environment() | self.settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.process = psutil.Process(self.child.pid)
        self.wait_until_ready()

    def wait_until_ready(self, seconds: float = START_SECONDS) -> float:
        """Return after how many seconds the server was ready."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            try:
                with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2):
                    return time.monotonic() - started
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise TimeoutError(self.log.read_text()[-3000:])

    def stop(self) -> None:
        """Stop as Ctrl-C does."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        self.child.wait(STOP_SECONDS)

    def manage(self, *arguments: str) -> str:
        """Run a command beside the server and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=clean_environment() | self.settings | {"PLAYHEAD_DATA": str(self.data)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def kept(self, name: str) -> str:
        """Return a value that ``up`` keeps in the data folder."""
        lines = (self.data / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)[name]

    def children(self, pattern: str) -> list[psutil.Process]:
        """Return the descendants whose command line matches ``pattern``."""
        matches = []
        for process in self.process.children(recursive=True):
            try:
                if re.search(pattern, " ".join(process.cmdline())):
                    matches.append(process)
            except psutil.Error:
                continue
        return matches

    def request(self, path: str, body: Any = None, timeout: float = 30) -> Any:
        """Call the API with the key and return the decoded answer."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.loads(response.read())

    def ingest_health(self) -> Any:
        return self.request("/api/v1/ingest/health")
