"""The order in which things start, the watch over them, and the order in which they stop."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from apps.web.embedded import processes
from apps.web.embedded.errors import CannotRunError
from apps.web.embedded.postgres import APP, OWNER, Postgres
from apps.web.embedded.valkey import Valkey
from apps.web.supervisor.children import DATABASE, GENTLE, MARK, Child, strays
from apps.web.supervisor.folder import ROLES, DataFolder
from apps.web.supervisor.options import Options

ROOT = Path(__file__).resolve().parent.parent.parent.parent
# Warnings that a person at the console can do nothing about.
QUIET = (
    "ignore:You're running the worker with superuser",
    "ignore:StreamingHttpResponse must consume",
)
# Connections of the worker of replays, whose threads have one each; others open what they need.
WORKER_CONNECTIONS = "40"
START_SECONDS = 60.0
DAY = 24 * 3600.0
POLL_SECONDS = 0.1


def tell(text: str) -> None:
    """Print a line for the person at the console."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass
class Supervisor:
    """Everything of one data folder."""

    options: Options
    folder: DataFolder
    children: list[Child] = field(default_factory=list)
    is_stopping: bool = False

    def __post_init__(self) -> None:
        self.values = self.folder.secrets() | self.options.settings(self.folder.path)
        self.mark = {MARK: str(self.folder.path)}

    def run(self) -> None:
        """Start, watch until told to stop, stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        try:
            self._clean_up()
            self.options.check_port()
            self._start()
            self._watch()
        except StopRequested:
            pass
        finally:
            self._stop()

    def _clean_up(self) -> None:
        """Stop what a supervisor that was killed left behind."""
        left = strays(self.folder.path)
        if left:
            tell(f"Stopping {len(left)} processes of an earlier start.")
        for pid in left:
            processes.stop(pid, *GENTLE)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        if not self.is_stopping:
            self.is_stopping = True
            raise StopRequested

    def _start(self) -> None:
        if self.options.role == "all":
            self._start_stores()
        self.folder.keep(self.values)
        if self.options.role in ("all", "web", "ingest"):
            self._manage("prepare_database", role="owner")
        for child in self._own_programs():
            self._add(child)
        if self.options.role in ("all", "web", "ingest"):
            self._wait_for_web()
            self._welcome()

    def _start_stores(self) -> None:
        """Start the stores that no URL names, and note where they are."""
        sockets = self.folder.sockets()
        if "REDIS_URL" not in os.environ:
            valkey = Valkey(self.folder.path / "valkey", sockets)
            valkey.prepare()
            self._add(self._store("valkey", valkey.command()))
            self.values["REDIS_URL"] = valkey.url
        if "DATABASE_URL" not in os.environ:
            self._start_postgres(sockets)
        if "REDIS_URL" not in os.environ:
            valkey.wait(START_SECONDS)

    def _start_postgres(self, sockets: Path) -> None:
        passwords = {role: self.values[name] for role, name in ROLES.items()}
        # The passwords must outlive a kill during the first start.
        self.folder.keep(self.values)
        postgres = Postgres(self.folder.path / "postgres", sockets, passwords)
        if (running := postgres.running_pid()) is not None:
            tell("Stopping PostgreSQL of an earlier start.")
            processes.stop(running, *DATABASE)
        postgres.prepare()
        child = self._store("postgres", postgres.command())
        child.signals, child.user = DATABASE, postgres.way.user
        child.before_start = postgres.prepare
        self._add(child)
        postgres.wait(START_SECONDS)
        postgres.make_roles()
        self.values["DATABASE_URL"] = postgres.url(APP)
        self.values["DATABASE_OWNER_URL"] = postgres.url(OWNER)

    def _store(self, name: str, command: list[str]) -> Child:
        log = self.folder.path / "logs" / f"{name}.log"
        return Child(name, command, env=dict(os.environ) | self.mark, log=log)

    def _own_programs(self) -> list[Child]:
        """Return the web server and the worker, as far as the role asks for them."""
        role, env = self.options.role, self._environment("app")
        found = []
        if role in ("all", "web", "ingest"):
            found.append(Child("web", self.options.web_command(), env))
        if role in ("all", "worker"):
            env = {"PLAYHEAD_DATABASE_POOL": WORKER_CONNECTIONS} | env
            found.append(Child("worker", self._workers(with_beat=role == "all"), env))
        if role == "beat":
            found.append(Child("beat", self._beat(), env))
        return found

    def _workers(self, *, with_beat: bool) -> list[str]:
        beat = ["--beat", self._schedule] if with_beat else []
        return [sys.executable, "-m", "config.celery_workers", *beat]

    def _beat(self) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-q", "-A", "config"]
        return [*celery, "beat", "-l", "warning", "-s", self._schedule]

    @property
    def _schedule(self) -> str:
        return str(self.folder.path / "beat-schedule")

    def _environment(self, role: str) -> dict[str, str]:
        """Return a child's environment; only commands of the owner learn the owner's address."""
        # What the environment says counts more than what an earlier start kept.
        env = self.values | dict(os.environ) | {"PLAYHEAD_HOST": self.options.host} | self.mark
        env |= {"PYTHONUNBUFFERED": "1", "PLAYHEAD_IGNORE_DATA": "1"}
        hidden = set(ROLES.values()) | ({"DATABASE_OWNER_URL"} if role == "app" else set())
        env["PLAYHEAD_DATABASE_ROLE"] = role
        # On a laptop in a container root is all there is; the worker executes no recorded text.
        # Static files are small, so reading one whole under ASGI is no loss.
        env["PYTHONWARNINGS"] = ",".join(QUIET)
        return {name: value for name, value in env.items() if name not in hidden}

    def _add(self, child: Child) -> None:
        child.start()
        self.children.append(child)

    def _manage(self, *arguments: str, role: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self._environment(role),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRunError(f"`manage.py {arguments[0]}` failed; what it said stands above.")
        return done.stdout

    def _wait_for_web(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self._web_is_ready():
            if time.monotonic() > end:
                raise CannotRunError(f"The web server did not answer in {START_SECONDS:.0f} s.")
            self._watch_once()
            time.sleep(POLL_SECONDS)

    def _web_is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.options.port, timeout=5)
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _welcome(self) -> None:
        """Make what a newcomer needs on the first start, and say where things are."""
        kept = self.folder.path / "first-sign-in"
        if self.options.role == "all" and not kept.exists():
            self.folder.write_private(
                "first-sign-in", self._manage("make_first_project", role="app")
            )
            tell(f"\nPlayhead runs at {self.options.url}\n\n{kept.read_text()}")
            tell(f"This is kept in {kept}. Ctrl-C stops Playhead.")
            if self.options.has_demo:
                self._send_demo()
        else:
            tell(f"\nPlayhead runs at {self.options.url}")
            if kept.exists():
                tell(f"The sign-in of the first start is kept in {kept}.")
            tell("Ctrl-C stops Playhead.")

    def _send_demo(self) -> None:
        # Beside the rest: a demo that fails is no reason to stop.
        subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "send_demo"],
            env=self._environment("app"),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )

    def _watch(self) -> None:
        next_day = time.monotonic() + DAY
        while True:
            time.sleep(POLL_SECONDS)
            self._watch_once()
            if time.monotonic() > next_day and "DATABASE_OWNER_URL" in self._environment("owner"):
                next_day += DAY
                self._manage("ensure_partitions", role="owner")

    def _watch_once(self) -> None:
        for child in self.children:
            child.watch(tell)

    def _stop(self) -> None:
        """Stop in the opposite order: whoever writes first, the broker last."""
        self.is_stopping = True
        order = ("web", "worker", "beat", "postgres", "valkey")
        for child in sorted(self.children, key=lambda child: order.index(child.name)):
            child.stop()
        if self.children:
            tell("Playhead has stopped.")


class StopRequested(BaseException):
    """Raised by a signal; no handler of ordinary errors may swallow it."""
