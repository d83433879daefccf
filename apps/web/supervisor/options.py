"""The options of ``manage.py up`` and the settings that follow from them."""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from apps.web.embedded.errors import CannotRunError

ROLES = ("all", "web", "ingest", "worker", "beat")
DEFAULT_PORT = 8000


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line, completed from the environment."""

    host: str
    port: int
    data: Path
    role: str
    has_demo: bool

    @property
    def url(self) -> str:
        """Return where people reach this server."""
        if given := os.environ.get("PLAYHEAD_URL"):
            return given.rstrip("/")
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def check(self) -> None:
        """Refuse what would be unsafe or cannot work, before anything is started."""
        if not 1 <= self.port <= 65_535:
            raise CannotRunError(f"--port must be from 1 to 65535, not {self.port}.")
        if not _is_loopback(self.host) and not self.url.startswith("https://"):
            raise CannotRunError(
                f"Plain HTTP is for this machine only, and --host {self.host} is not. Put a proxy "
                "that speaks HTTPS in front and set PLAYHEAD_URL=https://your.address."
            )
        if self.role != "all" and not os.environ.keys() >= {"DATABASE_URL", "REDIS_URL"}:
            raise CannotRunError(
                f"--role {self.role} works on servers elsewhere: set DATABASE_URL and REDIS_URL."
            )

    def check_port(self) -> None:
        """Refuse a port that another program listens on."""
        if self.role not in ("all", "web", "ingest"):
            return
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise CannotRunError(
                    f"Port {self.port} of {self.host} cannot be used ({error.strerror}). "
                    "Choose another with --port."
                ) from None

    def settings(self, data: Path) -> dict[str, str]:
        """Return the settings of a server that is reached at ``url``."""
        named = urlsplit(self.url).hostname or self.host
        return {
            "PLAYHEAD_URL": self.url,
            "PLAYHEAD_HOST": self.host,
            "PLAYHEAD_ALLOWED_HOSTS": ",".join(
                dict.fromkeys((named, "localhost", "127.0.0.1", "[::1]"))
            ),
            "PLAYHEAD_STATIC_ROOT": str(data / "static"),
        }

    def web_command(self) -> list[str]:
        """Return the command line of the web server."""
        workers = os.environ.get("PLAYHEAD_WEB_WORKERS", "1")
        return [
            *(sys.executable, "-m", "granian", "config.asgi:application", "--interface", "asginl"),
            *("--host", self.host, "--port", str(self.port), "--workers", workers),
            *("--no-ws", "--log-level", "warning"),
            *("--respawn-failed-workers", "--respawn-interval", "0.2"),
            *("--workers-kill-timeout", "3s", "--backpressure", "256"),
        ]


def read_options(arguments: Sequence[str]) -> Options:
    """Return the options of a command line."""
    parser = argparse.ArgumentParser(
        prog="manage.py up", description="Run Playhead: stores, web server, worker."
    )
    port = os.environ.get("PLAYHEAD_PORT", str(DEFAULT_PORT))
    default_data = os.environ.get("PLAYHEAD_DATA", "var")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=port, help="port (PLAYHEAD_PORT, %(default)s)")
    parser.add_argument(
        "--data", type=Path, default=default_data, help="data folder (PLAYHEAD_DATA, %(default)s)"
    )
    parser.add_argument("--role", choices=ROLES, default="all", help="what to run (%(default)s)")
    parser.add_argument("--no-demo", action="store_true", help="send no demo sessions")
    given = parser.parse_args(arguments)
    return Options(given.host, given.port, given.data.absolute(), given.role, not given.no_demo)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
