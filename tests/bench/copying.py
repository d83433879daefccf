"""Events a second, stored and readable, beside raw COPY of the very rows that they became."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg

from tests.bench.disk import owner
from tests.bench.filling import Filled
from tests.bench.goals import Figure
from tests.playhead_process import PlayheadProcess

SHARE_OF_COPY = 1 / 3
# What an event becomes; the session's own row is changed in place and counts little.
TABLES = ("event", "chunk", "chunkterms", "sessionfacet", "trace", "metricdelta", "eventinput")


def measure(playhead: PlayheadProcess, filled: Filled) -> Iterator[Figure]:
    """Yield the rate of the fill, and its share of what COPY does."""
    with owner(playhead) as connection:
        seconds = sum(copy(connection, f"agent_sessions_{name}") for name in TABLES)
        events = count(connection, "agent_sessions_event")
    by_copy = events / seconds
    note = f"{filled.seconds:.0f} s for {filled.events:,} events, senders on the same machine"
    yield Figure(3, "drained events/s, batch 50", filled.per_second, "events/s", note=note)
    note = "binary, the same rows into tables with the same indexes, one connection"
    yield Figure(3, "raw COPY of the same rows", by_copy, "events/s", note=note)
    share = filled.per_second / by_copy
    yield Figure(3, "drained, as a share of raw COPY", share, "", SHARE_OF_COPY, is_floor=True)


def copy(connection: psycopg.Connection, table: str) -> float:
    """Copy a table's rows into a new one like it; return the seconds of the writing."""
    rows = read(connection, table)
    connection.execute(f"CREATE TABLE bench_copy (LIKE {table} INCLUDING ALL)")
    started = time.perf_counter()
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY bench_copy FROM STDIN (FORMAT binary)") as writing,
    ):
        for row in rows:
            writing.write(row)
    seconds = time.perf_counter() - started
    connection.execute("DROP TABLE bench_copy")
    return seconds


def read(connection: psycopg.Connection, table: str) -> list[bytes]:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)") as reading,
    ):
        return [bytes(part) for part in reading]


def count(connection: psycopg.Connection, table: str) -> int:
    (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    return int(found)
