"""What ``manage.py doctor`` looks at: each check says how things are and what to do about it.

Checks only read. They run in an order in which a later one needs what an earlier one found:
without a database there is nothing to say about roles.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import celery
import kombu.exceptions
import psycopg
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from psycopg.conninfo import make_conninfo

from apps.core.database import APPEND_ONLY
from apps.core.secrets import master_key
from apps.sessions import partitions
from apps.sessions.keys import SealError, project_keys
from apps.sessions.models import ProjectKey
from apps.sessions.reindexing import MOST_COUNTED, count_lacking
from apps.tenants.models import Project

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRES = 15
OLDEST_REDIS = 7
GIB = 1024**3
FULL_BYTES, TIGHT_BYTES = 1 * GIB, 5 * GIB
QUEUES = ("ingest", "replay", "analysis", "notify")
LONG_QUEUE = 1000
CONNECT_SECONDS = 3
PING_SECONDS = 3.0


class Level(StrEnum):
    """How bad a finding is; only a problem makes the doctor fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    level: Level
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.subject:<10} {self.text}"


Check = Callable[[], Iterator[Finding]]


def examine() -> Iterator[Finding]:
    """Yield all findings, as far as what runs can be reached."""
    for check in (check_python, check_settings, check_master_key, check_disk):
        yield from check()
    yield from _behind(check_database, (check_schema,))
    yield from _behind(check_broker, (check_queues, check_worker))


def _behind(door: Check, checks: tuple[Check, ...]) -> Iterator[Finding]:
    """Run the checks only when what they need answers."""
    found = list(door())
    yield from found
    if any(finding.level == Level.PROBLEM for finding in found):
        return
    for check in checks:
        try:
            yield from check()
        except (Error, redis.RedisError) as error:
            yield problem("doctor", f"{check.__name__} ended with: {str(error).strip()}")


def ok(subject: str, text: str) -> Finding:
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str) -> Finding:
    return Finding(Level.WARNING, subject, text)


def problem(subject: str, text: str) -> Finding:
    return Finding(Level.PROBLEM, subject, text)


# What needs no server


def check_python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield problem("python", f"Python {version} is too old. Install 3.11 or newer.")
    else:
        yield ok("python", f"Python {version}")


