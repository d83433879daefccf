"""Gives the tests real servers of their own, before Django reads its settings.

Loaded as a plugin of pytest. The process that controls the run starts PostgreSQL and Valkey
in a temporary folder; the processes of pytest-xdist inherit their addresses. A developer who
has servers running sets DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL.
"""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from apps.web.embedded import processes
from apps.web.embedded.postgres import APP, OWNER, SUPERUSER, Postgres
from apps.web.embedded.valkey import Valkey

FAST_STOP = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


def start_servers() -> None:
    """Start both servers and stop them when this process ends, however it ends."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-tests-"))
    # Registered first, so that it runs last.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    password = dict.fromkeys((SUPERUSER, OWNER, APP), "only-for-tests")
    sockets = folder / "s"
    sockets.mkdir(mode=0o700)
    servers = [
        Postgres(folder / "postgres", sockets, password, is_durable=False),
        Valkey(folder / "valkey", sockets, is_durable=False),
    ]
    for server in servers:
        server.prepare()
        user = getattr(getattr(server, "way", None), "user", None)
        with (folder / "log").open("ab") as log:
            child = processes.start(server.command(), env=os.environ, output=log, user=user)
        atexit.register(stop, child)
        server.wait(60)
    postgres, valkey = servers
    postgres.make_roles(for_tests=True)
    os.environ["DATABASE_URL"] = postgres.url(APP)
    os.environ["DATABASE_OWNER_URL"] = postgres.url(OWNER)
    os.environ["REDIS_URL"] = valkey.url


def stop(child: subprocess.Popen[bytes]) -> None:
    """Stop a server and wait for its end."""
    processes.stop(child.pid, *FAST_STOP)
    child.wait()


os.environ["PLAYHEAD_IGNORE_DATA"] = "1"
os.environ["PLAYHEAD_DATABASE_ROLE"] = "owner"
os.environ["PLAYHEAD_SECRET_KEY"] = "a key for tests only, of no use to anybody"
os.environ["PLAYHEAD_MASTER_KEY"] = base64.b64encode(b"m" * 32).decode()
if "DATABASE_OWNER_URL" not in os.environ:
    start_servers()

# Each process of pytest-xdist empties its own cache only: gw0 has database 1.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    address, _, _ = os.environ["REDIS_URL"].partition("?db=")
    os.environ["REDIS_URL"] = f"{address}?db={int(worker.removeprefix('gw')) + 1}"