def check_settings() -> Iterator[Finding]:
    url = urlsplit(settings.PLAYHEAD_URL)
    if url.scheme != "https" and not is_loopback(url.hostname or ""):
        yield problem(
            "settings",
            f"{settings.PLAYHEAD_URL} is plain HTTP and not this machine: passwords and keys would"
            " cross the network in the clear. Put HTTPS in front and set PLAYHEAD_URL to it.",
        )
    else:
        yield ok("settings", f"Reached at {settings.PLAYHEAD_URL}")
    if settings.DEBUG:
        yield problem("settings", "PLAYHEAD_DEBUG shows code to strangers. Unset it.")
    if url.scheme == "https" and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        yield warning(
            "settings",
            "Mails are printed and not sent. Set PLAYHEAD_EMAIL_BACKEND and PLAYHEAD_EMAIL_HOST.",
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_master_key() -> Iterator[Finding]:
    try:
        master_key()
    except ImproperlyConfigured as error:
        yield problem("keys", f"{error} Put back the one that the data was written with.")
    else:
        yield ok("keys", "The master key is 32 bytes. Keep a copy of it apart from this machine.")


def check_disk() -> Iterator[Finding]:
    yield judge_space(settings.DATA_DIR, free_bytes(settings.DATA_DIR))


def free_bytes(folder: Path) -> int:
    """Return the free bytes where ``folder`` is or would be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free


def judge_space(folder: Path, free: int) -> Finding:
    """Say whether so many free bytes are enough."""
    text = f"{free / GIB:.1f} GiB are free for {folder}"
    if free < FULL_BYTES:
        return problem("disk", f"{text}. PostgreSQL stops when none are left: make room now.")
    if free < TIGHT_BYTES:
        return warning("disk", f"{text}. Make room soon.")
    return ok("disk", text)


# The database


def check_database() -> Iterator[Finding]:
    try:
        found = _server_version()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        yield problem(
            "database",
            f"It cannot be reached ({reason}). Is Playhead running? Start it with `manage.py up`, "
            "or see that DATABASE_URL names a running server.",
        )
        return
    major, minor = divmod(found, 10_000)
    if major < OLDEST_POSTGRES:
        yield problem("database", f"PostgreSQL {major} is too old. Use {OLDEST_POSTGRES} or newer.")
    else:
        yield ok("database", f"PostgreSQL {major}.{minor}")


def _server_version() -> int:
    # Not through the pool: that waits long for a server that is not there, and logs each try.
    found = settings.DATABASES["default"]
    parameters = {
        "dbname": found["NAME"],
        "user": found["USER"],
        "password": found["PASSWORD"],
        "host": found["HOST"],
        "port": found["PORT"],
    }
    given = {name: str(value) for name, value in parameters.items() if value}
    with psycopg.connect(make_conninfo(**given), connect_timeout=CONNECT_SECONDS) as server:
        return server.info.server_version


def check_schema() -> Iterator[Finding]:
    """Look at the tables only when they are those that this version expects."""
    yield from _behind(check_migrations, DATABASE_CHECKS)


def check_migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield problem(
            "schema",
            f"{len(waiting)} migrations are not applied. Run `manage.py prepare_database`.",
        )
    else:
        yield ok("schema", "All migrations are applied")


def check_role() -> Iterator[Finding]:
    role, is_super, bypasses, owned = _row(
        "SELECT rolname, rolsuper, rolbypassrls, (SELECT count(*) FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND pg_has_role(current_user, relowner, 'USAGE'))"
        " FROM pg_roles WHERE rolname = current_user"
    )
    too_much = [
        text
        for text, holds in (
            ("is a superuser", is_super),
            ("bypasses row security", bypasses),
            (f"owns {owned} tables", owned),
        )
        if holds
    ]
    if too_much:
        yield problem(
            "roles",
            f"The role {role} {' and '.join(too_much)}, so a hole in Playhead opens everything. "
            "Give DATABASE_URL the role playhead_app, and the owner's to DATABASE_OWNER_URL.",
        )
    else:
        yield ok("roles", f"{role} owns nothing and is no superuser")


def check_trail() -> Iterator[Finding]:
    loose = [
        table
        for table in APPEND_ONLY
        if _row("SELECT has_table_privilege(%s, 'UPDATE, DELETE, TRUNCATE')", table)[0]
    ]
    if loose:
        yield problem(
            "roles",
            f"The app's role may change {', '.join(loose)}. Run `manage.py prepare_database`.",
        )


def check_project_keys() -> Iterator[Finding]:
    found = ProjectKey.unscoped.order_by("project_id").values_list("project_id", flat=True)
    projects = list(found.distinct())
    shut = [str(project_id) for project_id in projects if not _opens(project_id)]
    if shut:
        yield problem(
            "keys",
            f"The keys of {len(shut)} projects do not open (ids {', '.join(shut[:10])}): "
            "PLAYHEAD_MASTER_KEY is not the one that they were made with. Put that one back.",
        )
    else:
        yield ok("keys", f"The keys of {len(projects)} projects open")


def _opens(project_id: int) -> bool:
    try:
        project_keys(project_id)
    except (SealError, ImproperlyConfigured):
        return False
    return True


def check_partitions() -> Iterator[Finding]:
    missing = missing_partitions(datetime.now(UTC).date())
    if missing:
        yield problem(
            "partitions", f"{', '.join(missing)} are missing. Run `manage.py ensure_partitions`."
        )
    else:
        yield ok("partitions", f"Made {partitions.MONTHS_AHEAD} months ahead")
    astray = sum(partitions.rows_in_default().values())
    if astray:
        yield warning(
            "partitions",
            f"{astray} rows lie in no month of their own. Run `manage.py ensure_partitions`.",
        )


def check_search() -> Iterator[Finding]:
    """Say which projects have sessions that a search does not find, and what to run."""
    lacking = count_lacking()
    named = Project.everything.select_related("organization").in_bulk(lacking.sessions)
    for project in named.values():
        count = lacking.sessions[project.pk]
        most = "at least " if not lacking.is_whole or count == MOST_COUNTED else ""
        yield warning(
            "search",
            f"{most}{count} sessions of {project.organization.slug}/{project.slug} are not found by"
            " their words. Run `manage.py reindex_search"
            f" --organization {project.organization.slug} --project {project.slug}`.",
        )
    if not named:
        looked_at = "All sessions" if lacking.is_whole else "The sessions that were looked at"
        yield ok("search", f"{looked_at} are found by their words")


def missing_partitions(today: date) -> list[str]:
    """Return the names of monthly partitions that should be there and are not."""
    month, names = today.replace(day=1), []
    for _ in range(partitions.MONTHS_AHEAD + 1):
        names += [f"{table}_{month:%Y_%m}" for table in partitions.PARTITIONED]
        month = partitions.next_month(month)
    return [name for name in names if _row("SELECT to_regclass(%s)", name)[0] is None]


def _row(statement: str, *values: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] = cursor.fetchone()
        return row


# The broker


def _broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=CONNECT_SECONDS)


def check_broker() -> Iterator[Finding]:
    try:
        with _broker() as server:
            found = dict(server.info("server"))
    except redis.RedisError as error:
        yield problem(
            "broker",
            f"It cannot be reached ({error}). Is Playhead running? Start it with `manage.py up`, "
            "or see that REDIS_URL names a running server.",
        )
        return
    name, version = ("Redis", str(found["redis_version"]))
    if "valkey_version" in found:
        name, version = "Valkey", str(found["valkey_version"])
    if int(version.split(".")[0]) < OLDEST_REDIS:
        yield problem("broker", f"{name} {version} is too old. Use {OLDEST_REDIS} or newer.")
    else:
        yield ok("broker", f"{name} {version}")


def check_queues() -> Iterator[Finding]:
    with _broker() as server:
        lengths = {queue: int(server.llen(queue)) for queue in QUEUES}
    text = ", ".join(f"{queue} {length}" for queue, length in lengths.items())
    if max(lengths.values()) > LONG_QUEUE:
        yield warning("queues", f"{text}: work waits long. Start more workers.")
    else:
        yield ok("queues", f"Waiting: {text}")


def check_worker() -> Iterator[Finding]:
    try:
        answers = celery.current_app.control.ping(timeout=PING_SECONDS, limit=1)
    except (kombu.exceptions.OperationalError, redis.RedisError):
        answers = []
    if answers:
        yield ok("worker", "A worker answers")
    else:
        yield problem(
            "worker",
            "None answers: idle sessions are not closed. Start one with `manage.py up`, or with "
            "`manage.py up --role worker`.",
        )


DATABASE_CHECKS: tuple[Check, ...] = (
    check_role,
    check_trail,
    check_project_keys,
    check_partitions,
    check_search,
)
